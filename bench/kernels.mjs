/** The linear kernel alone, by Benchmark.js: one process, inputs in WASM memory, no copies to or from the host. */
import Benchmark from 'benchmark';
import { verifyLinear } from './check.mjs';
import { loadKernels, packLinear } from './kernel-module.mjs';
import { linearData, probesOf } from './linear-job.mjs';
import { thin } from './statistics.mjs';
import { printTable } from './table.mjs';

/** A call that runs f32_gemm on inputs that take turns, checked against the f64 sum. */
function checkedCall(shape) {
  const { M, K, N } = shape;
  const { inputs, w, b } = linearData({ ...shape, seed: 1 });
  const module = loadKernels();
  const panels = packLinear(module, w, b, N, K);
  const xs = inputs.map((x) => module.workspace.copyIn('float32', x));
  const y = module.workspace.allocate('float32', M * N);
  const run = (x) => module.kernels.f32_gemm(y.ptr, N, x.ptr, K, panels.ptr, M, N, K, 0, 0, 0, -Infinity, Infinity);
  run(xs[0]);
  const probes = probesOf(M * N);
  const view = module.workspace.view(y);
  verifyLinear(
    'f32_gemm',
    shape,
    inputs[0],
    w,
    b,
    probes,
    probes.map((index) => view[index]),
  );
  let next = 0;
  return () => run(xs[next++ % xs.length]);
}

/** Runs one call under Benchmark.js. */
function measure(call, seconds) {
  const benchmark = new Benchmark(call, { maxTime: seconds, minSamples: 5 });
  for (const end = performance.now() + 300; performance.now() < end; ) call();
  benchmark.run();
  return benchmark.stats;
}

/** @returns rows of the result file, one for each shape */
export function benchKernels(shapes, peak, { seconds }) {
  const results = shapes.map((shape) => {
    const { mean, rme, sample } = measure(checkedCall(shape), seconds);
    const gflops = (2 * shape.M * shape.K * shape.N) / mean / 1e9;
    const gbps = (4 * (shape.K + 1) * shape.N) / mean / 1e9;
    return {
      ...shape,
      kernel: 'f32_gemm',
      gflops,
      gbps,
      rme,
      meanMs: mean * 1e3,
      samplesMs: thin(
        sample.map((s) => s * 1e3),
        200,
      ),
    };
  });
  printTable(
    `f32_gemm (plain SIMD), one thread; ${peak.toFixed(1)} GFLOP/s is what 128-bit arithmetic reaches here`,
    ['layer', 'M x K x N', 'GFLOP/s', 'of peak', '+-', 'samples', 'weights GB/s'],
    results.map((r) => [
      r.name,
      `${r.M}x${r.K}x${r.N}`,
      r.gflops.toFixed(1),
      `${((100 * r.gflops) / peak).toFixed(0)} %`,
      `${r.rme.toFixed(1)} %`,
      r.samplesMs.length,
      r.M === 1 ? r.gbps.toFixed(1) : '-',
    ]),
  );
  return results;
}
