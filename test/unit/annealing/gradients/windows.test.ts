/** Reverse rules of convolutions and pools against central differences. */
import assert from 'node:assert/strict';
import { reverseGraph } from '../../../../src/annealing/gradients/reverse.js';
import { layersOf } from '../../../../src/annealing/rewrite.js';
import { createEvaluate } from '../../../../src/evaluate-graph.js';
import type { Attribute, Graph, Node } from '../../../../src/graph/graph.js';
import { elementCount, Tensor } from '../../../../src/runtime/tensor.js';
import { createRandom } from '../../../oracle/random.js';
import { makeGraph, node, normalRows } from '../../../support/networks.js';

const evaluate = createEvaluate();
const n = 3;

const made = (name: string, op: string, inputs: string[], output: string, attributes: Record<string, Attribute> = {}) =>
  ({ ...node(name, op, inputs, output), attributes: new Map(Object.entries(attributes)) }) satisfies Node;
const whole = (...values: number[]) => new Tensor('int64', BigInt64Array.from(values, BigInt), [values.length]);

function normals(seed: number, dims: readonly number[]): Tensor<'float32'> {
  return normalRows(seed, 1, elementCount(dims)).reshape(dims) as Tensor<'float32'>;
}

/** x [n, pixels] -> images -> Conv c1 -> h -> (the nodes under test) -> y. */
function around(sizes: readonly number[], nodes: readonly Node[], constants: Record<string, Tensor> = {}): Graph {
  const kernel = sizes.map(() => 3);
  return makeGraph(
    { x: 2 * elementCount(sizes) },
    [
      node('r', 'Reshape', ['x', 'shape'], 'images'),
      made('c1', 'Conv', ['images', 'w1', 'b1'], 'h', { pads: [...kernel, ...kernel].map(() => 1) }),
      ...nodes,
    ],
    { shape: whole(-1, 2, ...sizes), w1: normals(1, [4, 2, ...kernel]), b1: normals(2, [4]), ...constants },
  );
}

/** The graph with `by` added at one element of `value` in every sample. */
function shifted(graph: Graph, value: string, dims: readonly number[], at: number, by: number): Graph {
  const data = new Float32Array(elementCount(dims));
  data[at] = by;
  const [moved, shift] = [`${value}/moved`, `${value}/shift`];
  const nodes = graph.nodes.flatMap((one) => {
    const read = { ...one, inputs: one.inputs.map((input) => (input === value ? moved : input)) };
    return one.outputs.includes(value) ? [read, node(moved, 'Add', [value, shift])] : [read];
  });
  return {
    ...graph,
    nodes,
    initializers: new Map([...graph.initializers, [shift, new Tensor('float32', data, [1, ...dims])]]),
  };
}

/** Compares gradients at a convolution's output with differences, at some of its elements, sample by sample. */
async function check(graph: Graph, layer = 'c1', step = 1e-2): Promise<void> {
  const feeds = { x: normalRows(3, n, graph.inputs[0].shape[1] as number) };
  const { output } = layersOf(graph).find(({ name }) => name === layer)!;
  const { y, [output]: h } = await evaluate(graph, feeds, ['y', output]);
  const seed = normals(4, y.dims);
  const reverse = reverseGraph(graph, 'y');
  assert.equal(reverse.blocked.size, 0);
  const gradient = (await evaluate(reverse.graph, { ...feeds, [reverse.seed]: seed }))[reverse.gradients.get(layer)!];
  const [, channels, ...sizes] = h.dims;
  const places = elementCount(sizes);
  assert.deepEqual(gradient.dims, [n, ...sizes, channels]);
  const random = createRandom(5);
  for (let trial = 0; trial < 20; trial++) {
    const [c, p] = [random.below(channels), random.below(places)];
    const sums = await Promise.all(
      [step, -step].map(async (by) => {
        const outputs = await evaluate(shifted(graph, output, h.dims.slice(1), c * places + p, by), feeds, ['y']);
        const stride = y.size / n;
        const sum = new Float64Array(n);
        for (let i = 0; i < y.size; i++) sum[Math.floor(i / stride)] += Number(outputs.y.data[i]) * seed.data[i];
        return sum;
      }),
    );
    for (let i = 0; i < n; i++) {
      const expected = (sums[0][i] - sums[1][i]) / (2 * step);
      const got = gradient.data[(i * places + p) * channels + c] as number;
      // Differences of f32 outputs over a step of .01: rounding 1e-5 and curvature 1e-4 of the values' scale.
      const tolerance = 5e-4 * (1 + Math.abs(expected));
      assert.ok(Math.abs(got - expected) <= tolerance, `[${i}, ${c}, ${p}]: got ${got}, expected ${expected}`);
    }
  }
}

describe('reverse pass on images', () => {
  const second = normals(6, [5, 4, 3, 2]);
  for (const [what, attributes] of [
    ['strides, padding and a rest that no window sees', { strides: [2, 3], pads: [1, 0, 0, 1] }],
    ['dilated windows', { dilations: [2, 1] }],
    ['padding by name', { auto_pad: 'SAME_UPPER', strides: [2, 2] }],
  ] as const) {
    it(`goes back through a convolution with ${what}`, () =>
      check(around([8, 7], [made('c2', 'Conv', ['h', 'w2'], 'y', attributes)], { w2: second })));
  }

  it('goes back through a convolution in groups, and one of signals', async () => {
    await check(around([6, 6], [made('g', 'Conv', ['h', 'w2'], 'y', { group: 2 })], { w2: normals(7, [6, 2, 3, 3]) }));
    await check(around([9], [made('s', 'Conv', ['h', 'w2'], 'y', { strides: [2] })], { w2: normals(8, [3, 4, 3]) }));
  });

  for (const [op, attributes] of [
    ['MaxPool', { kernel_shape: [2, 2], strides: [2, 2] }],
    ['MaxPool', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }],
    ['AveragePool', { kernel_shape: [2, 3], strides: [2, 2], pads: [0, 1, 1, 0] }],
    ['AveragePool', { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 }],
    ['GlobalAveragePool', {}],
    ['GlobalMaxPool', {}],
  ] as const) {
    it(`goes back through ${op} ${JSON.stringify(attributes)}`, () =>
      check(around([7, 6], [made('p', op, ['h'], 'y', attributes)]), 'c1', 1e-3));
  }

  it('goes back through a normalisation of given moments', () =>
    check(
      around([5, 5], [made('n', 'BatchNormalization', ['h', 'gain', 'shift', 'mean', 'variance'], 'y')], {
        gain: normals(9, [4]),
        shift: normals(10, [4]),
        mean: normals(11, [4]),
        variance: new Tensor('float32', Float32Array.of(0.5, 1, 2, 3), [4]),
      }),
    ));

  it('refuses windows that reach beyond the image', () => {
    const pool = made('p', 'AveragePool', ['h'], 'y', { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 });
    assert.deepEqual([...reverseGraph(around([5, 5], [pool]), 'y').blocked], [['c1', 'AveragePool']]);
  });
});
