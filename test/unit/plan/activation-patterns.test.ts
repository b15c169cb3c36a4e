import assert from 'node:assert/strict';
import { createSession } from '../../../src/executors/create-session.js';
import { canonicalise } from '../../../src/graph/canonicalise.js';
import type { Node } from '../../../src/graph/graph.js';
import { inferFacts } from '../../../src/graph/infer.js';
import { buildPlan } from '../../../src/plan/build-plan.js';
import { checkPlan } from '../../../src/runtime/check-plan.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { graphOf, node, port } from '../../support/graph.js';

const scalar = (value: number) => new Tensor('float32', Float32Array.of(value), []);
const constants = {
  three: scalar(3),
  six: scalar(6),
  sixth: scalar(1 / 6),
  zero: scalar(0),
  five: scalar(5),
  one: scalar(1),
  two: scalar(2),
  halved: scalar(0.5),
  root: scalar(Math.SQRT2),
  inverse: scalar(Math.SQRT1_2),
  bend: scalar(0.044715),
  slope: scalar(Math.sqrt(2 / Math.PI)),
  quick: scalar(1.702),
};

const x = new Tensor(
  'float32',
  Float32Array.from({ length: 67 }, (_, i) => (i - 33) / 4),
  [1, 67],
);

/** The functions of a graph's steps, after its results were found to be those of the definitions. */
async function functionsOf(nodes: readonly Node[], outputs: readonly string[] = ['y'], opset = 13): Promise<string[]> {
  const used = new Set(nodes.flatMap(({ inputs }) => inputs));
  const own = Object.fromEntries(Object.entries(constants).filter(([name]) => used.has(name)));
  const graph = canonicalise(graphOf({ inputs: [port('x', [1, 67])], outputs, nodes, constants: own, opset }));
  const plan = buildPlan(graph);
  checkPlan(plan);
  const session = createSession(plan, null, { executor: 'wasm' });
  const made = await session.run({ x });
  await session.release();
  const facts = inferFacts({ ...graph, inputs: [], initializers: new Map([...graph.initializers, ['x', x]]) });
  for (const name of outputs) {
    const [got, wanted] = [made[name].data as Float32Array, facts.get(name)!.constant!.data as Float32Array];
    // Eight roundings of numbers up to |x| + 3, and of sigmoid 5 ulp.
    wanted.forEach((value, i) => {
      const error = Math.abs(got[i] - value);
      assert.ok(error <= 8 * 2 ** -24 * (Math.abs(x.data[i]) + 3), `x ${x.data[i]}: got ${got[i]}, expected ${value}`);
    });
  }
  return plan.steps.map(({ kind, params }) => (kind === 'unary' || kind === 'binary' ? String(params['f']) : kind));
}

const clip = (from: string, to: string) => node('Clip', [from, 'zero', 'six'], to);
const gate = [node('Add', ['x', 'three'], 'a'), clip('a', 'c')];

describe('activations that are written out', () => {
  const ways: Readonly<Record<string, readonly Node[]>> = {
    'x clip(x + 3) / 6': [...gate, node('Mul', ['x', 'c'], 'm'), node('Div', ['m', 'six'], 'y')],
    'clip(3 + x) x times 1/6': [
      node('Add', ['three', 'x'], 'a'),
      clip('a', 'c'),
      node('Mul', ['c', 'x'], 'm'),
      node('Mul', ['sixth', 'm'], 'y'),
    ],
    'x (clip(x + 3) / 6)': [...gate, node('Div', ['c', 'six'], 'g'), node('Mul', ['x', 'g'], 'y')],
    'x hardSigmoid(x)': [node('HardSigmoid', ['x'], 'g', { alpha: 0.25, beta: 0.375 }), node('Mul', ['g', 'x'], 'y')],
  };
  for (const [way, nodes] of Object.entries(ways)) {
    it(`are one step: ${way}`, async () => assert.deepEqual(await functionsOf(nodes), ['hard-swish']));
  }

  it('are one step where Clip has its bounds as attributes, in old operator sets', async () => {
    const nodes = ways['x clip(x + 3) / 6'].map((one) =>
      one.op === 'Clip' ? node('Clip', ['a'], 'c', { min: 0, max: 6 }) : one,
    );
    assert.deepEqual(await functionsOf(nodes, ['y'], 9), ['hard-swish']);
  });

  it('are a hard sigmoid alone, and x sigmoid(x)', async () => {
    assert.deepEqual(await functionsOf([...gate, node('Mul', ['c', 'sixth'], 'y')]), ['hard-sigmoid']);
    assert.deepEqual(await functionsOf([node('Sigmoid', ['x'], 's'), node('Mul', ['s', 'x'], 'y')]), ['silu']);
  });

  const half = [node('Div', ['x', 'root'], 'a'), node('Erf', ['a'], 'e'), node('Add', ['e', 'one'], 's')];
  const gelus: Readonly<Record<string, readonly Node[]>> = {
    '(x s) / 2': [...half, node('Mul', ['x', 's'], 'm'), node('Mul', ['m', 'halved'], 'y')],
    '(x / 2) s': [...half, node('Mul', ['halved', 'x'], 'm'), node('Mul', ['m', 's'], 'y')],
    'x (s / 2)': [...half, node('Div', ['s', 'two'], 'm'), node('Mul', ['m', 'x'], 'y')],
    'by a product': [
      node('Mul', ['x', 'inverse'], 'a'),
      node('Erf', ['a'], 'e'),
      node('Add', ['one', 'e'], 's'),
      node('Mul', ['x', 's'], 'm'),
      node('Mul', ['m', 'halved'], 'y'),
    ],
  };
  for (const [way, nodes] of Object.entries(gelus)) {
    it(`are one step: x Phi(x) as ${way}`, async () => assert.deepEqual(await functionsOf(nodes), ['gelu']));
  }

  const curve = (cube: readonly Node[]) => [
    ...cube,
    node('Mul', ['cube', 'bend'], 'b'),
    node('Add', ['x', 'b'], 'i'),
    node('Mul', ['i', 'slope'], 'u'),
    node('Tanh', ['u'], 't'),
    node('Add', ['t', 'one'], 's'),
    node('Mul', ['x', 'halved'], 'm'),
    node('Mul', ['m', 's'], 'y'),
  ];
  const cubes: Readonly<Record<string, readonly Node[]>> = {
    'a power': [node('Pow', ['x', 'three'], 'cube')],
    products: [node('Mul', ['x', 'x'], 'q'), node('Mul', ['q', 'x'], 'cube')],
  };
  for (const [way, cube] of Object.entries(cubes)) {
    it(`are one step: GELU by tanh with x^3 as ${way}`, async () => {
      assert.deepEqual(await functionsOf(curve(cube)), ['silu']);
    });
  }

  it('are x sigmoid(1.702 x), of a value that is a product itself', async () => {
    const nodes = [node('Mul', ['x', 'two'], 'v'), node('Mul', ['v', 'quick'], 'a')];
    const gated = [...nodes, node('Sigmoid', ['a'], 's'), node('Mul', ['v', 's'], 'y')];
    assert.deepEqual(await functionsOf(gated), ['mul', 'silu']);
    const erf = half.map((one) => ({ ...one, inputs: one.inputs.map((name) => (name === 'x' ? 'v' : name)) }));
    const gelu = [nodes[0], ...erf, node('Mul', ['v', 's'], 'm'), node('Mul', ['m', 'halved'], 'y')];
    assert.deepEqual(await functionsOf(gelu), ['mul', 'gelu']);
  });

  it('are no GELU with another factor, argument, or power', async () => {
    const whole = [...half, node('Mul', ['x', 's'], 'y')];
    assert.deepEqual(await functionsOf(whole), ['div', 'erf', 'add', 'mul']);
    const other = gelus['(x s) / 2'].map((one) => (one.op === 'Div' ? node('Div', ['x', 'two'], 'a') : one));
    assert.deepEqual(await functionsOf(other), ['div', 'erf', 'add', 'mul', 'mul']);
    const square = curve([node('Pow', ['x', 'two'], 'cube')]);
    assert.equal((await functionsOf(square)).includes('silu'), false);
  });

  it('stay as they are where something else is divided by, gated, or read', async () => {
    const other = [...gate, node('Mul', ['x', 'c'], 'm'), node('Div', ['m', 'five'], 'y')];
    assert.deepEqual(await functionsOf(other), ['add', 'clip', 'mul', 'div']);
    const inverse = [...gate, node('Mul', ['x', 'c'], 'm'), node('Div', ['six', 'm'], 'y')];
    assert.equal(
      buildPlan(canonicalise(graphOf({ inputs: [port('x', [1, 67])], outputs: ['y'], nodes: inverse, constants })))
        .steps.length,
      4,
    );
    const apart = [node('Neg', ['x'], 'n'), node('Sigmoid', ['n'], 's'), node('Mul', ['s', 'x'], 'y')];
    assert.deepEqual(await functionsOf(apart), ['neg', 'sigmoid', 'mul']);
    const read = [node('Sigmoid', ['x'], 's'), node('Mul', ['s', 'x'], 'y')];
    assert.deepEqual(await functionsOf(read, ['y', 's']), ['sigmoid', 'mul']);
  });
});
