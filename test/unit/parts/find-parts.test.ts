import assert from 'node:assert/strict';
import { createEvaluate } from '../../../src/evaluate-graph.js';
import { countMacs } from '../../../src/graph/cost.js';
import type { Graph } from '../../../src/graph/graph.js';
import { findParts, partsSideBySide } from '../../../src/parts/find-parts.js';
import type { Parts } from '../../../src/parts/parts.js';
import { buildPlan } from '../../../src/plan/index.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createWasmExecutor } from '../../../src/runtime/wasm-executor.js';
import { createRandom } from '../../oracle/random.js';
import { node as graphNode, graphOf, port } from '../../support/graph.js';
import {
  makeGraph,
  matrix,
  mlp,
  node,
  normalRows,
  plantedBlocks,
  randomLayer,
  vector,
} from '../../support/networks.js';

const bits = (tensor: Tensor) =>
  Buffer.from(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength).toString('hex');

/** The parts are disjoint, cover the graph, wait only for earlier ones, and compute what the graph computes. */
async function checkParts(graph: Graph, parts: Parts, feeds: Record<string, Tensor>): Promise<void> {
  const names = parts.parts.flatMap(({ nodes }) => nodes);
  assert.deepEqual([...names].sort(), parts.graph.nodes.map(({ name }) => name).sort());
  assert.equal(new Set(names).size, names.length);
  parts.parts.forEach(({ id, after }, i) => {
    assert.equal(id, i);
    for (const other of after) assert.ok(other < id);
  });
  const whole = await createEvaluate()(graph, feeds);
  const executor = createWasmExecutor(buildPlan(parts.graph, { parts: parts.parts, partOf: parts.partOf }));
  const split = await executor.run(feeds, {});
  await executor.release();
  assert.equal(bits(split.y), bits(whole.y));
}

describe('findParts', () => {
  for (const k of [4, 8]) {
    it(`finds ${k} planted, permuted blocks of an MLP`, async () => {
      const graph = plantedBlocks(k, [64, 96, 48, 24], k);
      const parts = findParts(graph);
      const working = parts.parts.filter(({ macs }) => macs > 0);
      assert.equal(working.length, k);
      assert.equal(partsSideBySide(parts.parts), k);
      for (const { after, macs } of working) {
        assert.deepEqual(after, []);
        assert.equal(macs, countMacs(graph) / (k * k));
      }
      await checkParts(graph, parts, { x: normalRows(1, 33, 64) });
    });

    it(`merges ${k} blocks into two balanced parts on request`, async () => {
      const graph = plantedBlocks(k, [64, 96, 48, 24], k);
      const parts = findParts(graph, { parts: 2 });
      assert.equal(partsSideBySide(parts.parts), 2);
      const [a, b] = parts.parts.filter(({ macs }) => macs > 0);
      assert.equal(a.macs, b.macs);
      await checkParts(graph, parts, { x: normalRows(2, 5, 64) });
    });
  }

  it('finds blocks behind activations that are written out in several nodes', async () => {
    const blocks = plantedBlocks(4, [64, 96, 48, 24], 4);
    const scalars = { root: Math.SQRT2, one: 1, half: 0.5 };
    const initializers = new Map([
      ...blocks.initializers,
      ...Object.entries(scalars).map(
        ([name, value]) => [name, new Tensor('float32', Float32Array.of(value), [])] as const,
      ),
    ]);
    // u (1 + erf(u / sqrt 2)) / 2 in the place of each Relu.
    const nodes = blocks.nodes.flatMap((one) => {
      if (one.op !== 'Relu') return [one];
      const [u, made] = [one.inputs[0], (step: string) => `${one.name}/${step}`];
      return [
        node(made('div'), 'Div', [u, 'root'], made('d')),
        node(made('erf'), 'Erf', [made('d')], made('e')),
        node(made('add'), 'Add', [made('e'), 'one'], made('a')),
        node(made('mul'), 'Mul', [u, made('a')], made('m')),
        node(one.name, 'Mul', [made('m'), 'half'], one.outputs[0]),
      ];
    });
    const graph = { ...blocks, initializers, nodes };
    const parts = findParts(graph);
    assert.equal(partsSideBySide(parts.parts), 4);
    for (const { after } of parts.parts.filter(({ macs }) => macs > 0)) assert.deepEqual(after, []);
    await checkParts(graph, parts, { x: normalRows(1, 33, 64) });
  });

  it('finds parts that share all inputs', async () => {
    const random = createRandom(3);
    const graph = mlp([randomLayer(random, 12, 20, () => true), randomLayer(random, 6, 12, (i, j) => i % 3 === j % 3)]);
    const parts = findParts(graph);
    assert.equal(partsSideBySide(parts.parts), 3);
    await checkParts(graph, parts, { x: normalRows(4, 7, 20) });
  });

  it('splits the blocks in front of a layer that needs all of them', async () => {
    const random = createRandom(5);
    const graph = mlp([
      randomLayer(random, 16, 16, (i, j) => i % 4 === j % 4),
      randomLayer(random, 16, 16, (i, j) => i % 4 === j % 4),
      randomLayer(random, 5, 16, () => true),
    ]);
    const parts = findParts(graph);
    assert.equal(partsSideBySide(parts.parts), 4);
    assert.deepEqual(parts.parts.at(-1)?.after, [0, 1, 2, 3]);
    await checkParts(graph, parts, { x: normalRows(6, 9, 16) });
  });

  it('calls a dense network one part', async () => {
    const random = createRandom(7);
    const graph = mlp([randomLayer(random, 9, 8, () => true), randomLayer(random, 4, 9, () => true)]);
    const parts = findParts(graph, { parts: 4 });
    assert.equal(parts.parts.length, 1);
    assert.equal(parts.parts[0].macs, 9 * 8 + 4 * 9);
    assert.equal(parts.parts[0].parameters, 9 * 8 + 9 + 4 * 9 + 4);
    await checkParts(graph, parts, { x: normalRows(8, 3, 8) });
  });

  it('does not make a part of an output that reads nothing', async () => {
    const random = createRandom(9);
    const graph = mlp([randomLayer(random, 6, 8, () => true), randomLayer(random, 5, 6, (i) => i !== 2)]);
    assert.equal(findParts(graph).parts.length, 1);
    const blocks = mlp([
      randomLayer(random, 6, 8, () => true),
      randomLayer(random, 5, 6, (i, j) => i !== 2 && i % 2 === j % 2),
    ]);
    const parts = findParts(blocks);
    assert.equal(partsSideBySide(parts.parts), 2);
    await checkParts(blocks, parts, { x: normalRows(10, 4, 8) });
  });

  it('finds the branches of a deep and wide network, and what joins them', async () => {
    const random = createRandom(11);
    const [deep1, deep2, wide] = [
      randomLayer(random, 16, 10, () => true),
      randomLayer(random, 6, 16, () => true),
      randomLayer(random, 6, 10, () => true),
    ];
    const graph = makeGraph(
      { x: 10 },
      [
        node('half', 'Mul', ['x', 'scale']),
        node('deep1', 'Linear', ['half', 'w1', 'b1'], 'deep1', 'kerf'),
        node('act', 'Relu', ['deep1']),
        node('deep2', 'Linear', ['act', 'w2', 'b2'], 'deep2', 'kerf'),
        node('wide', 'Linear', ['half', 'w3', 'b3'], 'wide', 'kerf'),
        node('sum', 'Add', ['deep2', 'wide']),
        node('y', 'Softmax', ['sum']),
      ],
      {
        scale: new Tensor('float32', Float32Array.of(0.5), []),
        w1: matrix(deep1.weight),
        b1: vector(deep1.bias),
        w2: matrix(deep2.weight),
        b2: vector(deep2.bias),
        w3: matrix(wide.weight),
        b3: vector(wide.bias),
      },
    );
    const parts = findParts(graph);
    assert.deepEqual(
      parts.parts.map(({ nodes, after }) => [nodes, after]),
      [
        [['half'], []],
        [['deep1', 'act', 'deep2'], [0]],
        [['wide'], [0]],
        [
          ['sum', 'y'],
          [1, 2],
        ],
      ],
    );
    await checkParts(graph, parts, { x: normalRows(12, 6, 10) });
  });

  it('keeps what becomes one step of attention together, behind queries, keys and values side by side', async () => {
    const layer = (seed: number) => randomLayer(createRandom(seed), 8, 8, () => true);
    const [q, k, v] = [layer(1), layer(2), layer(3)];
    const linear = (name: string) => graphNode('kerf.Linear', ['x', `w${name}`, `b${name}`], name);
    const graph = graphOf({
      inputs: [port('x', ['batch', 5, 8])],
      outputs: ['y'],
      nodes: [
        linear('q'),
        linear('k'),
        graphNode('Transpose', ['k'], 'turned', { perm: [0, 2, 1] }),
        graphNode('MatMul', ['q', 'turned'], 'scores'),
        graphNode('Softmax', ['scores'], 'shares', { axis: -1 }),
        linear('v'),
        graphNode('MatMul', ['shares', 'v'], 'y'),
      ],
      constants: {
        ...{ wq: matrix(q.weight), bq: vector(q.bias), wk: matrix(k.weight), bk: vector(k.bias) },
        ...{ wv: matrix(v.weight), bv: vector(v.bias) },
      },
    });
    const parts = findParts(graph);
    assert.deepEqual(
      parts.parts.map(({ nodes, after }) => [nodes, after]),
      [
        [['q'], []],
        [['k'], []],
        [['v'], []],
        [
          ['turned', 'scores', 'shares', 'y'],
          [0, 1, 2],
        ],
      ],
    );
    const plan = buildPlan(parts.graph, { parts: parts.parts, partOf: parts.partOf });
    assert.equal(plan.steps.filter(({ kind }) => kind === 'attention').length, 1);
    const x = new Tensor('float32', normalRows(4, 15, 8).data as Float32Array<ArrayBuffer>, [3, 5, 8]);
    await checkParts(graph, parts, { x });
  });
});
