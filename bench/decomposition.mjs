/**
 * What a structure saves: a 1024 x 1024 layer as k blocks and a bus of rank r, against the same layer dense, both in
 * kerf's kernels, in turns. y_p = B_p x_p + U_p z + b_p with z = V x; k = 0 has no blocks, so it is the low-rank layer.
 */
import { loadKernels, packLinear } from './kernel-module.mjs';
import { randomFloats } from './linear-job.mjs';
import { median, quantile, thin } from './statistics.mjs';
import { formatRatio, printTable } from './table.mjs';

const size = 1024;

/** A function that runs the layer on `x` into `y`. */
function layer(module, batch, { k, r }, x, y) {
  const { kernels, workspace } = module;
  const parts = Math.max(1, k);
  const [outputs, inputs] = [size / parts, k === 0 ? 0 : size / parts];
  const gemm = (yPtr, ldy, xPtr, panels, N, K, zPtr, R) =>
    kernels.f32_gemm(yPtr, ldy, xPtr, size, panels.ptr, batch, N, K, zPtr, r, R, -Infinity, Infinity);
  const bus = r === 0 ? null : packLinear(module, randomFloats(r * size, 7, 0.03), randomFloats(r, 8), r, size);
  const z = workspace.allocate('float32', batch * r);
  const blocks = Array.from({ length: parts }, (_, part) =>
    packLinear(
      module,
      randomFloats(outputs * (inputs + r), part, 0.03),
      randomFloats(outputs, part),
      outputs,
      inputs + r,
    ),
  );
  return () => {
    if (bus) gemm(z.ptr, r, x.ptr, bus, r, size, 0, 0);
    for (const [part, panels] of blocks.entries()) {
      gemm(y.ptr + 4 * part * outputs, size, x.ptr + 4 * part * inputs, panels, outputs, inputs, z.ptr, r);
    }
  };
}

/** Runs a call for about `ms`, on inputs that change, and returns the mean time of one. */
function time(call, x, ms) {
  const start = performance.now();
  let calls = 0;
  do {
    x[calls % x.length] += 1e-3;
    call();
    calls++;
  } while (performance.now() < start + ms);
  return (performance.now() - start) / calls;
}

function compare(structure, batch, { rounds, blockMs }) {
  const module = loadKernels();
  const [xBlock, yBlock] = [0, 1].map(() => module.workspace.allocate('float32', batch * size));
  const dense = layer(module, batch, { k: 1, r: 0 }, xBlock, yBlock);
  const own = layer(module, batch, structure, xBlock, yBlock);
  const x = module.workspace.view(xBlock);
  x.set(randomFloats(batch * size, 99));
  for (const call of [dense, own]) time(call, x, 150);
  const [denseMs, ownMs] = [[], []];
  for (let round = 0; round < rounds; round++) {
    denseMs.push(time(dense, x, blockMs));
    ownMs.push(time(own, x, blockMs));
  }
  const ratios = denseMs.map((ms, i) => ms / ownMs[i]);
  const ratio = { median: median(ratios), low: quantile(ratios, 0.25), high: quantile(ratios, 0.75) };
  return { batch, ratio, denseMs: thin(denseMs, 50), ownMs: thin(ownMs, 50) };
}

/** Multiply-adds of the dense layer over those of the structure. */
function workRatio({ k, r }) {
  return size ** 2 / ((k === 0 ? 0 : size ** 2 / k) + 2 * r * size);
}

/** @returns rows of the result file, one for each structure */
export function benchDecomposition(structures, options) {
  const results = structures.map((structure) => ({
    ...structure,
    work: workRatio(structure),
    batches: options.batches.map((batch) => compare(structure, batch, options)),
  }));
  printTable(
    `A ${size} x ${size} layer in parts, one thread: speed-up over kerf's dense layer (quartiles of the rounds)`,
    ['structure', 'less work', ...options.batches.map((batch) => `batch ${batch}`)],
    results.map((r) => [r.name, `${r.work.toFixed(1)}x`, ...r.batches.map(({ ratio }) => formatRatio(ratio))]),
  );
  return results;
}
