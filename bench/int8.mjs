/**
 * int8 weights beside float32 ones: the same layer by i8_gemm (the rounding of its inputs included) and by f32_gemm, in
 * one process, in turns, after every probed output was checked against f64.
 */
import assert from 'node:assert/strict';
import { analysisKernels } from '../build/src/evidence/analysis.js';
import { packInt8Panels } from '../build/src/plan/small-panels.js';
import { int8PanelLength, panelLength } from '../build/src/runtime/panels.js';
import { stepKinds } from '../build/src/runtime/step-kinds.js';
import { Tensor } from '../build/src/runtime/tensor.js';
import { ratioOf } from './driver.mjs';
import { buildName, hostKernels, loadKernels, packLinear } from './kernel-module.mjs';
import { linearData, probesOf } from './linear-job.mjs';
import { median } from './statistics.mjs';
import { printTable } from './table.mjs';

const shapes = [
  { name: 'cube-512', M: 512, K: 512, N: 512 },
  { name: 'digits-batch', M: 64, K: 784, N: 512 },
  { name: 'bert-ffn-row', M: 1, K: 768, N: 3072 },
  { name: 'wide-row', M: 1, K: 4096, N: 4096 },
];

/** W [N, K] as int8 and a scale for each row, all inputs weighed alike. */
function quantize(w, N, K) {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const weights = workspace.copyIn('float32', w);
    const [ones, zeros] = [1, 0].map((value) => workspace.copyIn('float64', new Float64Array(K).fill(value)));
    const [q, scale] = [workspace.allocate('int8', N * K), workspace.allocate('float32', N)];
    const stats = workspace.allocate('float64', 3 * N);
    kernels.i8_quantize_rows(q.ptr, scale.ptr, stats.ptr, weights.ptr, ones.ptr, zeros.ptr, N, K);
    return { q: workspace.copyOut(q), scale: workspace.copyOut(scale) };
  });
}

/** The layer with its int8 weights in f64, and the most that the rounding of the inputs can change (see the kernel). */
function truth({ K, N }, { q, scale }, b, x, index) {
  const [m, n] = [Math.floor(index / N), index % N];
  let [sum, size, weights, largest] = [b[n], Math.abs(b[n]), 0, 0];
  for (let k = 0; k < K; k++) {
    const [w, value] = [scale[n] * q[n * K + k], x[m * K + k]];
    sum += w * value;
    size += Math.abs(w * value);
    weights += Math.abs(w);
    largest = Math.max(largest, Math.abs(value));
  }
  const step = largest / Math.min(32767, Math.floor((2 ** 31 - 1) / 128 / K));
  return { value: sum, bound: 0.51 * step * weights + 1e-6 * size };
}

/** Calls of both kernels on the same data, and how far int8 is from the float32 layer. */
function callsOf(shape, build) {
  const { M, K, N } = shape;
  const { inputs, w, b } = linearData({ ...shape, seed: 1 });
  const module = loadKernels(build);
  const { kernels, workspace } = module;
  const panels = packLinear(module, w, b, N, K);
  const small = quantize(w, N, K);
  const bytes = new Tensor('int8', small.q, [N, K]);
  const packed = packInt8Panels({ bytes, N, K, strideN: K, strideK: 1, add: b, scale: small.scale });
  const smallPanels = workspace.copyIn('int8', packed);
  const scratch = workspace.allocate('int8', stepKinds.get('gemm-int8').scratchBytes({ M, N, K }));
  const xs = inputs.map((x) => workspace.copyIn('float32', x));
  const [y, z] = [workspace.allocate('float32', M * N), workspace.allocate('float32', M * N)];
  const rest = [M, N, K, 0, 0, 0, -Infinity, Infinity];
  const f32 = (x) => kernels.f32_gemm(y.ptr, N, x.ptr, K, panels.ptr, ...rest);
  const int8 = (x) => kernels.i8_gemm(0, z.ptr, N, x.ptr, K, smallPanels.ptr, ...rest, scratch.ptr);
  f32(xs[0]);
  int8(xs[0]);
  const [exact, rounded] = [workspace.view(y), workspace.view(z)];
  for (const index of probesOf(M * N)) {
    const { value, bound } = truth(shape, small, b, inputs[0], index);
    assert.ok(Math.abs(rounded[index] - value) <= bound, `i8_gemm ${shape.name} [${index}]: ${rounded[index]}`);
  }
  const norm = (values) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  const rel = norm(Float64Array.from(rounded, (value, i) => value - exact[i])) / norm(Float64Array.from(exact));
  let turn = 0;
  return { calls: [f32, int8].map((call) => () => call(xs[turn++ % xs.length])), rel };
}

/** Processor time of a call in milliseconds, over about `ms`: other programs disturb it less than the clock's. */
function block(call, ms) {
  let turns = 0;
  const cpu = process.cpuUsage();
  const end = performance.now() + ms;
  for (; turns === 0 || performance.now() < end; turns++) call();
  const { user, system } = process.cpuUsage(cpu);
  return [(user + system) / 1000 / turns];
}

/** @returns for each shape both times, the ratio of throughputs, bytes and the error of int8 */
export async function benchInt8({ rounds, blockMs, warmUpMs }) {
  const build = await hostKernels();
  const results = shapes.map((shape) => {
    const { calls, rel } = callsOf(shape, build);
    for (const call of calls) block(call, warmUpMs);
    const blocks = calls.map(() => []);
    for (let round = 0; round < rounds; round++)
      for (const [i, call] of calls.entries()) blocks[i].push(block(call, blockMs));
    const [f32Ms, int8Ms] = blocks.map((times) => median(times.flat()));
    const { M, K, N } = shape;
    const gflops = (ms) => (2 * M * K * N) / ms / 1e6;
    const bytes = { f32: 4 * panelLength(N, K), int8: int8PanelLength(N, K) };
    const ratio = ratioOf(blocks[0], blocks[1]);
    return { ...shape, f32Ms, int8Ms, f32Gflops: gflops(f32Ms), int8Gflops: gflops(int8Ms), ratio, bytes, rel };
  });
  printTable(
    `int8 weights, one thread; f32_gemm is the ${buildName(build)} build; medians of processor time, in blocks that take turns`,
    ['layer', 'M x K x N', 'f32 GFLOP/s', 'int8', 'int8 / f32', 'quartiles', 'bytes of f32', 'error'],
    results.map(({ name, M, K, N, f32Gflops, int8Gflops, ratio, bytes, rel }) => [
      name,
      `${M}x${K}x${N}`,
      f32Gflops.toFixed(1),
      int8Gflops.toFixed(1),
      `${ratio.median.toFixed(2)}x`,
      `${ratio.low.toFixed(2)}..${ratio.high.toFixed(2)}`,
      `${((100 * bytes.int8) / bytes.f32).toFixed(1)} %`,
      rel.toExponential(1),
    ]),
  );
  return results;
}
