import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from '../../src/index.js';
import { assertRefused, digits, jsonOf, kerf, scratchFolder } from './kerf.js';

describe('kerf export', () => {
  const scratch = scratchFolder();
  after(scratch.remove);
  const file = (name: string) => join(scratch.path, name);

  before(async () => {
    const made = await kerf(['decompose', digits, '-o', file('digits.kerf')]);
    assert.equal(made.code, 0, made.stderr);
  });

  it('writes the network of a package as ONNX that gives its bits, under the same names', async () => {
    const ended = await kerf(['export', file('digits.kerf'), '-o', file('small.onnx'), '--json']);
    const { inputs, outputs } = jsonOf<{ inputs: string[]; outputs: string[] }>(ended);
    assert.deepEqual([inputs, outputs], [['x'], ['logits']]);
    const x = new Tensor(
      'float32',
      Float32Array.from({ length: 3 * 784 }, (_, i) => (i % 11) / 10),
      [3, 784],
    );
    const results = [];
    for (const name of ['digits.kerf', 'small.onnx']) {
      await using session = await InferenceSession.create(file(name), { executor: 'wasm' });
      results.push((await session.run({ x })).logits);
    }
    assert.deepEqual(results[1], results[0]);
  });

  it('refuses what is no package, and to overwrite it', async () => {
    writeFileSync(file('other.kerf'), 'no package');
    assertRefused(await kerf(['export', file('other.kerf'), '-o', file('y.onnx')]), 3, 'PACKAGE_INVALID');
    const before = readFileSync(file('digits.kerf'));
    assertRefused(await kerf(['export', file('digits.kerf'), '-o', file('digits.kerf')]), 2, 'USAGE');
    assert.deepEqual(readFileSync(file('digits.kerf')), before);
    assertRefused(await kerf(['export', file('digits.kerf'), '-o', '-', '--json']), 2, 'USAGE');
  });
});
