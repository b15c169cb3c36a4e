/** Every reverse rule against central differences of the reference operators, in f64 where they are. */
import assert from 'node:assert/strict';
import { reverseGraph } from '../../../../src/annealing/gradients/reverse.js';
import { unrollRecurrences } from '../../../../src/annealing/gradients/unroll.js';
import { createEvaluate } from '../../../../src/evaluate-graph.js';
import type { Attribute, Graph, Node } from '../../../../src/graph/graph.js';
import { Tensor } from '../../../../src/runtime/tensor.js';
import { createRandom } from '../../../oracle/random.js';
import { makeGraph, matrix, mlp, node, normalRows, randomLayer, vector } from '../../../support/networks.js';

const evaluate = createEvaluate();
const [n, width] = [4, 6];

const withAttributes = (made: Node, attributes: Record<string, number | readonly number[]>): Node => ({
  ...made,
  attributes: new Map(Object.entries(attributes)),
});
const scalar = (value: number) => new Tensor('float32', Float32Array.of(value), []);
const whole = (...values: number[]) => new Tensor('int64', BigInt64Array.from(values, BigInt), [values.length]);

/** x -> fc1 -> h -> (the nodes under test) -> t [n, ...] -> y. */
function around(nodes: readonly Node[], constants: Record<string, Tensor> = {}, second = false): Graph {
  const random = createRandom(7);
  const layer = (out: number, inputs: number) => randomLayer(random, out, inputs, () => true);
  const [a, b] = [layer(width, 5), layer(width, 5)];
  return makeGraph(
    { x: 5 },
    [
      node('fc1', 'Linear', ['x', 'w1', 'b1'], 'h', 'kerf'),
      ...(second ? [node('fc2', 'Linear', ['x', 'w2', 'b2'], 'k', 'kerf')] : []),
      ...nodes,
    ],
    { w1: matrix(a.weight), b1: vector(a.bias), w2: matrix(b.weight), b2: vector(b.bias), ...constants },
  );
}

/** The graph with `layer` shifted by a constant at its output, to differentiate by hand. */
function shifted(graph: Graph, layer: string, at: number, by: number): Graph {
  const { inputs } = graph.nodes.find(({ name }) => name === layer)!;
  const bias = graph.initializers.get(inputs[2]) as Tensor<'float32'>;
  const data = bias.data.slice();
  data[at] += by;
  return {
    ...graph,
    initializers: new Map([...graph.initializers, [inputs[2], new Tensor('float32', data, bias.dims)]]),
  };
}

/** Sums of seed y over each sample, in f64. */
function weighted(y: Tensor, seed: Tensor): Float64Array {
  const stride = y.size / n;
  const sums = new Float64Array(n);
  for (let i = 0; i < y.size; i++) sums[Math.floor(i / stride)] += Number(y.data[i]) * Number(seed.data[i]);
  return sums;
}

/** Compares the gradient at a layer's output with central differences, sample by sample. */
async function check(graph: Graph, layers: readonly string[], step = 1e-2): Promise<void> {
  const feeds = { x: normalRows(3, n, 5) };
  const { y } = await evaluate(graph, feeds);
  const random = createRandom(11);
  const seed = new Tensor(
    'float32',
    Float32Array.from({ length: y.size }, () => random.normal()),
    y.dims,
  );
  const reverse = reverseGraph(graph, 'y');
  assert.equal(reverse.blocked.size, 0);
  const gradients = await evaluate(reverse.graph, { ...feeds, [reverse.seed]: seed });
  for (const layer of layers) {
    const gradient = gradients[reverse.gradients.get(layer) as string];
    const out = gradient.dims[1];
    for (let j = 0; j < out; j++) {
      const after = weighted((await evaluate(shifted(graph, layer, j, step), feeds)).y, seed);
      const before = weighted((await evaluate(shifted(graph, layer, j, -step), feeds)).y, seed);
      for (let i = 0; i < n; i++) {
        const expected = (after[i] - before[i]) / (2 * step);
        const got = gradient.data[i * out + j] as number;
        // Differences of f32 outputs over a step of .01: rounding 1e-5 and curvature 1e-4 of the values' scale.
        const tolerance = 5e-4 * (1 + Math.abs(expected));
        assert.ok(Math.abs(got - expected) <= tolerance, `${layer}[${i}, ${j}]: got ${got}, expected ${expected}`);
      }
    }
  }
}

describe('reverse pass', () => {
  const unary: [string, Record<string, number>?][] = [
    ['Relu'],
    ['LeakyRelu', { alpha: 0.1 }],
    ['Sigmoid'],
    ['Tanh'],
    ['Softplus'],
    ['Elu', { alpha: 0.7 }],
    ['Selu'],
    ['Softsign'],
    ['HardSigmoid', { alpha: 0.3, beta: 0.4 }],
    ['Exp'],
    ['Erf'],
    ['Abs'],
    ['Neg'],
    ['Identity'],
    ['Softmax', { axis: -1 }],
    ['LogSoftmax', { axis: -1 }],
    ['Flatten', { axis: 1 }],
  ];
  for (const [op, attributes = {}] of unary) {
    it(`goes back through ${op}`, () =>
      check(around([withAttributes(node('t', op, ['h'], 'y'), attributes)]), ['fc1']));
  }

  /** The graph with another node in the place of `y`'s, in a newer operator set than graphs are made in here. */
  function inNewest(graph: Graph, op: string, more: Record<string, Tensor>, attributes: Record<string, number>): Graph {
    const nodes = graph.nodes.map((one): Node => {
      if (one.outputs[0] !== 'y') return one;
      const inputs = [one.inputs[0], ...Object.keys(more)];
      return { ...one, op, inputs, attributes: new Map(Object.entries(attributes)) };
    });
    return { ...graph, opset: 24, nodes, initializers: new Map([...graph.initializers, ...Object.entries(more)]) };
  }

  const newer: [string, Record<string, number | string>?][] = [
    ['Gelu', { approximate: 'none' }],
    ['Gelu', { approximate: 'tanh' }],
    ['HardSwish'],
    ['Mish'],
    ['Swish', { alpha: 0.7 }],
  ];
  for (const [op, attributes = {}] of newer) {
    it(`goes back through ${op} ${Object.values(attributes)}`, () =>
      check(inNewest(around([node('t', 'Neg', ['h'], 'y')]), op, {}, attributes as Record<string, number>), ['fc1']));
  }

  it('goes back through PRelu and RMSNormalization', async () => {
    const slope = normalRows(31, 1, width).reshape([width]);
    await check(around([node('t', 'PRelu', ['h', 'slope'], 'y')], { slope }), ['fc1']);
    const gain = normalRows(32, 1, width).reshape([width]);
    await check(inNewest(around([node('t', 'Neg', ['h'], 'y')]), 'RMSNormalization', { gain }, {}), ['fc1']);
  });

  it('goes back through normalisations of groups and of channels', async () => {
    // Six channels of one place, or three of two.
    const images = (channels: number) =>
      around([node('r', 'Reshape', ['h', 'shape'], 'q'), node('t', 'Neg', ['q'], 'y')], {
        shape: whole(-1, channels, width / channels),
      });
    const [six, three, two] = [6, 3, 2].map((size) => normalRows(40 + size, 1, size).reshape([size]));
    // Few numbers in a group bend with every one of them: an epsilon of their own size keeps differences close.
    const groups = { num_groups: 2, epsilon: 1 };
    await check(inNewest(images(6), 'GroupNormalization', { gain: six, shift: six }, groups), ['fc1']);
    await check(inNewest(images(3), 'InstanceNormalization', { gain: three, shift: three }, { epsilon: 1 }), ['fc1']);
    const older = { ...inNewest(images(6), 'GroupNormalization', { gain: two, shift: two }, groups), opset: 18 };
    await check(older, ['fc1']);
  });

  it('goes back through Clip, where neither bound holds', () =>
    check(around([node('t', 'Clip', ['h', 'lo', 'hi'], 'y')], { lo: scalar(-0.6), hi: scalar(0.9) }), ['fc1']));

  it('goes back through powers, roots, logarithms and reciprocals', () =>
    check(
      around(
        [
          node('square', 'Pow', ['h', 'two'], 's'),
          node('plus', 'Add', ['s', 'one'], 'p'),
          node('root', 'Sqrt', ['p'], 'r'),
          node('log', 'Log', ['r'], 'l'),
          node('again', 'Add', ['l', 'one'], 'm'),
          node('reciprocal', 'Reciprocal', ['m'], 'y'),
        ],
        { two: scalar(2), one: scalar(1) },
      ),
      ['fc1'],
    ));

  for (const op of ['Add', 'Sub', 'Mul']) {
    it(`goes back through both operands of ${op}`, () =>
      check(around([node('t', op, ['h', 'k'], 'y')], {}, true), ['fc1', 'fc2']));
  }

  it('goes back through Div', () =>
    check(around([node('e', 'Exp', ['k'], 'd'), node('t', 'Div', ['h', 'd'], 'y')], {}, true), ['fc1', 'fc2']));

  it('sums over the axes of a repeated operand', () =>
    check(
      around(
        [
          withAttributes(node('m', 'ReduceMean', ['h'], 'mean'), { axes: [1], keepdims: 1 }),
          node('t', 'Mul', ['k', 'mean'], 'y'),
        ],
        {},
        true,
      ),
      ['fc1', 'fc2'],
    ));

  it('goes back through Concat, Reshape, Transpose and a product of two matrices', () =>
    check(
      around(
        [
          withAttributes(node('c', 'Concat', ['h', 'k'], 'both'), { axis: 1 }),
          node('r', 'Reshape', ['both', 'shape'], 'q'),
          withAttributes(node('t', 'Transpose', ['q'], 'turned'), { perm: [0, 2, 1] }),
          node('p', 'MatMul', ['turned', 'q'], 'y'),
        ],
        { shape: whole(-1, 4, 3) },
        true,
      ),
      ['fc1', 'fc2'],
    ));

  it('goes back through Expand, also where its sizes follow from a layer that is read in no other way', () =>
    check(
      around(
        [
          node('u', 'Unsqueeze', ['h', 'axes'], 'row'),
          node('s', 'Shape', ['k'], 'sizes'),
          withAttributes(node('c', 'Concat', ['sizes', 'width'], 'three'), { axis: 0 }),
          node('e', 'Expand', ['row', 'three'], 'wide'),
          node('m', 'Mul', ['wide', 'weights'], 'y'),
        ],
        { axes: whole(1), width: whole(width), weights: normalRows(23, 1, width * width).reshape([width, width]) },
        true,
      ),
      ['fc1'],
    ));

  it('goes back through ReduceSum without its axis, and Where', () =>
    check(
      around(
        [
          withAttributes(node('s', 'ReduceSum', ['h', 'axes'], 'sum'), { keepdims: 0 }),
          node('u', 'Unsqueeze', ['sum', 'axes'], 'kept'),
          node('w', 'Where', ['condition', 'k', 'kept'], 'y'),
        ],
        { axes: whole(1), condition: new Tensor('bool', Uint8Array.of(1, 0, 1, 0, 0, 1), [width]) },
        true,
      ),
      ['fc1', 'fc2'],
    ));

  it('goes back through LayerNormalization, whose moments nobody reads', () => {
    const normals = (seed: number) => normalRows(seed, 1, 6).reshape([2, 3]);
    const norm = { ...node('n', 'LayerNormalization', ['q', 'gain', 'shift'], 'y'), outputs: ['y', 'mean', 'scale'] };
    const { nodes, initializers, ...graph } = around([node('r', 'Reshape', ['h', 'shape'], 'y')], {
      shape: whole(-1, 2, 3),
    });
    // Operator set 13, in which graphs are made here, does not know it.
    const renamed = nodes.map((one) => (one.name === 'r' ? { ...one, outputs: ['q'] } : one));
    return check(
      {
        ...graph,
        opset: 17,
        nodes: [...renamed, withAttributes(norm, { axis: 1 })],
        initializers: new Map([...initializers, ['gain', normals(21)], ['shift', normals(22)]]),
      },
      ['fc1'],
    );
  });

  it('goes back through Split, parts that nobody reads among them', () =>
    check(
      around([
        { ...withAttributes(node('s', 'Split', ['h'], ''), { axis: 1 }), outputs: ['a', 'b', 'c'] },
        node('m', 'Mul', ['a', 'c'], 'y'),
      ]),
      ['fc1'],
    ));

  it('goes back through Slice of several axes and Gather of one place or of neighbours', () =>
    check(
      around(
        [
          node('r', 'Reshape', ['h', 'shape'], 'q'),
          node('s', 'Slice', ['q', 'starts', 'ends', 'axes'], 'part'),
          withAttributes(node('g', 'Gather', ['q', 'place'], 'one'), { axis: 1 }),
          withAttributes(node('n', 'Gather', ['q', 'places'], 'two'), { axis: 1 }),
          node('a', 'Mul', ['part', 'two'], 'u'),
          node('b', 'ReduceSum', ['u', 'last'], 'v'),
          node('c', 'Mul', ['v', 'one'], 'y'),
        ].map((one) => (one.op === 'ReduceSum' ? withAttributes(one, { keepdims: 0 }) : one)),
        {
          shape: whole(-1, 3, 2),
          starts: whole(1, -1),
          ends: whole(9, 2),
          axes: whole(1, 2),
          place: new Tensor('int64', BigInt64Array.of(-1n), []),
          places: whole(0, 1),
          last: whole(1),
        },
      ),
      ['fc1'],
    ));

  for (const [op, attributes] of [
    ['LSTM', {}],
    ['LSTM', { direction: 'reverse' }],
    ['GRU', { linear_before_reset: 1 }],
  ] as const) {
    it(`goes back through ${op} ${JSON.stringify(attributes)}, written out time by time`, () => {
      const random = createRandom(13);
      const [rows, H] = [(op === 'LSTM' ? 4 : 3) * 3, 3];
      const floats = (...dims: number[]) => {
        const data = Float32Array.from({ length: dims.reduce((a, b) => a * b) }, () => random.normal());
        return new Tensor('float32', data, dims);
      };
      const made = { ...node('cell', op, ['t', 'W', 'R', 'B'], ''), outputs: ['all', 'last'] };
      const graph = around(
        [
          node('r', 'Reshape', ['h', 'shape'], 'q'),
          withAttributes(node('turn', 'Transpose', ['q'], 't'), { perm: [1, 0, 2] }),
          { ...made, attributes: new Map<string, Attribute>([['hidden_size', H], ...Object.entries(attributes)]) },
          withAttributes(node('mean', 'ReduceMean', ['all'], 'm'), { axes: [0], keepdims: 0 }),
          node('both', 'Mul', ['m', 'last'], 'p'),
          node('flat', 'Reshape', ['p', 'out'], 'y'),
        ],
        {
          shape: whole(-1, 3, 2),
          out: whole(-1, H),
          W: floats(1, rows, 2),
          R: floats(1, rows, H),
          B: floats(1, 2 * rows),
        },
      );
      assert.equal(reverseGraph(graph, 'y').blocked.get('cell/state'), op);
      return check(unrollRecurrences(graph).graph, ['fc1']);
    });
  }

  it('adds up what several readers ask, through a whole network', () => {
    const random = createRandom(5);
    const layers = [
      randomLayer(random, 7, 5, () => true),
      randomLayer(random, 6, 7, () => true),
      randomLayer(random, 3, 6, () => true),
    ];
    return check(mlp(layers), ['fc1', 'fc2', 'fc3']);
  });

  it('names the operator that stops it, and the layers in front of that operator alone', () => {
    const random = createRandom(6);
    const graph = makeGraph(
      { x: 5 },
      [
        node('fc1', 'Linear', ['x', 'w1'], 'h', 'kerf'),
        node('floor', 'Floor', ['h'], 'f'),
        node('sum', 'Add', ['f', 'h'], 's'),
        node('fc2', 'Linear', ['s', 'w2'], 'y', 'kerf'),
      ],
      {
        w1: matrix(randomLayer(random, 4, 5, () => true).weight),
        w2: matrix(randomLayer(random, 3, 4, () => true).weight),
      },
    );
    const { gradients, blocked } = reverseGraph(graph, 'y');
    assert.deepEqual([...blocked], [['fc1', 'Floor']]);
    assert.deepEqual([...gradients.keys()], ['fc2']);
  });
});
