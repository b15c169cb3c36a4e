/** Convolution, recurrence and attention against the peers: one small model each, every contender in its own process, taking turns. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findOperator } from '../build/src/graph/operators/index.js';
import { encodeOnnx } from '../build/src/package/onnx-writer.js';
import { Tensor } from '../build/src/runtime/tensor.js';
import { race, startContender } from './driver.mjs';
import { hostKernels, loadKernels, packLinear } from './kernel-module.mjs';
import { probesOf, randomFloats } from './linear-job.mjs';
import { bestMs } from './machine.mjs';
import { thin } from './statistics.mjs';
import { formatMs, formatRatio, printTable } from './table.mjs';

const names = ['kerf', 'onnxruntime-web', 'onnxruntime-node'];
const inputCount = 4;
const opset = 17;

const sizeOf = (dims) => dims.reduce((product, size) => product * size, 1);
const floats = (dims, seed, scale = 1) => new Tensor('float32', randomFloats(sizeOf(dims), seed, scale), dims);
const node = (op, inputs, outputs, attributes = {}) => {
  return { name: outputs[0], op, domain: '', inputs, outputs, attributes: new Map(Object.entries(attributes)) };
};

/** y = relu(conv(x)): `kernel` and `stride` for both axes, padded to keep the image's size. */
function conv({ C, O, size, kernel, stride = 1, groups = 1 }) {
  const [weights, pad] = [[O, C / groups, kernel, kernel], Math.floor(kernel / 2)];
  const scale = 1 / Math.sqrt((C / groups) * kernel * kernel);
  const attributes = {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [pad, pad, pad, pad],
    group: groups,
  };
  const constants = { W: floats(weights, 1, scale), B: floats([O], 2, scale) };
  return {
    x: [1, C, size, size],
    constants,
    nodes: [node('Conv', ['x', 'W', 'B'], ['p'], attributes), node('Relu', ['p'], ['y'])],
  };
}

/** One recurrent layer over T times. */
function recurrent({ op, T, I, H, attributes = {} }) {
  const gates = op === 'LSTM' ? 4 : 3;
  const scale = 1 / Math.sqrt(H);
  const constants = {
    W: floats([1, gates * H, I], 1, scale),
    R: floats([1, gates * H, H], 2, scale),
    B: floats([1, 2 * gates * H], 3, scale),
  };
  return { x: [T, 1, I], constants, nodes: [node(op, ['x', 'W', 'R', 'B'], ['y'], { hidden_size: H, ...attributes })] };
}

/** softmax(Q K^T / sqrt(d)) V with Q = K = V = x [1, heads, T, d]. */
function attention({ heads, T, d }) {
  const constants = { scale: new Tensor('float32', Float32Array.of(1 / Math.sqrt(d)), []) };
  const nodes = [
    node('Transpose', ['x'], ['k'], { perm: [0, 1, 3, 2] }),
    node('MatMul', ['x', 'k'], ['s']),
    node('Mul', ['s', 'scale'], ['t']),
    node('Softmax', ['t'], ['p'], { axis: -1 }),
    node('MatMul', ['p', 'x'], ['y']),
  ];
  return { x: [1, heads, T, d], constants, nodes };
}

const kinds = { conv, recurrent, attention };

/** The dense products of a layer as [count, M, K, N]; none where a group has one channel. */
const products = {
  conv: ({ C, O, size, kernel, stride = 1, groups = 1 }) =>
    groups > 1 ? [] : [[1, (size / stride) ** 2, C * kernel ** 2, O]],
  recurrent: ({ op, T, I, H }) => {
    const width = (op === 'LSTM' ? 4 : 3) * H;
    return [
      [1, T, I, width],
      [T, 1, H, width],
    ];
  },
  attention: ({ heads, T, d }) => [
    [heads, T, d, T],
    [heads, T, T, d],
  ],
};

/** Milliseconds of the products alone, by the kernel of linear layers on packed weights: what a layer cannot go below. */
function productsMs(shape, build) {
  let sum = 0;
  for (const [count, M, K, N] of products[shape.kind](shape)) {
    const module = loadKernels(build);
    const panels = packLinear(module, randomFloats(N * K, 1, K ** -0.5), new Float32Array(N), N, K);
    const x = module.workspace.copyIn('float32', randomFloats(M * K, 2));
    const y = module.workspace.allocate('float32', M * N);
    const run = () => {
      for (let i = 0; i < count; i++) {
        module.kernels.f32_gemm(y.ptr, N, x.ptr, K, panels.ptr, M, N, K, 0, 0, 0, -Infinity, Infinity);
      }
    };
    for (let i = 0; i < 100; i++) run();
    sum += bestMs(run, 300);
  }
  return sum;
}

/** The values of a network in f64 between its nodes' float32 results: every node by its reference. */
function reference({ constants, nodes }, x) {
  const values = new Map([...Object.entries(constants), ['x', x]]);
  for (const one of nodes) {
    const inputs = one.inputs.map((name) => values.get(name));
    const outputs = findOperator(one, opset).evaluate(one, inputs, opset);
    for (const [i, name] of one.outputs.entries()) values.set(name, outputs[i]);
  }
  return values.get('y');
}

/** The model of a shape as a job of the contenders, and the outputs of its first input by the references. */
export function jobOf(shape, folder) {
  const network = kinds[shape.kind](shape);
  const inputs = Array.from({ length: inputCount }, (_, i) => floats(network.x, 10 + i));
  const expected = reference(network, inputs[0]);
  const port = (name, dims) => ({ name, dtype: 'float32', shape: dims });
  const onnx = encodeOnnx({
    name: shape.name,
    opset,
    inputs: [port('x', network.x)],
    outputs: [port('y', expected.dims)],
    nodes: network.nodes,
    initializers: new Map(Object.entries(network.constants)),
    quantization: new Map(),
  });
  const model = join(folder, `${shape.name}.onnx`);
  writeFileSync(model, onnx);
  const feeds = inputs.map(({ type, data, dims }) => ({ x: { type, data, dims } }));
  return { job: { kind: 'model', model, onnx, feeds, output: 'y' }, expected: expected.data };
}

/** Weights and inputs are of unit scale, so results are of the order of 1; a wrong result is off by about as much. */
const tolerance = 2 ** -14;

async function raceShape(contenders, shape, folder, options) {
  const { job, expected } = jobOf(shape, folder);
  const probes = probesOf(expected.length);
  const verify = (who, values) => {
    const wrong = probes.findIndex((index, i) => !(Math.abs(values[i] - expected[index]) <= tolerance));
    if (wrong < 0) return;
    throw new Error(
      `${who}: ${shape.name}[${probes[wrong]}]: got ${values[wrong]}, expected ${expected[probes[wrong]]}`,
    );
  };
  const alone = productsMs(shape, await hostKernels());
  return { ...shape, productsMs: alone, contenders: await race(contenders, job, probes, verify, options) };
}

/** @returns rows of the result file, one for each shape */
export async function benchLayers(shapes, options) {
  const folder = mkdtempSync(join(tmpdir(), 'kerf-bench-'));
  const contenders = [];
  try {
    for (const name of names) contenders.push(await startContender(name));
    const versions = contenders.map(({ name, version, flags, pid }) => ({ name, version, flags, pid }));
    const results = [];
    for (const shape of shapes) results.push(await raceShape(contenders, shape, folder, options));
    printTable(
      'Convolution, recurrence, attention, each contender in its own process, interleaved: median of a call with copies in and out, and how much longer the peers take (quartiles of the rounds); the products alone are what no layer goes below',
      ['layer', 'kerf', ...names.slice(1), 'web, processor time', 'products alone', 'web over them'],
      results.map(({ name, productsMs: alone, contenders: [own, web, native] }) => [
        name,
        formatMs(own.medianMs),
        formatRatio(web.ratio),
        formatRatio(native.ratio),
        formatRatio(web.cpuRatio),
        alone > 0 ? `${((100 * alone) / own.medianMs).toFixed(0)} %` : '-',
        alone > 0 ? `${(web.medianMs / alone).toFixed(2)}x` : '-',
      ]),
    );
    const thinned = (one) => ({
      ...one,
      contenders: one.contenders.map((c) => ({ ...c, blocks: c.blocks.map((block) => thin(block, 20)) })),
    });
    return { versions, results: results.map(thinned) };
  } finally {
    await Promise.all(contenders.map((contender) => contender.stop()));
    rmSync(folder, { recursive: true });
  }
}
