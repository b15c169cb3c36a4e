import assert from 'node:assert/strict';
import { createSession } from '../../../src/executors/create-session.js';
import { canonicalise } from '../../../src/graph/canonicalise.js';
import type { Graph, Node } from '../../../src/graph/graph.js';
import { inferFacts } from '../../../src/graph/infer.js';
import { buildPlan } from '../../../src/plan/build-plan.js';
import { checkPlan } from '../../../src/runtime/check-plan.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { graphOf, node, port } from '../../support/graph.js';

/** Small whole numbers, so that every sum and product below is exact, folded or not. */
function whole(seed: number, ...dims: readonly number[]): Tensor<'float32'> {
  const size = dims.reduce((product, dim) => product * dim, 1);
  return new Tensor(
    'float32',
    Float32Array.from({ length: size }, (_, i) => ((7 * i + 3 * seed) % 11) - 5),
    dims,
  );
}
const filled = (dims: readonly number[], ...values: readonly number[]) =>
  new Tensor('float32', Float32Array.from(values), dims);

/** One number for each of four channels of an image, powers of two and others. */
const image = [1, 4, 1, 1];
const constants: Readonly<Record<string, Tensor>> = {
  convW: whole(1, 4, 2, 3, 3),
  convB: whole(2, 4),
  turnedW: whole(3, 4, 2, 2, 2),
  turnedB: whole(4, 4),
  oneByOne: whole(5, 4, 4, 1, 1),
  powers: filled(image, 2, 0.5, -4, 8),
  numbers: filled(image, 3, -1, 2, 5),
  half: filled([], 0.5),
  infinite: filled([], Number.POSITIVE_INFINITY),
  tiny: filled([], 2 ** -100),
  gain: filled([4], 1, 2, -3, 4),
  bias: filled([4], 1, 0, -2, 3),
  mean: filled([4], 2, 1, 0, -1),
  variance: filled([4], 4, 16, 1, 0.25),
};
const norm = (from: string, to: string) =>
  node('BatchNormalization', [from, 'gain', 'bias', 'mean', 'variance'], to, { epsilon: 0 });

const layers: Readonly<Record<string, { dims: readonly number[]; make: (from: string, to: string) => Node }>> = {
  Conv: {
    dims: [2, 4, 5, 6],
    make: (from, to) => node('Conv', [from, 'convW', 'convB'], to, { group: 2, pads: [1, 1, 1, 1] }),
  },
  'Conv without padding': {
    dims: [2, 4, 5, 6],
    make: (from, to) => node('Conv', [from, 'convW'], to, { group: 2 }),
  },
  ConvTranspose: {
    dims: [2, 4, 3, 3],
    make: (from, to) => node('ConvTranspose', [from, 'turnedW', 'turnedB'], to, { group: 2, strides: [2, 2] }),
  },
  '1x1 Conv': { dims: [2, 4, 2, 2], make: (from, to) => node('Conv', [from, 'oneByOne'], to) },
};

/** What scales and shifts. */
const scalings: Readonly<Record<string, (from: string, to: string) => Node>> = {
  Mul: (from, to) => node('Mul', ['powers', from], to),
  Add: (from, to) => node('Add', [from, 'numbers'], to),
  'Sub of a constant': (from, to) => node('Sub', [from, 'numbers'], to),
  'Sub from a constant': (from, to) => node('Sub', ['numbers', from], to),
  Div: (from, to) => node('Div', [from, 'powers'], to),
  'Mul by one number': (from, to) => node('Mul', [from, 'half'], to),
  'Add of one number': (from, to) => node('Add', ['half', from], to),
  BatchNormalization: norm,
};

function graphWith(dims: readonly number[], nodes: readonly Node[], outputs: readonly string[] = ['y']): Graph {
  const used = new Set(nodes.flatMap(({ inputs }) => inputs));
  const own = Object.fromEntries(Object.entries(constants).filter(([name]) => used.has(name)));
  return canonicalise(graphOf({ inputs: [port('x', dims)], outputs, nodes, constants: own }));
}

/** Kinds of the steps of a graph, after its outputs were found to be those of the operators' definitions, exactly. */
async function kindsOf(graph: Graph, partOf?: ReadonlyMap<string, number>): Promise<readonly string[]> {
  const parts = partOf && [0, 1].map((id) => ({ id, nodes: [], after: id === 0 ? [] : [0] }));
  const plan = buildPlan(graph, partOf ? { partOf, parts: parts as never } : {});
  checkPlan(plan);
  const x = whole(9, ...(graph.inputs[0].shape as number[]));
  const known = { ...graph, inputs: [], initializers: new Map([...graph.initializers, ['x', x]]) };
  const facts = inferFacts(known);
  const session = createSession(plan, null, { executor: 'wasm' });
  const made = await session.run({ x });
  await session.release();
  // The sign of a zero may differ: -1 times 0 was added to something, or was not.
  const numbers = (tensor: Tensor) => Array.from(tensor.data as Float32Array, (value) => value + 0);
  for (const { name } of graph.outputs) assert.deepEqual(numbers(made[name]), numbers(facts.get(name)!.constant!));
  return plan.steps.map(({ kind }) => kind);
}

const isElementwise = (kind: string) => kind === 'binary' || kind === 'unary';
const elementwise = (kinds: readonly string[]) => kinds.filter(isElementwise).length;

describe('what scales and shifts by constants', () => {
  for (const [layer, { dims, make }] of Object.entries(layers)) {
    for (const [name, scaling] of Object.entries(scalings)) {
      it(`becomes part of the layer before it: ${layer}, ${name}`, async () => {
        assert.equal(elementwise(await kindsOf(graphWith(dims, [make('x', 'a'), scaling('a', 'y')]))), 0);
      });

      it(`becomes part of the layer behind it, or stays: ${layer}, ${name}`, async () => {
        // Tanh of whole numbers would not be exact; a sum of two values is, and counts as rounded.
        const nodes = [node('Add', ['x', 'x'], 'a'), scaling('a', 'b'), make('b', 'y')];
        const [shifts, flat] = [/Add|Sub|Batch/.test(name), layer === 'Conv' || layer === 'ConvTranspose'];
        const left = elementwise(await kindsOf(graphWith(dims, nodes)));
        const asItWas = name === 'BatchNormalization' ? 3 : 2;
        assert.equal(left, shifts && flat ? asItWas : 1);
      });
    }
  }

  it('goes into one layer, however many there are, and what clamps behind them too', async () => {
    const { make } = layers.Conv;
    const nodes = [
      make('x', 'a'),
      norm('a', 'b'),
      scalings.Mul('b', 'c'),
      scalings.Add('c', 'd'),
      node('Relu', ['d'], 'y'),
    ];
    assert.deepEqual(await kindsOf(graphWith([1, 4, 5, 5], nodes)), ['conv']);
  });

  it('stays where a large offset is taken off what is exact: inputs, and what only moves them', async () => {
    const shift = (from: string) => [node('Sub', [from, 'numbers'], 'b'), layers['1x1 Conv'].make('b', 'y')];
    assert.equal(elementwise(await kindsOf(graphWith([3, 4, 2, 2], shift('x')))), 1);
    const moved = [node('Relu', ['x'], 'a'), ...shift('a')];
    assert.equal(elementwise(await kindsOf(graphWith([3, 4, 2, 2], moved))), 2);
    const scaled = [node('Div', ['x', 'powers'], 'b'), layers['1x1 Conv'].make('b', 'y')];
    assert.equal(elementwise(await kindsOf(graphWith([3, 4, 2, 2], scaled))), 0);
  });

  it('stays where others read the value between, or the graph gives it, or the constant is no factor for weights', async () => {
    const { make } = layers['1x1 Conv'];
    const both = [make('x', 'a'), node('Mul', ['a', 'numbers'], 'b'), node('Add', ['a', 'b'], 'y')];
    assert.equal(elementwise(await kindsOf(graphWith([3, 4, 2, 2], both))), 2);
    const given = [make('x', 'a'), node('Mul', ['a', 'numbers'], 'y')];
    assert.equal(elementwise(await kindsOf(graphWith([3, 4, 2, 2], given, ['a', 'y']))), 1);
    const infinite = [make('x', 'a'), node('Mul', ['a', 'infinite'], 'y')];
    assert.equal(elementwise(buildPlan(graphWith([3, 4, 2, 2], infinite)).steps.map(({ kind }) => kind)), 1);
    const tiny = [make('x', 'a'), node('Mul', ['a', 'tiny'], 'y')];
    assert.equal(elementwise(await kindsOf(graphWith([3, 4, 2, 2], tiny))), 1);
  });

  it('stays where it is no number a channel, and makes more of a value', async () => {
    const { make } = layers['1x1 Conv'];
    const wide: Readonly<Record<string, Tensor>> = { ...constants, column: whole(1, 3, 1, 1, 1), wide: whole(1, 2, 1) };
    for (const name of ['column', 'wide']) {
      const nodes = [make('x', 'a'), node('Mul', ['a', name], 'y')];
      const graph = graphOf({
        inputs: [port('x', [3, 4, 2, 2])],
        outputs: ['y'],
        nodes,
        constants: { oneByOne: wide['oneByOne'], [name]: wide[name] },
      });
      assert.equal(elementwise(await kindsOf(canonicalise(graph))), 1, name);
    }
  });

  it('leaves the weights to other layers that have them too, and stays where another part has it', async () => {
    const { make } = layers['1x1 Conv'];
    const tied = [make('x', 'a'), node('Mul', ['a', 'numbers'], 'b'), make('b', 'y')];
    assert.equal(elementwise(await kindsOf(graphWith([3, 4, 2, 2], tied))), 0);
    const graph = graphWith([3, 4, 2, 2], [make('x', 'a'), node('Mul', ['a', 'numbers'], 'y')]);
    const partOf = new Map([
      ['a', 0],
      ['y', 1],
    ]);
    assert.equal(elementwise(await kindsOf(graph, partOf)), 1);
    assert.equal(elementwise(await kindsOf(graph)), 0);
  });
});
