/**
 * Edges of the tiles: every size from 1 to 65 of each dimension, the others 64, against the next size that fills its
 * tiles. A size that takes longer than the padded one has fallen off a cliff.
 */
import { hostKernels, loadKernels, packLinear } from './kernel-module.mjs';
import { randomFloats } from './linear-job.mjs';
import { printTable } from './table.mjs';

const largest = 65;

/** What a size of each dimension is padded to: the tallest tile of every build, a panel, the longest unrolled step. */
const steps = { M: 12, N: 16, K: 4 };

/** A call of f32_gemm of that shape. */
function callOf(module, { M, N, K }) {
  const { kernels, workspace } = module;
  const panels = packLinear(module, randomFloats(N * K, 1), randomFloats(N, 2), N, K);
  const x = workspace.copyIn('float32', randomFloats(M * K, 3));
  const y = workspace.allocate('float32', M * N);
  return () => kernels.f32_gemm(y.ptr, N, x.ptr, K, panels.ptr, M, N, K, 0, 0, 0, -Infinity, Infinity);
}

/** Shortest time of 20 calls in a row, of several tries that take turns, for each call, in milliseconds. */
function best(calls, tries) {
  const bestMs = calls.map(() => Infinity);
  for (let i = 0; i < tries; i++) {
    for (const [c, call] of calls.entries()) {
      const start = performance.now();
      for (let turn = 0; turn < 20; turn++) call();
      bestMs[c] = Math.min(bestMs[c], performance.now() - start);
    }
  }
  return bestMs;
}

/** @returns for every dimension and size: the padded size's time over its own; 1 and more is no cliff */
export async function benchEdges({ tries }) {
  const build = await hostKernels();
  const warm = callOf(loadKernels(build), { M: 67, N: 77, K: 65 });
  for (const end = performance.now() + 500; performance.now() < end; ) warm();
  const results = [];
  for (const [name, step] of Object.entries(steps)) {
    for (let size = 1; size <= largest; size++) {
      const padded = Math.ceil(size / step) * step;
      if (padded === size) continue;
      const calls = [size, padded].map((value) => callOf(loadKernels(build), { M: 64, N: 64, K: 64, [name]: value }));
      best(calls, tries / 4);
      const [ownMs, paddedMs] = best(calls, tries);
      results.push({ dimension: name, size, padded, ratio: paddedMs / ownMs });
    }
  }
  const worst = [...results].sort((a, b) => a.ratio - b.ratio).slice(0, 5);
  printTable(
    'Edges of the tiles: sizes 1 to 65 of each dimension; the five whose padded neighbour is fastest beside them',
    ['dimension', 'size', 'padded to', 'padded time / own time'],
    worst.map(({ dimension, size, padded, ratio }) => [dimension, size, padded, `${ratio.toFixed(2)}x`]),
  );
  return results;
}
