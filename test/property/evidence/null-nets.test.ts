import assert from 'node:assert/strict';
import { analysisKernels, analyzeLayers, columnBlocks, parseLaw, tensorKey } from '../../../src/evidence/index.js';
import { draw } from '../../../src/evidence/scores.js';
import { freshNet } from '../../support/fresh-layers.js';

const seed = Number(process.env['KERF_TEST_SEED'] ?? 1);
const laws = ['torch-linear', 'kaiming-normal', 'glorot-uniform', 'keras-glorot-normal', 'lecun-normal'];
/** 30 shapes of [out, in], square and not, 32 to 400 wide. */
const shapes = Array.from({ length: 30 }, (_, i) => [32 + ((i * 37) % 200), 40 + ((i * 101) % 360)] as const);

describe(`T8: pure noise shows nothing (seed ${seed})`, () => {
  it('has one block in all of 30 shapes', () => {
    const { workspace } = analysisKernels();
    for (const [i, [rows, columns]] of shapes.entries()) {
      const law = parseLaw(laws[i % laws.length]).weight({ fanIn: columns, fanOut: rows });
      const k = workspace.scope(() => {
        const weights = workspace.allocate('float32', rows * columns);
        draw(law, tensorKey(seed, `noise ${i}`), weights);
        return columnBlocks(weights, rows, columns, seed)?.k;
      });
      assert.equal(k, 1, `${rows} x ${columns}`);
    }
  });

  it('has supported directions in at most 2 of 30 matrices, and supported units in at most a share q of the nets', async () => {
    let directions = 0;
    let withUnits = 0;
    let nets = 0;
    for (const [i, [rows, columns]] of shapes.entries()) {
      const init = laws[i % laws.length];
      const { tensors, units } = await analyzeLayers(freshNet(init, [columns, rows, 16], seed + 1000 * i), { init });
      directions += tensors[0].spectrum!.supported > 0 ? 1 : 0;
      withUnits += units[0].supported.indexOf(1) >= 0 ? 1 : 0;
      nets++;
    }
    assert.ok(directions <= 2, `${directions} of 30 matrices`);
    // Without true effects every rejection is false, so the share of nets with one is at most q = .05; 7 of 30 nets
    // with at least one has probability 3e-4 under it.
    assert.ok(withUnits <= 7, `${withUnits} of ${nets} nets`);
  });
});
