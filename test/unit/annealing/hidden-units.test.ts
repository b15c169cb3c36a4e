/** Hidden units behind activations that are written out in several nodes, and those that are exactly nothing. */
import assert from 'node:assert/strict';
import { hiddenUnitsOf, keepUnits, unitGroupsOf } from '../../../src/annealing/hidden-units.js';
import { narrowed } from '../../../src/annealing/narrow.js';
import { layersOf } from '../../../src/annealing/rewrite.js';
import { trimExactly } from '../../../src/annealing/trims.js';
import { createEvaluate } from '../../../src/evaluate-graph.js';
import type { Graph, Node } from '../../../src/graph/graph.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { graphOf, node, port, ramp } from '../../support/graph.js';

const evaluate = createEvaluate();
const scalar = (value: number) => new Tensor('float32', Float32Array.of(value), []);
const floats = (values: readonly number[], dims: readonly number[]) =>
  new Tensor('float32', Float32Array.from(values), dims);

/** x [n, 3] -> up [n, 4] -> `activation` from u to a -> down [n, 2]; unit 3 has no incoming weights and a bias of -1. */
function network(activation: readonly Node[]): Graph {
  const incoming = [...ramp(3, 3).data.map((value) => value / 8), 0, 0, 0];
  return graphOf({
    inputs: [port('x', ['n', 3])],
    outputs: ['y'],
    nodes: [node('kerf.Linear', ['x', 'w', 'b'], 'u'), ...activation, node('kerf.Linear', ['a', 'v'], 'y')],
    constants: {
      w: floats(incoming, [4, 3]),
      b: floats([0.5, -0.25, 0, -1], [4]),
      v: floats([1, -2, 0.5, 3, 2, 1, -1, 1], [2, 4]),
      root: scalar(Math.SQRT2),
      one: scalar(1),
      half: scalar(0.5),
    },
  });
}

/** a = u (1 + erf(u / sqrt 2)) / 2. */
const gelu = [
  node('Div', ['u', 'root'], 'u1'),
  node('Erf', ['u1'], 'u2'),
  node('Add', ['u2', 'one'], 'u3'),
  node('Mul', ['u', 'u3'], 'u4'),
  node('Mul', ['u4', 'half'], 'a'),
];

describe('hidden units', () => {
  it('are found behind a GELU that is written out, and are dropped through all of it', async () => {
    const graph = network(gelu);
    const [units, ...others] = hiddenUnitsOf(graph);
    assert.deepEqual([units.producer.name, units.consumers.map(({ name }) => name), others], ['u', ['y'], []]);
    assert.deepEqual(units.activations, gelu);
    const kept = keepUnits(graph, units, Int32Array.of(0, 1, 3));
    assert.deepEqual(
      layersOf(kept).map(({ weight }) => weight.dims),
      [
        [3, 3],
        [2, 3],
      ],
    );
    // Without a reader unit 2 adds nothing, so that dropping it changes no bit.
    const unread = floats([1, -2, 0, 3, 2, 1, 0, 1], [2, 4]);
    const silent = { ...graph, initializers: new Map([...graph.initializers, ['v', unread]]) };
    const dropped = keepUnits(silent, hiddenUnitsOf(silent)[0], Int32Array.of(0, 1, 3));
    const x = ramp(5, 3);
    assert.deepEqual((await evaluate(dropped, { x })).y.data, (await evaluate(silent, { x })).y.data);
  });

  it('are none where a node mixes them, or joins them with what is not theirs', () => {
    const joins = [
      node('Softmax', ['u'], 'a', { axis: -1 }),
      node('Mul', ['u', 'wide'], 'a'),
      node('kerf.Linear', ['x', 'w', 'b'], 'a'),
    ];
    for (const [i, join] of joins.entries()) {
      const graph = network([join]);
      const wide = { ...graph, initializers: new Map([...graph.initializers, ['wide', ramp(4)]]) };
      const found = hiddenUnitsOf(wide).map(({ producer }) => producer.name);
      assert.deepEqual(found, i === 2 ? ['a'] : [], join.op);
    }
    const shifted = network([node('Add', ['x', 'x'], 'twice'), node('Mul', ['u', 'twice'], 'a')]);
    assert.deepEqual(unitGroupsOf(shifted, layersOf(shifted)), []);
  });

  it('are looked for in a time that grows with the nodes, however often they meet again', () => {
    const doubled = Array.from({ length: 200 }, (_, i) => node('Add', [`d${i}`, `d${i}`], `d${i + 1}`));
    const graph = network([node('kerf.Linear', ['x', 'w', 'b'], 'd0'), ...doubled, node('Mul', ['u', 'd200'], 'a')]);
    const [{ producer, partners, activations }] = unitGroupsOf(graph, layersOf(graph));
    assert.deepEqual([producer.name, partners.map(({ name }) => name), activations.length], ['u', ['d0'], 201]);
  });

  it('of layers that are multiplied or added up come and go together', async () => {
    const gate = [
      node('kerf.Linear', ['x', 'w2', 'b'], 'g'),
      node('Sigmoid', ['g'], 'g1'),
      node('Mul', ['g', 'g1'], 'g2'),
      node('Mul', ['g2', 'u'], 'a'),
    ];
    const graph = network(gate);
    const whole = { ...graph, initializers: new Map([...graph.initializers, ['w2', ramp(4, 3)]]) };
    assert.deepEqual(hiddenUnitsOf(whole), [], 'no layer makes them alone');
    const [group, ...others] = unitGroupsOf(whole, layersOf(whole));
    assert.deepEqual([group.producer.name, group.partners.map(({ name }) => name), others], ['u', ['g'], []]);
    const unread = floats([1, 0, 0.5, 3, 2, 0, -1, 1], [2, 4]);
    const silent = { ...whole, initializers: new Map([...whole.initializers, ['v', unread]]) };
    const kept = Int32Array.of(0, 2, 3);
    const units = new Map([...['u', 'g'].map((name) => [name, kept] as const)]);
    const dropped = narrowed(silent, { units });
    assert.deepEqual(
      layersOf(dropped).map(({ weight }) => weight.dims),
      [
        [3, 3],
        [3, 3],
        [2, 3],
      ],
    );
    const x = ramp(5, 3);
    assert.deepEqual((await evaluate(dropped, { x })).y.data, (await evaluate(silent, { x })).y.data);
    const read = network([...gate.slice(0, 3), node('Add', ['g2', 'u'], 'a'), node('Neg', ['g2'], 'z')]);
    const seen = { ...read, outputs: [...read.outputs, { ...read.outputs[0], name: 'z' }] };
    const more = { ...seen, initializers: whole.initializers };
    assert.deepEqual(unitGroupsOf(more, layersOf(more)), [], 'the network shows half of them');
  });

  it('are exactly nothing only where every activation makes nothing of them', async () => {
    const relu = network([node('Relu', ['u'], 'a')]);
    assert.deepEqual(layersOf(trimExactly(relu))[0].weight.dims, [3, 3]);
    // |-1| is 1: the other branch of the same unit lives.
    const branch = network([node('Relu', ['u'], 'a'), node('Abs', ['u'], 's'), node('kerf.Linear', ['s', 'v'], 'z')]);
    const both = { ...branch, outputs: [...branch.outputs, { ...branch.outputs[0], name: 'z' }] };
    assert.equal(hiddenUnitsOf(both)[0].consumers.length, 2);
    const trimmed = trimExactly(both);
    assert.deepEqual(layersOf(trimmed)[0].weight.dims, [4, 3]);
    const x = ramp(5, 3);
    assert.deepEqual(await evaluate(trimmed, { x }), await evaluate(both, { x }));
  });
});
