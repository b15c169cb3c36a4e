import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalise } from '../../src/graph/canonicalise.js';
import { encodeOnnx } from '../../src/package/onnx-writer.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { graphOf, node, port } from '../support/graph.js';
import { assertRefused, digits, jsonOf, kerf, root, scratchFolder } from './kerf.js';

interface Contender {
  readonly name: string;
  readonly version: string;
  readonly threads: number;
  readonly batch: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly ratio: number;
}

describe('kerf bench', () => {
  const scratch = scratchFolder();
  after(scratch.remove);

  it('--json has one entry per contender and batch size', async () => {
    const words = ['bench', digits, '--batch', '1,8', '--seconds', '0.1', '--json'];
    const { contenders, missing } = jsonOf<{ contenders: Contender[]; missing: string[] }>(await kerf(words));
    assert.deepEqual(missing, []);
    assert.deepEqual(
      contenders.map(({ name, batch }) => [name, batch]),
      [
        ['kerf', 1],
        ['kerf', 8],
      ],
    );
    for (const { medianMs, p99Ms, ratio, threads, version } of contenders) {
      assert.ok(medianMs > 0 && p99Ms >= medianMs);
      assert.equal(ratio, 1);
      assert.equal(threads, 1);
      assert.match(version, /^\d+\.\d+\.\d+/);
    }
  });

  it('names a peer that is not installed, and goes on without it', async () => {
    // The peers of the benchmarks are found in bench/node_modules, where they are installed.
    const words = ['bench', digits, '--against', 'onnxruntime-web', '--seconds', '0.1', '--json'];
    const ended = await kerf(words, { cwd: scratch.path });
    const { contenders, missing } = jsonOf<{ contenders: Contender[]; missing: string[] }>(ended);
    assert.deepEqual([...contenders.map(({ name }) => name), ...missing].sort(), ['kerf', 'onnxruntime-web']);
    if (missing.length > 0) assert.match(ended.stderr, /onnxruntime-web is not installed: npm install onnxruntime-web/);
  });

  it('measures the samples that a model fixes, and refuses other numbers of them', async () => {
    const weight = new Tensor('float32', new Float32Array(12).fill(1), [3, 4]);
    const nodes = [node('Gemm', ['x', 'w'], 'y', { transB: 1 })];
    const graph = graphOf({ inputs: [port('x', [5, 4])], outputs: ['y'], nodes, constants: { w: weight } });
    const fixed = join(scratch.path, 'fixed.onnx');
    writeFileSync(fixed, encodeOnnx(canonicalise(graph)));
    const words = ['bench', fixed, '--seconds', '0.1', '--json'];
    const { contenders } = jsonOf<{ contenders: Contender[] }>(await kerf(words));
    assert.deepEqual(
      contenders.map(({ batch }) => batch),
      [5],
    );
    const refused = await kerf([...words, '--batch', '5,64']);
    assertRefused(refused, 2, 'USAGE');
    assert.match(refused.stderr, /takes 5 at a time: got 64, expected 5/);
  });

  it('refuses unknown peers and batch sizes', async () => {
    assertRefused(await kerf(['bench', digits, '--against', 'bogus']), 2, 'USAGE');
    assertRefused(await kerf(['bench', digits, '--batch', '1,x']), 2, 'USAGE');
    assertRefused(await kerf(['bench', join(root, 'README.md')]), 3, 'FILE_FORMAT');
  });
});
