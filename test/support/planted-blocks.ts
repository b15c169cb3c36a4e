/** Nodes in planted blocks, and how well a partition finds them again. */
import { analysisKernels, chiSquareLogP, type Law, tensorKey } from '../../src/evidence/index.js';
import { draw } from '../../src/evidence/scores.js';
import { uniforms } from './fresh-layers.js';
import { groupSize } from './groups.js';

const normal = (scale: number): Law => ({ name: 'normal', family: 'normal', scale, std: scale });

/** -ln p of the edges between d nodes in k random blocks; edges within a block carry an added N(0, c^2). */
export function plantedBlocks(d: number, k: number, c: number, seed: number) {
  const name = `${k} blocks of ${c}`;
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
export function adjustedRandIndex(a: ArrayLike<number>, b: ArrayLike<number>): number {
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
