/**
 * Threads: what it costs to wake them, what they take when idle, whether `auto` picks the better number, what a large
 * layer gains, and what two threads reach beside two processes that share nothing. Sessions take turns; the bits of one
 * thread and of all must be equal before anything is timed.
 */
import { Worker } from 'node:worker_threads';
import { InferenceSession, Tensor } from '../build/src/index.js';
import { encodeOnnx } from '../build/src/package/onnx-writer.js';
import { allowedCores } from '../build/src/threads/allowed-cores.js';
import { ratioOf, startContender } from './driver.mjs';
import { linearData, probesOf, randomFloats } from './linear-job.mjs';
import { linearModel } from './onnx.mjs';
import { median, quantile, thin } from './statistics.mjs';
import { formatMs, formatRatio, printTable } from './table.mjs';

/** Layers of [rows, inputs, outputs]: small ones that must stay on one thread, and single ones that are worth splitting. */
const layers = [
  [1, 256, 256],
  [16, 256, 256],
  [64, 256, 256],
  [1, 1024, 1024],
  [64, 1024, 1024],
  [1, 4096, 4096],
  [64, 4096, 4096],
];

/** Inputs that take turns. */
const inputCount = 4;

/** Two layers of n x n that do not touch: what two threads share without cutting anything. */
function twoParts(rows, n) {
  const port = (name) => ({ name, dtype: 'float32', shape: [rows, n] });
  const nodes = [0, 1].map((i) => ({
    name: `fc${i}`,
    op: 'Gemm',
    domain: '',
    inputs: [`x${i}`, `w${i}`],
    outputs: [`y${i}`],
    attributes: new Map([['transB', 1]]),
  }));
  const weights = [0, 1].map((i) => [`w${i}`, new Tensor('float32', randomFloats(n * n, i, n ** -0.5), [n, n])]);
  const bytes = encodeOnnx({
    name: 'two parts',
    opset: 17,
    inputs: [port('x0'), port('x1')],
    outputs: [port('y0'), port('y1')],
    nodes,
    initializers: new Map(weights),
    quantization: new Map(),
  });
  const feeds = Array.from({ length: inputCount }, (_, i) => ({
    x0: new Tensor('float32', randomFloats(rows * n, 2 * i + 5), [rows, n]),
    x1: new Tensor('float32', randomFloats(rows * n, 2 * i + 6), [rows, n]),
  }));
  return { bytes, feeds };
}

function oneLayer([M, K, N]) {
  const { inputs, w, b } = linearData({ M, K, N, seed: 1 });
  return { bytes: linearModel(M, N, K, w, b), feeds: inputs.map((x) => ({ x: new Tensor('float32', x, [M, K]) })) };
}

/** Sessions on one thread, on `threads`, and on as many as kerf chooses, warm. */
async function sessionsOf({ bytes, feeds }, threads) {
  const kinds = [{ executor: 'wasm' }, { executor: 'pool', threads }, { threads: 'auto' }];
  const sessions = await Promise.all(kinds.map((options) => InferenceSession.create(bytes, options)));
  const expected = feeds.map((feed) => bitsOf(sessions[0].runSync(feed)));
  for (const session of sessions) {
    await session.warm();
    for (const [i, feed] of feeds.entries()) {
      if (bitsOf(session.runSync(feed)) !== expected[i]) throw new Error(`threads: other bits on input ${i}`);
    }
  }
  return sessions;
}

const bitsOf = (outputs) =>
  Object.values(outputs)
    .map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'))
    .join();

/** Times of calls, for `ms` at least; a turn of the event loop comes before them, as between the requests of a server. */
async function block(session, feeds, ms) {
  await new Promise(setImmediate);
  session.runSync(feeds[0]);
  await session.warm();
  const callMs = [];
  const end = performance.now() + ms;
  do {
    const start = performance.now();
    session.runSync(feeds[callMs.length % feeds.length]);
    callMs.push(performance.now() - start);
  } while (performance.now() < end);
  return callMs;
}

/** Times all sessions in turns. */
async function race(sessions, feeds, { rounds, blockMs }) {
  for (const session of sessions) await block(session, feeds, 300);
  const blocks = sessions.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, session] of sessions.entries()) blocks[i].push(await block(session, feeds, blockMs));
  }
  return blocks;
}

/**
 * What a call on two threads takes beyond its share of the work: `share` is 1 where the parts are so small that the calling
 * thread is through with both before another wakes, 1 / 2 where each thread has one.
 */
async function forkJoin(rows, n, share, options) {
  const made = twoParts(rows, n);
  const [one, two, auto] = await sessionsOf(made, 2);
  const [alone, shared] = await race([one, two], made.feeds, options);
  const idleCpuShare = await idleShare();
  const beyond = shared.map((callMs, round) => median(callMs) - share * median(alone[round]));
  for (const session of [one, two, auto]) await session.release();
  return {
    parts: [rows, n, n],
    beyondMs: median(beyond),
    low: quantile(beyond, 0.25),
    high: quantile(beyond, 0.75),
    samplesMs: thin(beyond, 50),
    idleCpuShare,
  };
}

/** A thread that sleeps until its word is 1, and answers 2. */
const sleeper = `
  const { workerData } = require('node:worker_threads');
  for (const word = new Int32Array(workerData); ; ) {
    Atomics.wait(word, 0, 0);
    if (Atomics.load(word, 0) === 3) break;
    Atomics.store(word, 0, 2);
    Atomics.wait(word, 0, 2);
  }`;

/** Milliseconds from the call that wakes a sleeping thread to its first store: what no pool without spinning goes below. */
async function measureWake() {
  const word = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(sleeper, { eval: true, workerData: word.buffer });
  const pause = () => new Promise((resolve) => setTimeout(resolve, 2));
  await new Promise((resolve) => worker.once('online', resolve));
  const samples = [];
  for (let i = 0; i < 200; i++) {
    await pause();
    const start = performance.now();
    Atomics.store(word, 0, 1);
    Atomics.notify(word, 0);
    while (Atomics.load(word, 0) !== 2);
    samples.push(performance.now() - start);
    await pause();
    Atomics.store(word, 0, i === 199 ? 3 : 0);
    Atomics.notify(word, 0);
  }
  await worker.terminate();
  return median(samples);
}

/** Processor time of a second without calls. */
async function idleShare() {
  const cpu = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / 1e6;
}

/** One layer on one thread, on all and on `auto`. */
async function choice(shape, threads, options) {
  const made = oneLayer(shape);
  const sessions = await sessionsOf(made, threads);
  const [one, all, auto] = await race(sessions, made.feeds, options);
  for (const session of sessions) await session.release();
  const better = one.map((callMs, round) => (median(callMs) < median(all[round]) ? callMs : all[round]));
  return { shape, oneMs: median(one.flat()), gain: ratioOf(one, all), autoOverBetter: ratioOf(auto, better) };
}

/**
 * Calls a second of two threads in one session, over those of two processes that run at the same time; and `slower`, how
 * much of the calls is left where both processes wait for the slower one of each pair, as a join does.
 */
async function besideProcesses([M, K, N], { rounds, blockMs }) {
  const made = oneLayer([M, K, N]);
  const job = { kind: 'model', model: made.bytes, feeds: made.feeds, output: 'y' };
  const [session, ...pair] = await Promise.all(['kerf on two threads', 'kerf', 'kerf'].map(startContender));
  for (const { ask } of [session, ...pair]) await ask({ do: 'prepare', job, probes: probesOf(M * N), warmUpMs: 500 });
  const rate = ({ callMs }) => callMs.length / callMs.reduce((sum, ms) => sum + ms, 0);
  const [shares, slower] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const two = rate(await session.ask({ do: 'block', ms: blockMs }));
    const both = await Promise.all(pair.map(({ ask }) => ask({ do: 'block', ms: blockMs })));
    shares.push(two / both.reduce((sum, answer) => sum + rate(answer), 0));
    const [a, b] = both.map(({ callMs }) => callMs);
    const pairs = a.slice(0, b.length).map((ms, i) => [ms, b[i]]);
    const sum = (combine) => pairs.reduce((total, pair) => total + combine(...pair), 0);
    slower.push(sum((x, y) => (x + y) / 2) / sum(Math.max));
  }
  for (const contender of [session, ...pair]) await contender.stop();
  const [low, high] = [0.25, 0.75].map((q) => quantile(shares, q));
  return { shape: [M, K, N], median: median(shares), low, high, slower: median(slower) };
}

/** @returns fork-join, the layers, and the share of two processes */
export async function benchThreads(options) {
  const threads = allowedCores();
  const small = await forkJoin(1, 16, 1, options);
  const shared = await forkJoin(32, 256, 0.5, options);
  const choices = [];
  for (const shape of layers) choices.push(await choice(shape, threads, options));
  const processes = await besideProcesses([512, 512, 512], options);
  const wakeMs = await measureWake();
  const beyond = ({ beyondMs, low, high }) => `${formatMs(beyondMs)} (${formatMs(low)}-${formatMs(high)})`;
  console.log(`
runSync on two threads, two parts of 1x16x16: ${beyond(small)} more than on one
two parts of 32x256x256: ${beyond(shared)} more than half of one thread's time; a sleeping thread wakes after ${formatMs(wakeMs)}
a warm pool without calls: ${(100 * shared.idleCpuShare).toFixed(1)} % of a core
512^3 on two threads: ${formatRatio(processes)} the calls of two processes that run together; ${processes.slower.toFixed(2)}x of these are left where the two wait for each other`);
  printTable(
    `One linear layer on one thread, on all ${threads} and on auto, copies included, bits equal`,
    ['M x K x N', 'one thread', 'one / all', 'auto / better of both'],
    choices.map(({ shape, oneMs, gain, autoOverBetter }) => [
      shape.join('x'),
      formatMs(oneMs),
      formatRatio(gain),
      formatRatio(autoOverBetter),
    ]),
  );
  return { forkJoin: [small, shared], choices, processes, wakeMs };
}
