/** The linear kernel alone, by Benchmark.js: one process, inputs in WASM memory, no copies to or from the host. */
import { createHash } from 'node:crypto';
import Benchmark from 'benchmark';
import { verifyLinear } from './check.mjs';
import { buildName, hostKernels, loadKernels, packLinear } from './kernel-module.mjs';
import { linearData, probesOf } from './linear-job.mjs';
import { bestMs, homeOf, measureRead } from './machine.mjs';
import { thin } from './statistics.mjs';
import { printTable } from './table.mjs';

/** A call that runs f32_gemm on inputs that take turns, checked against the f64 sum; and the hash of the first's outputs. */
export function checkedCall(shape, build) {
  const { M, K, N } = shape;
  const { inputs, w, b } = linearData({ ...shape, seed: 1 });
  const module = loadKernels(build);
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
  const hash = createHash('sha256')
    .update(new Uint8Array(view.buffer, view.byteOffset, view.byteLength))
    .digest('hex');
  return { call: () => run(xs[next++ % xs.length]), hash };
}

/** Runs one call under Benchmark.js. */
function measure(call, seconds) {
  const benchmark = new Benchmark(call, { maxTime: seconds, minSamples: 5 });
  for (const end = performance.now() + 300; performance.now() < end; ) call();
  benchmark.run();
  return benchmark.stats;
}

/**
 * @param peak  from openPeak
 * @returns rows of the result file, one for each shape
 */
export async function benchKernels(shapes, peak, { seconds }) {
  const build = await hostKernels();
  const results = [];
  for (const shape of shapes) {
    const { call, hash } = checkedCall(shape, build);
    const { mean, rme, sample } = measure(call, seconds);
    const fastest = bestMs(call, 1000 * seconds);
    peak.look(200);
    const gflops = (2 * shape.M * shape.K * shape.N) / fastest / 1e6;
    const gbps = (4 * (shape.K + 1) * shape.N) / fastest / 1e6;
    const readGbps = shape.M === 1 ? await measureRead(4 * (shape.K + 1) * shape.N) : null;
    results.push({
      ...shape,
      kernel: 'f32_gemm',
      threads: 1,
      outputHash: hash,
      weightsIn: homeOf(4 * (shape.K + 1) * shape.N),
      build: buildName(build),
      readGbps,
      gflops,
      gbps,
      rme,
      fastestMs: fastest,
      meanMs: mean * 1e3,
      samplesMs: thin(
        sample.map((s) => s * 1e3),
        200,
      ),
    });
  }
  printTable(
    `f32_gemm (${buildName(build)} build), one thread; ${peak.gflops.toFixed(1)} GFLOP/s is what 128-bit products and sums reach here, ${peak.roof.toFixed(1)} what this build's instructions do; fastest call`,
    ['layer', 'M x K x N', 'GFLOP/s', 'of peak', 'mean +-', 'samples', 'weights GB/s', 'of read'],
    results.map((r) => [
      r.name,
      `${r.M}x${r.K}x${r.N}`,
      r.gflops.toFixed(1),
      `${((100 * r.gflops) / peak.gflops).toFixed(0)} %`,
      `${r.rme.toFixed(1)} %`,
      r.samplesMs.length,
      r.M === 1 ? r.gbps.toFixed(1) : '-',
      r.M === 1 ? `${((100 * r.gbps) / r.readGbps).toFixed(0)} %` : '-',
    ]),
  );
  return results;
}
