import assert from 'node:assert/strict';
import { analyzePaper, annealByZero } from '../../../src/evidence/index.js';
import type { KerfError } from '../../../src/runtime/errors.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { blockGraph, freshBlock } from '../../support/blocks.js';
import { makeGraph, matrix, mlp, node, vector } from '../../support/networks.js';

/** A chain 3-2-2 whose weights of size 10 stand out under N(0, 1). */
const chain = mlp([
  {
    weight: [
      [10, 0, 0],
      [0, -10, 0],
    ],
    bias: [0, 0],
  },
  {
    weight: [
      [10, 0],
      [0, 10],
    ],
    bias: [0, 0],
  },
]);

const coded = (code: string) => (error: unknown) => (error as KerfError).code === code;

describe('analyzePaper', () => {
  it('finds edges, isolated nodes, components and levels of a chain', async () => {
    const { families, structure } = await analyzePaper(chain, { init: 'normal:1', control: 'bonferroni' });
    assert.deepEqual(
      families.map(({ name, kind, length }) => [name, kind, length]),
      [
        ['fc1.weight', 'weights', 1],
        ['fc2.weight', 'weights', 1],
      ],
    );
    assert.deepEqual(
      families.map(({ family }) => [family.tested, family.supported, family.control]),
      [
        [6, 2, 'family-wise'],
        [4, 2, 'family-wise'],
      ],
    );
    assert.deepEqual(Array.from(families[0].adjacency.bits), [0b001, 0b010]);
    assert.deepEqual(structure, {
      nodes: 7,
      edges: 4,
      isolated: 1,
      components: 2,
      largestEdgeShare: 0.5,
      strong: 7,
      cycles: 0,
      largestStrong: 1,
      levels: 3,
    });
  });

  it('reads a square matrix as a graph of its own', async () => {
    const { families } = await analyzePaper(chain, { init: 'normal:1', control: 'bonferroni' });
    assert.equal(families[0].matrix, null);
    assert.deepEqual([families[1].matrix?.nodes, families[1].matrix?.edges, families[1].matrix?.isolated], [2, 2, 2]);
  });

  it('reads a d-4d-d block as sequences of eight values on one stream', async () => {
    const d = 8;
    const block = freshBlock(3, d, 4, 1);
    // The edge from input 2 to output 5: channel 3 of both matrices.
    block.up[(3 * d + 5) * d + 2] = 30;
    block.down[5 * 4 * d + 3 * d + 2] = 30;
    const graph = blockGraph(block);
    const { families, structure } = await analyzePaper(graph, { init: 'normal:1', control: 'bonferroni' });
    const [{ name, kind, length, family, adjacency }] = families;
    assert.deepEqual([name, kind, length, families.length], ['up.weight + down.weight', 'sequences', 8, 1]);
    assert.deepEqual([family.tested, family.supported], [d * d, 1]);
    assert.deepEqual(Array.from(adjacency.bits), [0, 0, 0, 0, 0, 1 << 2, 0, 0]);
    assert.deepEqual([structure.nodes, structure.edges, structure.isolated], [d, 1, d - 2]);
    const annealed = annealByZero(graph, { families } as never);
    const nonZero = (tensor: string) =>
      (annealed.initializers.get(tensor) as Tensor<'float32'>).data.reduce((n, w) => n + Number(w !== 0), 0);
    assert.deepEqual([nonZero('up.weight'), nonZero('down.weight')], [4, 4]);
    const single = await analyzePaper(graph, { init: 'normal:1', sequences: false });
    assert.deepEqual(
      single.families.map(({ tensors }) => tensors[0]),
      ['up.weight', 'down.weight'],
    );
  });

  it('removes what it does not support, and only that', async () => {
    const paper = await analyzePaper(chain, { init: 'normal:4', control: 'alpha', level: 0.02 });
    const annealed = annealByZero(chain, paper);
    const weights = (name: string) => Array.from((annealed.initializers.get(name) as Tensor<'float32'>).data);
    assert.deepEqual(weights('fc1.weight'), [10, 0, 0, 0, -10, 0]);
    const none = annealByZero(chain, await analyzePaper(chain, { init: 'normal:100' }));
    assert.ok((none.initializers.get('fc2.weight') as Tensor<'float32'>).data.every((w) => w === 0));
    const start = new Map([
      [
        'fc2.weight',
        matrix([
          [1, 2],
          [3, 4],
        ]),
      ],
    ]);
    const reset = annealByZero(chain, await analyzePaper(chain, { init: 'normal:1' }), start);
    assert.deepEqual(Array.from((reset.initializers.get('fc2.weight') as Tensor<'float32'>).data), [10, 2, 3, 10]);
  });

  it('supports exactly the changed weights against a checkpoint', async () => {
    const init = new Map([
      [
        'fc1.weight',
        matrix([
          [10, 0, 0],
          [0, -9, 0],
        ]),
      ],
      ['fc1.bias', vector([0, 0])],
      [
        'fc2.weight',
        matrix([
          [10, 0],
          [0, 10],
        ]),
      ],
      ['fc2.bias', vector([0, 0])],
    ]);
    const { families } = await analyzePaper(chain, { init });
    assert.deepEqual(
      families.map(({ family }) => family.supported),
      [1, 0],
    );
    assert.deepEqual(families[0].laws, ['checkpoint']);
    const points = await analyzePaper(chain, { init: 'zeros' });
    assert.deepEqual(
      points.families.map(({ family }) => family.supported),
      [2, 2],
    );
  });

  it('takes square checkpoints that make the workspace grow', async () => {
    const d = 700;
    const weight = new Tensor(
      'float32',
      new Float32Array(d * d).map((_, i) => Math.sin(i)),
      [d, d],
    );
    const changed = new Tensor('float32', weight.data.slice(), [d, d]);
    changed.data[5] += 1;
    const graph = makeGraph({ x: d }, [node('fc', 'Linear', ['x', 'fc.weight'], 'y', 'kerf')], {
      'fc.weight': changed,
    });
    const { families } = await analyzePaper(graph, { init: new Map([['fc.weight', weight]]) });
    assert.deepEqual([families[0].adjacency.edges, families[0].matrix?.edges], [1, 1]);
    assert.equal(families[0].adjacency.bits[0], 1 << 5);
  });

  it('keeps every edge where there is no null, and says why', async () => {
    const { families, structure } = await analyzePaper(chain, { init: 'orthogonal' });
    assert.match(String(families[0].noNull), /depend on each other/);
    assert.deepEqual([families[0].family.tested, families[0].adjacency.edges, structure.edges], [0, 6, 10]);
    const annealed = annealByZero(chain, { families } as never);
    assert.deepEqual(annealed.initializers.get('fc1.weight')?.data, chain.initializers.get('fc1.weight')?.data);
  });

  it('joins outputs that an Add joins, and keeps columns of an embedding apart from other readers of the ids', async () => {
    const graph = makeGraph(
      { x: 2 },
      [
        node('a', 'Linear', ['x', 'a.weight'], 'p', 'kerf'),
        node('b', 'Linear', ['x', 'b.weight'], 'q', 'kerf'),
        node('sum', 'Add', ['p', 'q'], 'y'),
      ],
      {
        'a.weight': matrix([
          [9, 0],
          [0, 0],
        ]),
        'b.weight': matrix([
          [0, 0],
          [0, 9],
        ]),
      },
    );
    const { structure } = await analyzePaper(graph, { init: 'normal:1', control: 'bonferroni' });
    assert.deepEqual([structure.nodes, structure.edges, structure.components], [4, 2, 2]);
  });

  it('refuses error rates that it does not know', async () => {
    await assert.rejects(analyzePaper(chain, { control: 'holm' as never }), coded('OPTION_INVALID'));
    await assert.rejects(analyzePaper(chain, { level: 1 }), coded('OPTION_INVALID'));
    await assert.rejects(analyzePaper(chain, { init: 'bogus' }), coded('LAW_INVALID'));
    await assert.rejects(analyzePaper(chain, { signal: AbortSignal.abort() }), coded('ABORTED'));
  });
});
