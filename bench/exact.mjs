/**
 * The exact tier: skipping zero inputs on against off, in one process and in turns, by processor time. Both must give
 * the same bits on every input before they are timed.
 */
import { join } from 'node:path';
import { findDigits, pixels, readDigits } from '../build/src/demo/index.js';
import { canonicalise } from '../build/src/graph/index.js';
import { loadModel } from '../build/src/model/index.js';
import { buildPlan } from '../build/src/plan/index.js';
import { InThread } from '../build/src/runtime/in-thread.js';
import { Machine } from '../build/src/runtime/machine.js';
import { plainKernels } from '../build/src/runtime/plain-kernels.js';
import { gemm } from '../build/src/runtime/step-kinds/linear.js';
import { Tensor } from '../build/src/runtime/tensor.js';
import { root } from './decompose.mjs';
import { ratioOf } from './driver.mjs';
import { loadKernels, packLinear } from './kernel-module.mjs';
import { randomFloats } from './linear-job.mjs';
import { thin } from './statistics.mjs';
import { formatMs, formatRatio, printTable } from './table.mjs';

/** Inputs that take turns, as far as the data go: with few of them the branches of one image would be learnt by heart. */
const inputCount = 64;

/** Milliseconds of processor time that a call takes, over about `ms`. */
function time(call, ms) {
  const cpu = process.cpuUsage();
  const end = performance.now() + ms;
  let calls = 0;
  do call(calls++);
  while (performance.now() < end);
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / 1000 / calls;
}

/** Checks the bits of `inputs` calls, then times both in turns. */
function compare({ on, off, inputs, ...named }, { rounds, blockMs }) {
  for (let i = 0; i < inputs; i++) {
    const [skipped, full] = [on(i), off(i)].map((y) => new Uint32Array(y.slice().buffer));
    const at = full.findIndex((bits, j) => bits !== skipped[j]);
    if (at >= 0) throw new Error(`${named.name}: output ${at} of input ${i} differs with zeros skipped`);
  }
  for (const call of [on, off]) time(call, 150);
  const [onMs, offMs] = [[], []];
  for (let round = 0; round < rounds; round++) {
    offMs.push([time(off, blockMs)]);
    onMs.push([time(on, blockMs)]);
  }
  const samples = { onMs: thin(onMs.flat(), 50), offMs: thin(offMs.flat(), 50) };
  return { ...named, ratio: ratioOf(offMs, onMs), bestMs: Math.min(...onMs.flat()), ...samples };
}

/** Share of the values that are not zero. */
function densityOf(arrays) {
  const count = arrays.reduce((sum, array) => sum + array.reduce((n, value) => n + (value !== 0 ? 1 : 0), 0), 0);
  return count / arrays.reduce((sum, array) => sum + array.length, 0);
}

/** The digits net on real images, dense as it was trained, copies in and out included. */
async function digitsCases(batches) {
  const { graph } = await loadModel(join(root, 'test', 'golden', 'digits', 'digits.onnx'));
  const { test } = readDigits(findDigits([join(root, 'examples', 'node_modules')]));
  const plan = buildPlan(canonicalise(graph));
  const session = (skipsZeros) =>
    new InThread(new Machine(plan, { kernels: plainKernels(), limitBytes: 2 ** 30, skipsZeros }));
  const [on, off] = [session(true), session(false)];
  return batches.map((batch) => {
    const inputs = Math.min(inputCount, Math.floor(test.x.dims[0] / batch));
    const size = batch * pixels;
    const images = Array.from({ length: inputs }, (_, i) => test.x.data.slice(i * size, (i + 1) * size));
    const feeds = images.map((data) => ({ x: new Tensor('float32', data, [batch, pixels]) }));
    const call = (thread) => (i) => thread.runSync(feeds[i % inputs], {}).logits.data;
    const name = 'digits net 784-256-256-10';
    return { name, rows: batch, density: densityOf(images), on: call(on), off: call(off), inputs };
  });
}

/** Rows of a bag of words: `words` draws by Zipf's law, counted. */
function bagOfWords(rows, vocabulary, words, seed) {
  const weights = Array.from({ length: vocabulary }, (_, word) => 1 / (word + 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const draws = randomFloats(rows * words, seed).map((u) => ((u + 1) / 2) * total);
  const x = new Float32Array(rows * vocabulary);
  for (const [i, draw] of draws.entries()) {
    let word = 0;
    for (let sum = weights[0]; sum < draw && word < vocabulary - 1; word++) sum += weights[word + 1];
    x[Math.floor(i / words) * vocabulary + word]++;
  }
  return x;
}

/** One layer, no copies; off is the same kernel without scratch, which multiplies in full. */
function layerCase(name, M, K, N, makeInput) {
  const module = loadKernels();
  const panels = packLinear(module, randomFloats(N * K, 1, K ** -0.5), randomFloats(N, 2), N, K);
  const arrays = Array.from({ length: 4 }, (_, i) => makeInput(i));
  const inputs = arrays.map((x) => module.workspace.copyIn('float32', x));
  const y = module.workspace.allocate('float32', M * N);
  const scratch = module.workspace.allocate('float32', gemm.scratchBytes({ M, N, K }) / 4);
  const call = (scratchPtr) => (i) => {
    const x = inputs[i % inputs.length].ptr;
    module.kernels.f32_gemm_sparse_input(y.ptr, N, x, K, panels.ptr, M, N, K, 0, 0, 0, -Infinity, Infinity, scratchPtr);
    return module.workspace.view(y);
  };
  return { name, rows: M, density: densityOf(arrays), on: call(scratch.ptr), off: call(0), inputs: inputs.length };
}

/** Inputs of which a share is not zero, anywhere. */
function thinned(length, density, seed) {
  const draws = randomFloats(length, seed + 100);
  return randomFloats(length, seed).map((value, i) => (Math.abs(draws[i]) < density ? value : 0));
}

/** @returns rows of the result file, one for each case */
export async function benchExact(options) {
  const [M, K, N] = [64, 1000, 256];
  const cases = [
    ...(await digitsCases([1, 8, 64])),
    ...[16, 24].map((words) => layerCase('bag of words 1000 x 256', M, K, N, (i) => bagOfWords(M, K, words, i))),
    ...[1, M].flatMap((rows) =>
      [0.02, 0.1, 0.2, 0.3, 0.5, 1].map((density) =>
        layerCase('at random 1000 x 256', rows, K, N, (i) => thinned(rows * K, density, i)),
      ),
    ),
  ];
  const results = cases.map((one) => compare(one, options));
  printTable(
    'Exact tier, one thread, processor time: how much faster it is to skip zero inputs, bits equal (quartiles of the rounds)',
    ['inputs', 'rows', 'not zero', 'skipping', 'full over skipping'],
    results.map(({ name, rows, density, bestMs, ratio }) => [
      name,
      rows,
      `${(100 * density).toFixed(1)} %`,
      formatMs(bestMs),
      formatRatio(ratio),
    ]),
  );
  return results;
}
