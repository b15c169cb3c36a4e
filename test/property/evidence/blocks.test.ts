import assert from 'node:assert/strict';
import { findBlocks } from '../../../src/evidence/index.js';
import { adjustedRandIndex, plantedBlocks } from '../../support/planted-blocks.js';

const seed = Number(process.env['KERF_TEST_SEED'] ?? 1);
const d = 256;
describe(`T7: planted blocks of ${d} nodes (seed ${seed})`, () => {
  for (const [k, c, least] of [
    [4, 1, 1],
    [8, 1, 1],
    [16, 1, 0.97],
    [16, 2, 0.98],
  ]) {
    it(`finds ${k} blocks of strength ${c}`, () => {
      const { labels, evidence } = plantedBlocks(d, k, c, seed);
      const found = findBlocks(evidence, d, { seed });
      assert.ok(Math.abs(found.k - k) <= (k === 16 ? 1 : 0), `k = ${found.k}`);
      const index = adjustedRandIndex(labels, found.labels);
      assert.ok(index >= least, `adjusted Rand index ${index}`);
    });
  }

  it('finds 4 blocks of half a standard deviation, where no single edge can be told', () => {
    const { labels, evidence } = plantedBlocks(d, 4, 0.5, seed);
    const found = findBlocks(evidence, d, { seed });
    assert.equal(found.k, 4);
    assert.ok(adjustedRandIndex(labels, found.labels) > 0.95);
    // Bonferroni over the edges sees next to nothing of the quarter of them that is planted.
    const seen = evidence.filter((value) => value > -Math.log(0.05 / (d * d))).length;
    assert.ok(seen < 0.001 * d * d, `${seen} edges`);
  });

  it('gives the same labels for the same seed', () => {
    const { evidence } = plantedBlocks(d, 8, 1, seed);
    assert.deepEqual(findBlocks(evidence, d, { seed: 3 }), findBlocks(evidence, d, { seed: 3 }));
  });
});
