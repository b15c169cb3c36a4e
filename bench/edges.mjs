/**
 * Edges of the tiles: every size from 1 to 65 of each dimension, the others 64, against the next size that fills its
 * tiles. A size that takes longer than the padded one has fallen off a cliff.
 */
import { hostKernels, loadKernels, packLinear } from './kernel-module.mjs';
import { randomFloats } from './linear-job.mjs';
import { printTable } from './table.mjs';

const largest = 65;

/** Layers [N, K] with weights too many for a first level cache, for batches of 1 to 16 rows, each against one row more. */
const widths = [
  [768, 768],
  [1000, 256],
];

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

/** Shortest time of `turns` calls in a row, of several tries that alternate, for each call, in milliseconds. */
function best(calls, tries, turns) {
  const bestMs = calls.map(() => Infinity);
  for (let i = 0; i < tries; i++) {
    for (const [c, call] of calls.entries()) {
      const start = performance.now();
      for (let turn = 0; turn < turns; turn++) call();
      bestMs[c] = Math.min(bestMs[c], performance.now() - start);
    }
  }
  return bestMs;
}

/** Pairs of sizes to compare: a dimension's name, a size, the one that it should not be slower than, and their calls. */
function* pairsOf(build) {
  const pair = (dimension, size, padded, shapeOf) => {
    return {
      dimension,
      size,
      padded,
      calls: [size, padded].map((value) => callOf(loadKernels(build), shapeOf(value))),
    };
  };
  for (const [name, step] of Object.entries(steps)) {
    for (let size = 1; size <= largest; size++) {
      const padded = Math.ceil(size / step) * step;
      if (padded !== size) yield pair(name, size, padded, (value) => ({ M: 64, N: 64, K: 64, [name]: value }));
    }
  }
  for (const [N, K] of widths) {
    for (let M = 1; M < 16; M++) yield pair(`M of ${N}x${K}`, M, M + 1, (value) => ({ M: value, N, K }));
  }
}

/** @returns for every dimension and size: the padded size's time over its own; 1 and more is no cliff */
export async function benchEdges({ tries }) {
  const build = await hostKernels();
  const warm = callOf(loadKernels(build), { M: 67, N: 77, K: 65 });
  for (const end = performance.now() + 500; performance.now() < end; ) warm();
  const results = [];
  for (const { dimension, size, padded, calls } of pairsOf(build)) {
    // Long calls are few enough not to be interrupted.
    const turns = dimension.includes(' of ') ? 1 : 20;
    best(calls, tries / 4, turns);
    const [ownMs, paddedMs] = best(calls, tries, turns);
    results.push({ dimension, size, padded, ratio: paddedMs / ownMs });
  }
  const worst = [...results].sort((a, b) => a.ratio - b.ratio).slice(0, 5);
  printTable(
    'Edges of the tiles: sizes 1 to 65 of each dimension, and batches of wide layers; the five whose padded neighbour is fastest beside them',
    ['dimension', 'size', 'padded to', 'padded time / own time'],
    worst.map(({ dimension, size, padded, ratio }) => [dimension, size, padded, `${ratio.toFixed(2)}x`]),
  );
  return results;
}
