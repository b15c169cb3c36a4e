import assert from 'node:assert/strict';
import { findBranches, meanOf } from '../../../src/annealing/constants.js';
import type { Graph, Node, Port } from '../../../src/graph/graph.js';
import { symbol } from '../../../src/runtime/extent.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createRandom } from '../../oracle/random.js';
import { makeGraph, matrix, node, randomLayer, vector } from '../../support/networks.js';

/** h = W x + b that training did not use, z = V x + c that it did, y = h + z, and what else a case adds. */
function graphOf(more: readonly Node[] = [], outputs: readonly string[] = ['y'], join = ['h', 'z']): Graph {
  const layer = (seed: number) => randomLayer(createRandom(seed), 6, 6, () => true);
  const [unused, used] = [layer(1), layer(2)];
  const graph = makeGraph(
    { x: 6, q: 6 },
    [
      node('unused', 'Linear', ['x', 'W', 'b'], 'h', 'kerf'),
      node('used', 'Linear', ['x', 'V', 'c'], 'z', 'kerf'),
      node('join', 'Add', join, 'y'),
    ],
    { W: matrix(unused.weight), b: vector(unused.bias), V: matrix(used.weight), c: vector(used.bias) },
  );
  const port = (name: string): Port => ({ name, dtype: 'float32', shape: [] });
  return { ...graph, nodes: [...graph.nodes, ...more], outputs: outputs.map(port) };
}

const found = (graph: Graph) => findBranches(graph, (layer) => layer === 'unused').map(({ value }) => value);

describe('findBranches', () => {
  it('finds what feeds one operand of a sum', () => assert.deepEqual(found(graphOf()), ['h']));

  it('leaves what anyone else reads', () => {
    assert.deepEqual(found(graphOf([], ['y', 'h'])), []);
    assert.deepEqual(found(graphOf([node('relu', 'Relu', ['h'], 'g')], ['y', 'g'])), []);
    assert.deepEqual(found(graphOf([node('again', 'Mul', ['h', 'y'], 'g')], ['g'])), []);
    assert.deepEqual(found(graphOf([], ['y'], ['h', 'h'])), []);
  });

  it('leaves what gives the sum its shape', () => {
    const graph = graphOf([], ['y'], ['h', 'q']);
    const one = { ...graph.inputs[1], shape: [1, 6] };
    assert.deepEqual(found({ ...graph, inputs: [graph.inputs[0], one] }), []);
    assert.deepEqual(found(graph), ['h']);
  });
});

describe('meanOf', () => {
  it('is over samples, and over axes of open size', () => {
    const branch = { value: 'h', nodes: new Set<string>(), last: 'l' };
    const samples = new Tensor(
      'float32',
      Float32Array.from({ length: 2 * 3 * 2 }, (_, i) => i),
      [2, 3, 2],
    );
    const fixed = meanOf({ ...branch, shape: [symbol('n'), 3, 2] }, samples);
    assert.deepEqual(
      [fixed.dims, [...fixed.data]],
      [
        [3, 2],
        [3, 4, 5, 6, 7, 8],
      ],
    );
    const open = meanOf({ ...branch, shape: [symbol('n'), symbol('t'), 2] }, samples);
    assert.deepEqual(
      [open.dims, [...open.data]],
      [
        [1, 2],
        [5, 6],
      ],
    );
    const last = meanOf({ ...branch, shape: [symbol('n'), 3, symbol('t')] }, samples);
    assert.deepEqual(
      [last.dims, [...last.data]],
      [
        [3, 1],
        [3.5, 5.5, 7.5],
      ],
    );
  });
});
