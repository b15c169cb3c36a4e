import assert from 'node:assert/strict';
import { analysisKernels, chiSquareLogP, findBlocks, type Law, tensorKey } from '../../../src/evidence/index.js';
import { draw } from '../../../src/evidence/scores.js';
import { uniforms } from '../../support/fresh-layers.js';
import { groupSize } from './groups.js';

const seed = Number(process.env['KERF_TEST_SEED'] ?? 1);
const d = 256;
const normal = (scale: number): Law => ({ name: 'normal', family: 'normal', scale, std: scale });

/** -ln p of the edges between d nodes in k random blocks; edges within a block carry an added N(0, c^2). */
function plantedBlocks(k: number, c: number, name: string) {
  const { kernels, workspace } = analysisKernels();
  const labels = [...uniforms(seed, `${name} labels`, d)].map((u) => Math.floor(u * k));
  const evidence = workspace.scope(() => {
    const n = d * d * groupSize;
    const weights = workspace.allocate('float32', n);
    const moves = workspace.allocate('float32', n);
    const sums = workspace.allocate('float64', d * d);
    draw(normal(1), tensorKey(seed, `${name} weights`), weights);
    draw(normal(c), tensorKey(seed, `${name} moves`), moves);
    const view = workspace.view(weights);
    const added = workspace.view(moves);
    for (let edge = 0; edge < d * d; edge++) {
      if (labels[Math.floor(edge / d)] !== labels[edge % d]) continue;
      for (let l = 0; l < groupSize; l++) view[edge * groupSize + l] += added[edge * groupSize + l];
    }
    kernels.f32_row_squares(d * d, groupSize, weights.ptr, 0, sums.ptr);
    return chiSquareLogP(workspace.copyOut(sums), groupSize).map((logP) => -logP);
  });
  return { labels, evidence };
}

/** Agreement of two partitions: 1 when equal up to names, 0 on average by chance (Hubert and Arabie 1985). */
function adjustedRandIndex(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const pairs = (n: number) => (n * (n - 1)) / 2;
  const counts = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()];
  for (let i = 0; i < a.length; i++) {
    for (const [j, key] of [`${a[i]}|${b[i]}`, `${a[i]}`, `${b[i]}`].entries()) {
      counts[j].set(key, (counts[j].get(key) ?? 0) + 1);
    }
  }
  const [both, first, second] = counts.map((map) => [...map.values()].reduce((sum, n) => sum + pairs(n), 0));
  const chance = (first * second) / pairs(a.length);
  return (both - chance) / ((first + second) / 2 - chance);
}

describe(`T7: planted blocks of ${d} nodes (seed ${seed})`, () => {
  for (const [k, c, least] of [
    [4, 1, 1],
    [8, 1, 1],
    [16, 1, 0.97],
    [16, 2, 0.98],
  ]) {
    it(`finds ${k} blocks of strength ${c}`, () => {
      const { labels, evidence } = plantedBlocks(k, c, `k = ${k}, c = ${c}`);
      const found = findBlocks(evidence, d, { seed });
      assert.ok(Math.abs(found.k - k) <= (k === 16 ? 1 : 0), `k = ${found.k}`);
      const index = adjustedRandIndex(labels, found.labels);
      assert.ok(index >= least, `adjusted Rand index ${index}`);
    });
  }

  it('finds 4 blocks of half a standard deviation, where no single edge can be told', () => {
    const { labels, evidence } = plantedBlocks(4, 0.5, 'weak');
    const found = findBlocks(evidence, d, { seed });
    assert.equal(found.k, 4);
    assert.ok(adjustedRandIndex(labels, found.labels) > 0.95);
    // Bonferroni over the edges sees next to nothing of the quarter of them that is planted.
    const seen = evidence.filter((value) => value > -Math.log(0.05 / (d * d))).length;
    assert.ok(seen < 0.001 * d * d, `${seen} edges`);
  });

  it('gives the same labels for the same seed', () => {
    const { evidence } = plantedBlocks(8, 1, 'repeat');
    assert.deepEqual(findBlocks(evidence, d, { seed: 3 }), findBlocks(evidence, d, { seed: 3 }));
  });
});
