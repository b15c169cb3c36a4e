/** The network of the latency and cold start benchmarks: 784-256-10 with ReLU, weights as torch draws them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalise } from '../build/src/graph/canonicalise.js';
import { loadModel } from '../build/src/model/index.js';
import { encodePackage } from '../build/src/package/kerf-writer.js';
import { encodeOnnx } from '../build/src/package/onnx-writer.js';
import { buildPlan } from '../build/src/plan/build-plan.js';
import { Tensor } from '../build/src/runtime/tensor.js';
import { folder } from './decompose.mjs';
import { randomFloats } from './linear-job.mjs';

const widths = [784, 256, 10];

/** Layer i of 2: w [outputs, inputs] and b as torch initialises them; the first has a ReLU. */
function layerOf(i) {
  const [K, N] = [widths[i - 1], widths[i]];
  const scale = 1 / Math.sqrt(K);
  return { w: randomFloats(K * N, i, scale), b: randomFloats(N, i + 2, scale), N, K, isRelu: i === 1 };
}

function onnxBytes(layers) {
  const port = (name, width) => ({ name, dtype: 'float32', shape: [1, width] });
  const gemm = (i, input, output) => ({
    name: `fc${i}`,
    op: 'Gemm',
    domain: '',
    inputs: [input, `w${i}`, `b${i}`],
    outputs: [output],
    attributes: new Map([['transB', 1]]),
  });
  const relu = { name: 'relu', op: 'Relu', domain: '', inputs: ['h'], outputs: ['a'], attributes: new Map() };
  const weights = layers.flatMap(({ w, b, N, K }, i) => [
    [`w${i + 1}`, new Tensor('float32', w, [N, K])],
    [`b${i + 1}`, new Tensor('float32', b, [N])],
  ]);
  return encodeOnnx({
    name: 'mlp',
    opset: 17,
    inputs: [port('x', widths[0])],
    outputs: [port('y', widths[2])],
    nodes: [gemm(1, 'x', 'h'), relu, gemm(2, 'a', 'y')],
    initializers: new Map(weights),
    quantization: new Map(),
  });
}

/** Normal numbers, none of them zero: the sum of 12 uniform ones, as wide as a unit normal. */
export function normalFloats(length, seed) {
  const uniform = randomFloats(12 * length, seed);
  return Float32Array.from({ length }, (_, i) => uniform.subarray(12 * i, 12 * i + 12).reduce((a, b) => a + b, 0) / 2);
}

/** Writes the network as ONNX and as a package. */
export async function makeMlp() {
  mkdirSync(folder, { recursive: true });
  const [onnx, packed] = [join(folder, 'mlp.onnx'), join(folder, 'mlp.kerf')];
  const layers = [1, 2].map(layerOf);
  writeFileSync(onnx, onnxBytes(layers));
  const { graph, sha256 } = await loadModel(onnx);
  const source = { model: sha256, tool: 'kerf bench', options: {}, seed: 0 };
  writeFileSync(packed, encodePackage({ plan: buildPlan(canonicalise(graph)), certificate: null, source }));
  const feeds = [0, 1, 2, 3].map((i) => ({
    x: { type: 'float32', data: normalFloats(widths[0], 50 + i), dims: [1, widths[0]] },
  }));
  return { kind: 'model', model: packed, onnx, package: packed, output: 'y', feeds, layers };
}
