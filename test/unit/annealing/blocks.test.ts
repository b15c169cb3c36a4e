import assert from 'node:assert/strict';
import { anneal } from '../../../src/annealing/anneal.js';
import { type BlockFit, fitBlocks } from '../../../src/annealing/blocks.js';
import { coCluster } from '../../../src/annealing/co-cluster.js';
import { Fitter } from '../../../src/annealing/fit.js';
import { layerChoices } from '../../../src/annealing/layer-choices.js';
import { metricOf, momentsOf } from '../../../src/annealing/least-squares.js';
import { addDiagonal, crossProducts, type Matrix, multiply, type Samples } from '../../../src/annealing/matrix.js';
import { rangeOf } from '../../../src/annealing/matrix-parts.js';
import {
  assignRows,
  dealOut,
  equalSpans,
  findDomains,
  type Partition,
  partitionOf,
} from '../../../src/annealing/partition.js';
import { linearsOf } from '../../../src/annealing/rewrite.js';
import { withBlocks } from '../../../src/annealing/write-blocks.js';
import { createEvaluate } from '../../../src/evaluate-graph.js';
import { countMacs } from '../../../src/graph/cost.js';
import type { Graph } from '../../../src/graph/graph.js';
import { findLayers } from '../../../src/graph/layers.js';
import { createRandom, type Random } from '../../oracle/random.js';
import { makeGraph, matrix, mlp, node, normalRows, randomLayer, vector } from '../../support/networks.js';

const evaluate = createEvaluate();
const blockOf = (n: number, k: number, i: number) => {
  return equalSpans(n, k).findIndex(([, end]) => i < end);
};

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  return items.map(() => left.splice(Math.floor(random.uniform() * left.length), 1)[0]);
}

function normalSamples(seed: number, rows: number, columns: number): Samples {
  const random = createRandom(seed);
  return { rows, columns, data: Float32Array.from({ length: rows * columns }, () => random.normal()) };
}

function normalMatrix(seed: number, rows: number, columns: number): Matrix {
  const random = createRandom(seed);
  return { rows, columns, data: Float64Array.from({ length: rows * columns }, () => random.normal()) };
}

/** blockdiag(B) + U V, element by element. */
function assembled({ blocks, bus, rows, columns }: BlockFit, out: number, inputs: number): Matrix {
  const { data } = multiply(bus.outer, bus.inner);
  for (let i = 0; i < out; i++) {
    const p = rows.findIndex(([, end]) => i < end);
    columns[p].forEach((j, at) => {
      data[i * inputs + j] += blocks[p].data[(i - rows[p][0]) * blocks[p].columns + at];
    });
  }
  return { rows: out, columns: inputs, data };
}

/** trace(G E M E^T) of what the fit leaves. */
function errorOf(target: Matrix, fit: BlockFit, metric: Matrix, outputs: Matrix | null): number {
  const got = assembled(fit, target.rows, target.columns);
  const error = { ...target, data: target.data.map((w, e) => w - got.data[e]) };
  const squares = multiply(multiply(error, metric), error, false, true);
  const weighted = outputs ? multiply(outputs, squares) : squares;
  return weighted.data.reduce((sum, value, e) => (e % (target.rows + 1) === 0 ? sum + value : sum), 0);
}

describe('blocks and bus', () => {
  const [out, inputs] = [11, 14];
  const moments = momentsOf(normalSamples(1, 60, inputs));
  const metric = metricOf(moments);
  const bias = Float64Array.from({ length: out }, (_, i) => i);
  const edges = (k: number) => ({ rows: equalSpans(out, k), columns: equalSpans(inputs, k).map(rangeOf) });

  it('find the blocks of a layer that has them, ragged ones too, without a bus', () => {
    const weight = normalMatrix(2, out, inputs);
    for (let i = 0; i < out; i++) {
      for (let j = 0; j < inputs; j++) {
        if (blockOf(out, 3, i) !== blockOf(inputs, 3, j)) weight.data[i * inputs + j] = 0;
      }
    }
    const fit = fitBlocks({ weight, bias }, moments, null, edges(3), 0);
    assert.deepEqual(
      fit.blocks.map(({ rows, columns }) => [rows, columns]),
      [
        [3, 4],
        [4, 5],
        [4, 5],
      ],
    );
    assert.ok(errorOf(weight, fit, metric, null) < 1e-18);
    assert.ok(fit.bus.bias.every((value, i) => Math.abs(value - bias[i]) < 1e-9));
  });

  it('are best for what the bus leaves: no small change of a block weight is better', () => {
    const weight = normalMatrix(3, out, inputs);
    const fit = fitBlocks({ weight, bias }, moments, null, edges(2), 0);
    const best = errorOf(weight, fit, metric, null);
    for (const block of fit.blocks) {
      for (let e = 0; e < block.data.length; e++) {
        for (const step of [1e-4, -2e-4, 1e-4]) {
          block.data[e] += step;
          assert.ok(errorOf(weight, fit, metric, null) > best - 1e-12);
        }
      }
    }
  });

  it('leave less with a wider bus, and less than either alone', () => {
    const weight = normalMatrix(4, out, inputs);
    const outputs = addDiagonal(crossProducts(normalSamples(5, 40, out)), 1);
    const errors = [0, 1, 3, 5].map((bus) => {
      return errorOf(weight, fitBlocks({ weight, bias }, moments, outputs, edges(2), bus), metric, outputs);
    });
    for (let i = 1; i < errors.length; i++) assert.ok(errors[i] < errors[i - 1], `${errors}`);
  });

  it('are best with their bus: no small change of a block or of U is better', () => {
    const weight = normalMatrix(14, out, inputs);
    const outputs = addDiagonal(crossProducts(normalSamples(15, 40, out)), 1);
    const fit = fitBlocks({ weight, bias }, moments, outputs, edges(2), 2);
    const best = errorOf(weight, fit, metric, null);
    for (const { data } of [...fit.blocks, fit.bus.outer]) {
      for (let e = 0; e < data.length; e += 3) {
        for (const step of [1e-3, -2e-3, 1e-3]) {
          data[e] += step;
          assert.ok(errorOf(weight, fit, metric, null) > best * (1 - 1e-9));
        }
      }
    }
  });

  it('find blocks and bus of a layer that is made of them', () => {
    const made = fitBlocks({ weight: normalMatrix(16, out, inputs), bias }, moments, null, edges(3), 2);
    const weight = assembled(made, out, inputs);
    const without = fitBlocks({ weight, bias }, moments, null, edges(3), 0);
    const found = fitBlocks({ weight, bias }, moments, null, edges(3), 2);
    const left = errorOf(weight, found, metric, null) / errorOf(weight, without, metric, null);
    assert.ok(left < 0.01, `${left}`);
  });

  const chosen = [
    [0, 3, 4, 9],
    [1, 2, 3],
    [13, 5, 0],
  ].map((list) => Int32Array.from(list));
  const spans = equalSpans(inputs, 3).map(([first, end]) => rangeOf([Math.max(0, first - 1), end]));
  for (const opset of [9, 11, 13]) {
    for (const [bus, columns] of [0, 2].flatMap((r) =>
      [equalSpans(inputs, 3).map(rangeOf), spans, chosen].map((spans) => [r, spans] as const),
    )) {
      it(`compute what their matrices say, bus of ${bus}, columns ${columns.join(' | ')}, opset ${opset}`, async () => {
        const random = createRandom(6);
        const layer = randomLayer(random, out, inputs, () => true);
        const graph: Graph = {
          ...makeGraph({ x: inputs }, [node('fc1', 'Linear', ['x', 'w', 'b'], 'y', 'kerf')], {
            w: matrix(layer.weight),
            b: vector(layer.bias),
          }),
          opset,
        };
        const fit = fitBlocks(
          { weight: normalMatrix(7, out, inputs), bias },
          moments,
          null,
          { rows: equalSpans(out, 3), columns },
          bus,
        );
        const x = normalRows(8, 5, inputs);
        const { y } = await evaluate(withBlocks(graph, linearsOf(graph)[0], fit), { x });
        const whole = assembled(fit, out, inputs);
        for (let r = 0; r < 5; r++) {
          for (let i = 0; i < out; i++) {
            let [sum, size] = [fit.bus.bias[i], Math.abs(fit.bus.bias[i])];
            for (let j = 0; j < inputs; j++) {
              const product = whole.data[i * inputs + j] * x.data[r * inputs + j];
              sum += product;
              size += Math.abs(product);
            }
            // f32 sums of 16 terms, of which two pass through the bus.
            assert.ok(Math.abs((y.data[r * out + i] as number) - sum) < 64 * 2 ** -24 * (size + 10));
          }
        }
      });
    }
  }

  it('keep a network whose layers have them, for a fraction of its work', async () => {
    const random = createRandom(9);
    const labels = [32, 32, 32].map((n) =>
      shuffled(
        Array.from({ length: n }, (_, i) => i % 4),
        random,
      ),
    );
    const isNear = (layer: number) => (i: number, j: number) => labels[layer + 1][i] === labels[layer][j];
    const layers = [randomLayer(random, 32, 32, isNear(0)), randomLayer(random, 32, 32, isNear(1))];
    const graph = mlp([...layers, randomLayer(random, 4, 32, () => true)]);
    const rows = { x: normalRows(10, 300, 32) };
    const form = { k: 4, bus: 0, inputs: partitionOf(labels[0], 4) };
    const blocks = new Map(['fc1', 'fc2'].map((name) => [name, form] as const));
    const fitter = new Fitter(graph, graph, rows, evaluate);
    const split = await fitter.fit({ name: '4 blocks', units: new Map(), ranks: new Map(), blocks });
    assert.equal(countMacs(split), (32 * 32) / 4 + (32 * 32) / 4 + 4 * 32);
    const [before, after] = [await evaluate(graph, rows), await evaluate(split, rows)];
    for (let e = 0; e < before.y.size; e++) {
      assert.ok(Math.abs(Number(before.y.data[e]) - Number(after.y.data[e])) < 1e-3);
    }
    const choices = layerChoices(findLayers(graph), split, graph, []);
    assert.deepEqual(
      choices.map(({ choice, k, rank }) => [choice, k, rank]),
      [
        ['blocks', 4, null],
        ['blocks', 4, null],
        ['dense', 1, null],
      ],
    );
  });

  it('are proposed when asked for, and pass the guard where they hold', async () => {
    const random = createRandom(11);
    // Inputs are dealt out in turns where nothing else is known.
    const first = randomLayer(random, 32, 32, (i, j) => blockOf(32, 4, i) === j % 4);
    const graph = mlp([first, randomLayer(random, 4, 32, () => true)]);
    const evidence = { tensors: [], units: [], paths: [], fdr: 0.05, seed: 0 };
    const { layers, certificate } = await anneal(graph, evidence, {
      calibration: { x: normalRows(12, 400, 32) },
      guard: { x: normalRows(13, 400, 32) },
      evaluate,
      cost: (candidate) => countMacs(candidate),
      maxDisagreement: 0.02,
      parts: 4,
      bus: 0,
    });
    assert.deepEqual(
      certificate.stages.map(({ name, passed }) => [name, passed]),
      [['4 blocks, bus of 0', true]],
    );
    assert.deepEqual([layers[0].choice, layers[0].k, layers[1].choice], ['blocks', 4, 'dense']);
  });
});

describe('partition', () => {
  const random = createRandom(21);

  it('finds domains of inputs that occur together, and leaves out what never does', () => {
    const labels = shuffled(
      Array.from({ length: 60 }, (_, i) => (i < 8 ? -1 : i % 4)),
      random,
    );
    const x = { rows: 800, columns: 60, data: new Float32Array(800 * 60) };
    for (let row = 0; row < x.rows; row++) {
      labels.forEach((label, j) => {
        if (label === row % 4 && random.uniform() < 0.3) x.data[row * 60 + j] = 1;
      });
    }
    const found = findDomains(momentsOf(x), 0)!;
    const wanted = partitionOf(labels, 4);
    const sets = ({ order, blocks }: Partition) =>
      blocks.map(([first, end]) => `${[...order.slice(first, end)].sort()}`).sort();
    assert.deepEqual(sets(found), sets(wanted));
    assert.equal(findDomains(momentsOf(normalSamples(22, 500, 40)), 0), null);
  });

  it('deals inputs out in turns, those that never vary left out', () => {
    const x = normalSamples(23, 50, 12);
    for (const dead of [2, 3, 4, 9]) for (let row = 0; row < 50; row++) x.data[row * 12 + dead] = 1;
    assert.deepEqual(
      dealOut(momentsOf(x), 2).map((own) => [...own]),
      [
        [0, 5, 7, 10],
        [1, 6, 8, 11],
      ],
    );
  });

  it('lets outputs and inputs of blocks choose each other', () => {
    // Outputs of group g read inputs of group g alone; the input 0 everyone reads, 11 nobody.
    const group = (n: number, i: number) => (i * 3) % n;
    const weight = normalMatrix(27, 9, 12);
    for (let i = 0; i < 9; i++) {
      for (let j = 1; j < 12; j++) if (j === 11 || group(3, i) !== group(3, 0) + (j % 3)) weight.data[i * 12 + j] = 0;
    }
    const moments = momentsOf(normalSamples(28, 200, 12));
    const { rows, columns } = coCluster({ weight, bias: new Float64Array(9) }, moments, null, { k: 3, bus: 0 });
    assert.equal(rows.blocks.length, 3);
    rows.blocks.forEach(([first, end], p) => {
      for (const i of rows.order.subarray(first, end)) {
        for (let j = 0; j < 12; j++) {
          if (weight.data[i * 12 + j] !== 0) assert.ok(columns[p].includes(j), `output ${i} reads input ${j}`);
        }
      }
    });
  });

  it('gives each row to the block that explains it, and no block more than half again of its share', () => {
    const owners = Array.from({ length: 12 }, (_, i) => (i < 9 ? 0 : 1));
    const weight = normalMatrix(25, 12, 8);
    owners.forEach((owner, i) => {
      for (let j = 0; j < 8; j++) if ((j < 4 ? 0 : 1) !== owner) weight.data[i * 8 + j] *= 0.1;
    });
    const spans = equalSpans(8, 2).map(rangeOf);
    const { order, blocks } = assignRows(weight, metricOf(momentsOf(normalSamples(26, 90, 8))), spans, 1.5);
    assert.deepEqual([...order], Array.from(owners.keys()));
    assert.deepEqual(blocks, [
      [0, 9],
      [9, 12],
    ]);
    weight.data.fill(1, 9 * 8, 9 * 8 + 4).fill(0, 9 * 8 + 4, 10 * 8);
    assert.equal(assignRows(weight, metricOf(momentsOf(normalSamples(26, 90, 8))), spans, 1.5).blocks[0][1], 9);
  });
});
