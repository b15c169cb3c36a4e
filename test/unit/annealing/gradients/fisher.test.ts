import assert from 'node:assert/strict';
import { rowWeights } from '../../../../src/annealing/balance.js';
import { fisherFactors } from '../../../../src/annealing/gradients/index.js';
import { seedsFor } from '../../../../src/annealing/gradients/seeds.js';
import { createEvaluate } from '../../../../src/evaluate-graph.js';
import { Tensor } from '../../../../src/runtime/tensor.js';
import { createRandom } from '../../../oracle/random.js';
import { makeGraph, matrix, mlp, node, normalRows, randomLayer, vector } from '../../../support/networks.js';

const evaluate = createEvaluate();
const weightsOf = (seed: number, out: number, inputs: number) =>
  randomLayer(createRandom(seed), out, inputs, () => true);

/** G of the last hidden layer of x -> fc1 -> Relu -> fc2 by hand: D W2^T P W2 D, D where the unit is awake. */
function expected(
  h: Float32Array,
  w2: readonly (readonly number[])[],
  weights: ArrayLike<number>,
  isCentred: boolean,
): Float64Array {
  const [classes, width] = [w2.length, w2[0].length];
  const mean = Array.from({ length: width }, (_, j) => w2.reduce((sum, row) => sum + row[j], 0) / classes);
  const w = w2.map((row) => row.map((value, j) => Math.fround(value) - (isCentred ? mean[j] : 0)));
  const g = new Float64Array(width * width);
  for (let r = 0; r < weights.length; r++) {
    for (let i = 0; i < width; i++) {
      for (let j = 0; j < width; j++) {
        if (!(h[r * width + i] > 0 && h[r * width + j] > 0)) continue;
        g[i * width + j] += weights[r] * w.reduce((sum, row) => sum + row[i] * row[j], 0);
      }
    }
  }
  return g;
}

describe('fisher factors', () => {
  const [first, second] = [weightsOf(1, 6, 5), weightsOf(2, 4, 6)];
  const graph = mlp([first, second]);
  const rows = { x: normalRows(3, 200, 5) };

  for (const [name, decision] of [
    ['centred scores where an argmax decides', { kind: 'argmax' }],
    ['outputs as they are for a regression', { kind: 'error', limit: 0.1 }],
  ] as const) {
    it(`are the second moments of gradients: ${name}`, async () => {
      const isCentred = decision.kind === 'argmax';
      const { factors, blocked } = await fisherFactors(graph, rows, decision, evaluate);
      assert.equal(blocked.size, 0);
      const outputs = await evaluate(graph, rows);
      const weights = rowWeights(200, outputs, decision) ?? new Float64Array(200).fill(1);
      const h = (await evaluate(graph, rows, ['h1'])).h1.data as Float32Array;
      const g = expected(h, second.weight, weights, isCentred);
      const width = 6;
      let trace = 0;
      for (let i = 0; i < width; i++) trace += g[i * width + i];
      const got = factors.get('fc1')!;
      for (let e = 0; e < g.length; e++) {
        const floor = e % (width + 1) === 0 ? (0.01 * trace) / width : 0;
        assert.ok(Math.abs(got.data[e] - g[e] - floor) < 1e-4 * trace, `element ${e}`);
      }
    });
  }

  it('are taken in front of a final softmax', async () => {
    const layer = weightsOf(4, 3, 5);
    const constants = { w: matrix(layer.weight), b: vector(layer.bias) };
    const linear = (output: string) => node('fc1', 'Linear', ['x', 'w', 'b'], output, 'kerf');
    const plain = makeGraph({ x: 5 }, [linear('y')], constants);
    const soft = makeGraph({ x: 5 }, [linear('h'), node('softmax', 'Softmax', ['h'], 'y')], constants);
    const [a, b] = [plain, soft].map((net) => fisherFactors(net, rows, { kind: 'argmax' }, evaluate));
    assert.deepEqual((await a).factors.get('fc1'), (await b).factors.get('fc1'));
  });

  it('name the operator that stops them', async () => {
    const constants = { w1: matrix(first.weight), w2: matrix(second.weight) };
    const stopped = makeGraph(
      { x: 5 },
      [
        node('fc1', 'Linear', ['x', 'w1'], 'h', 'kerf'),
        node('floor', 'Floor', ['h'], 'f'),
        node('fc2', 'Linear', ['f', 'w2'], 'y', 'kerf'),
      ],
      constants,
    );
    const { factors, blocked } = await fisherFactors(stopped, rows, { kind: 'argmax' }, evaluate);
    assert.deepEqual([[...factors.keys()], [...blocked]], [['fc2'], [['fc1', 'Floor']]]);
  });
});

describe('seeds', () => {
  it('give each score its turn, without the mean', () => {
    const seeds = [...seedsFor([2, 4], true, 0)];
    assert.equal(seeds.length, 4);
    assert.deepEqual([...seeds[1].data], [-0.25, 0.75, -0.25, -0.25, -0.25, 0.75, -0.25, -0.25]);
    assert.deepEqual([...[...seedsFor([1, 2], false, 0)][1].data], [0, 1]);
  });

  it('are random signs for many scores, whose second moment is the identity', () => {
    const [n, columns] = [400, 20];
    const sums = new Float64Array(columns * columns);
    const seeds = [...seedsFor([n, columns], false, 3)];
    assert.equal(seeds.length, 16);
    for (const { data } of seeds) {
      for (let e = 0; e < n * columns * columns; e++) {
        const [row, i, j] = [Math.floor(e / columns ** 2), Math.floor(e / columns) % columns, e % columns];
        sums[i * columns + j] += (data[row * columns + i] * data[row * columns + j]) / (n * seeds.length);
      }
    }
    // 6,400 signs: standard deviation 1 / 80 off the diagonal; five of them.
    for (let e = 0; e < sums.length; e++) assert.ok(Math.abs(sums[e] - (e % (columns + 1) === 0 ? 1 : 0)) < 5 / 80);
  });
});

describe('row weights', () => {
  it('give every decision the same weight in all', () => {
    const y = new Tensor(
      'float32',
      Float32Array.from({ length: 40 }, (_, i) => (i % 10 === 0 ? 1 : i % 2)),
      [20, 2],
    );
    const weights = rowWeights(20, { y }, { kind: 'argmax' })!;
    const rare = weights.filter((_, row) => row % 5 === 0).reduce((sum, weight) => sum + weight, 0);
    assert.ok(Math.abs(rare - 10) < 1e-9);
    assert.ok(Math.abs(weights.reduce((sum, weight) => sum + weight, 0) - 20) < 1e-9);
  });

  it('lift scores near the threshold, and leave regressions alone', () => {
    const y = new Tensor('float32', Float32Array.of(0.1, 0.45, 0.9, 0.55), [4, 1]);
    const weights = rowWeights(4, { y }, { kind: 'threshold', at: 0.5 })!;
    assert.ok(weights[1] > weights[0] && weights[3] > weights[2]);
    assert.equal(rowWeights(4, { y }, { kind: 'error', limit: 0.1 }), null);
  });
});
