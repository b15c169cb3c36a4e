/**
 * Everyone who runs the same job. A contender is { version, flags, prepare(job) }; `prepare` returns call(i), which
 * computes the outputs for input i mod 4, from an array of the host into a fresh array of the host, or a promise of it.
 */
import { readFileSync } from 'node:fs';
import { buildName, hostKernels, loadKernels, packLinear } from './kernel-module.mjs';
import { linearData } from './linear-job.mjs';
import { linearModel } from './onnx.mjs';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** kerf's kernel on one layer, with the copies that a session makes. */
function prepareLinear(job, build) {
  const { M, K, N } = job;
  const { inputs, w, b } = linearData(job);
  const module = loadKernels(build);
  const panels = packLinear(module, w, b, N, K);
  const [x, y] = [module.workspace.allocate('float32', M * K), module.workspace.allocate('float32', M * N)];
  const [xView, yView] = [module.workspace.view(x), module.workspace.view(y)];
  return (i) => {
    xView.set(inputs[i % inputs.length]);
    module.kernels.f32_gemm(y.ptr, N, x.ptr, K, panels.ptr, M, N, K, 0, 0, 0, -Infinity, Infinity);
    return yView.slice();
  };
}

/** A session of kerf on the model, or on the package made from it. */
async function prepareModel(path, { feeds, output }, threads = { threads: 1 }) {
  const { InferenceSession, Tensor } = await import('../build/src/index.js');
  const session = await InferenceSession.create(path, {
    ...threads,
    revectorize: !!process.env.KERF_BENCH_REVECTORIZE,
  });
  await session.warm();
  const tensors = feeds.map((feed) => mapValues(feed, ({ type, data, dims }) => new Tensor(type, data, dims)));
  return (i) => session.runSync(tensors[i % tensors.length])[output].data;
}

async function kerf() {
  const build = await hostKernels();
  const prepare = async (job) => (job.kind === 'model' ? prepareModel(job.model, job) : prepareLinear(job, build));
  return { version, flags: `WASM, ${buildName(build)} build, 1 thread`, prepare };
}

function kerfDecomposed() {
  return { version, flags: 'WASM, 1 thread', prepare: (job) => prepareModel(job.package, job) };
}

function kerfOnTwoThreads() {
  return {
    version,
    flags: 'WASM, 2 threads',
    prepare: (job) => prepareModel(job.model, job, { executor: 'pool', threads: 2 }),
  };
}

/** Plain nested loops over arrays, as one writes them without a library. */
function plainLoop() {
  return {
    version: process.version,
    flags: 'JavaScript, 1 thread',
    async prepare(job) {
      const { M, K, N } = job;
      const { inputs, w, b } = linearData(job);
      return (i) => {
        const x = inputs[i % inputs.length];
        const y = new Float32Array(M * N);
        for (let m = 0; m < M; m++) {
          for (let n = 0; n < N; n++) {
            let sum = b[n];
            for (let k = 0; k < K; k++) sum += x[m * K + k] * w[n * K + k];
            y[m * N + n] = sum;
          }
        }
        return y;
      };
    },
  };
}

/** One of the two onnxruntimes, with one thread. */
async function onnxruntime(name, flags) {
  const { default: defaults, ...named } = await import(name);
  const ort = named.InferenceSession ? named : defaults;
  if (name === 'onnxruntime-web') ort.env.wasm.numThreads = 1;
  const options = {
    executionProviders: [name === 'onnxruntime-web' ? 'wasm' : 'cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
  };
  return {
    version: ort.env.versions.web ?? ort.env.versions.node,
    flags,
    async prepare(job) {
      const { onnx, feeds, output } = job.kind === 'model' ? job : linearFeeds(job);
      const session = await ort.InferenceSession.create(onnx, options);
      const tensors = feeds.map((feed) => mapValues(feed, ({ type, data, dims }) => new ort.Tensor(type, data, dims)));
      return async (i) => (await session.run(tensors[i % tensors.length]))[output].data;
    },
  };
}

/** TensorFlow.js on its WASM backend: linear layers, their weights set directly. */
async function tfjsWasm() {
  const tf = await import('@tensorflow/tfjs-core');
  const { setThreadsCount } = await import('@tensorflow/tfjs-backend-wasm');
  setThreadsCount(1);
  await tf.setBackend('wasm');
  return {
    version: tf.version_core,
    flags: 'WASM simd128, 1 thread',
    async prepare(job) {
      const { layers, inputs } =
        job.kind === 'model' ? chainOf(job) : { layers: [layerOf(job)], inputs: linearInputs(job) };
      const weights = layers.map(({ w, b, N, K, isRelu }) => ({
        // Stored [inputs, outputs], as its dense layers do.
        b: tf.tidy(() => tf.transpose(tf.tensor2d(w, [N, K]))),
        bias: tf.tensor1d(b),
        activation: isRelu ? 'relu' : 'linear',
      }));
      return (i) =>
        tf.tidy(() => {
          const { data, dims } = inputs[i % inputs.length];
          return weights.reduce((a, layer) => tf.fused.matMul({ a, ...layer }), tf.tensor2d(data, dims)).dataSync();
        });
    },
  };
}

/** The layers and inputs of a model that is a chain of linear layers. */
function chainOf({ layers, feeds }) {
  if (!layers) throw new Error('tfjs-wasm runs chains of linear layers only');
  return { layers, inputs: feeds.map(({ x }) => x) };
}

function layerOf(job) {
  const { w, b } = linearData(job);
  return { w, b, N: job.N, K: job.K, isRelu: false };
}

const linearInputs = (job) => linearData(job).inputs.map((data) => ({ data, dims: [job.M, job.K] }));

/** A linear layer as a model. */
function linearFeeds(job) {
  const { M, K, N } = job;
  const { inputs, w, b } = linearData(job);
  const feeds = inputs.map((data) => ({ x: { type: 'float32', data, dims: [M, K] } }));
  return { onnx: linearModel(M, N, K, w, b), feeds, output: 'y' };
}

function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

export const contenders = {
  kerf,
  'kerf decomposed': kerfDecomposed,
  'kerf on two threads': kerfOnTwoThreads,
  'onnxruntime-web': () => onnxruntime('onnxruntime-web', 'WASM simd128, 1 thread'),
  'onnxruntime-node': () => onnxruntime('onnxruntime-node', 'native CPU, 1 thread'),
  'tfjs-wasm': tfjsWasm,
  'plain loop': plainLoop,
};
