import assert from 'node:assert/strict';
import { anneal } from '../../../src/annealing/anneal.js';
import { type BlockFit, blockStart, everyNth, fitBlocks } from '../../../src/annealing/blocks.js';
import { Fitter } from '../../../src/annealing/fit.js';
import { layerChoices } from '../../../src/annealing/layer-choices.js';
import { metricOf, momentsOf } from '../../../src/annealing/least-squares.js';
import { addDiagonal, crossProducts, type Matrix, multiply, type Samples } from '../../../src/annealing/matrix.js';
import { linearsOf } from '../../../src/annealing/rewrite.js';
import { withBlocks } from '../../../src/annealing/write-blocks.js';
import { createEvaluate } from '../../../src/evaluate-graph.js';
import { countMacs } from '../../../src/graph/cost.js';
import type { Graph } from '../../../src/graph/graph.js';
import { findLayers } from '../../../src/graph/layers.js';
import { createRandom } from '../../oracle/random.js';
import { makeGraph, matrix, mlp, node, normalRows, randomLayer, vector } from '../../support/networks.js';

const evaluate = createEvaluate();
const blockOf = (n: number, k: number, i: number) => {
  let p = 0;
  while (i >= blockStart(n, k, p + 1)) p++;
  return p;
};

function normalSamples(seed: number, rows: number, columns: number): Samples {
  const random = createRandom(seed);
  return { rows, columns, data: Float32Array.from({ length: rows * columns }, () => random.normal()) };
}

function normalMatrix(seed: number, rows: number, columns: number): Matrix {
  const random = createRandom(seed);
  return { rows, columns, data: Float64Array.from({ length: rows * columns }, () => random.normal()) };
}

/** blockdiag(B) + U V, element by element. */
function assembled({ blocks, bus }: BlockFit, out: number, inputs: number): Matrix {
  const k = blocks.length;
  const { data } = multiply(bus.outer, bus.inner);
  for (let i = 0; i < out; i++) {
    for (let j = 0; j < inputs; j++) {
      const [p, q] = [blockOf(out, k, i), blockOf(inputs, k, j)];
      if (p !== q) continue;
      const [row, column] = [i - blockStart(out, k, p), j - blockStart(inputs, k, p)];
      data[i * inputs + j] += blocks[p].data[row * blocks[p].columns + column];
    }
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

  it('find the blocks of a layer that has them, ragged ones too, without a bus', () => {
    const weight = normalMatrix(2, out, inputs);
    for (let i = 0; i < out; i++) {
      for (let j = 0; j < inputs; j++) {
        if (blockOf(out, 3, i) !== blockOf(inputs, 3, j)) weight.data[i * inputs + j] = 0;
      }
    }
    const fit = fitBlocks({ weight, bias }, moments, null, { k: 3, bus: 0 });
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
    const fit = fitBlocks({ weight, bias }, moments, null, { k: 2, bus: 0 });
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
      return errorOf(weight, fitBlocks({ weight, bias }, moments, outputs, { k: 2, bus }), metric, outputs);
    });
    for (let i = 1; i < errors.length; i++) assert.ok(errors[i] < errors[i - 1], `${errors}`);
  });

  it('spread inputs over all blocks', () => {
    assert.deepEqual([...everyNth(7, 3)], [0, 3, 6, 1, 4, 2, 5]);
  });

  for (const opset of [11, 13]) {
    for (const bus of [0, 2]) {
      it(`compute what their matrices say, bus of ${bus}, opset ${opset}`, async () => {
        const random = createRandom(6);
        const layer = randomLayer(random, out, inputs, () => true);
        const graph: Graph = {
          ...makeGraph({ x: inputs }, [node('fc1', 'Linear', ['x', 'w', 'b'], 'y', 'kerf')], {
            w: matrix(layer.weight),
            b: vector(layer.bias),
          }),
          opset,
        };
        const fit = fitBlocks({ weight: normalMatrix(7, out, inputs), bias }, moments, null, { k: 3, bus });
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
    const isNear = (n: number, m: number) => (i: number, j: number) => blockOf(n, 4, i) === blockOf(m, 4, j);
    // The first layer's inputs are dealt out in turns, as the fit does; hidden units stand block by block.
    const first = randomLayer(random, 32, 32, (i, j) => blockOf(32, 4, i) === j % 4);
    const graph = mlp([first, randomLayer(random, 32, 32, isNear(32, 32)), randomLayer(random, 4, 32, () => true)]);
    const rows = { x: normalRows(10, 300, 32) };
    const blocks = new Map(['fc1', 'fc2'].map((name) => [name, { k: 4, bus: 0 }] as const));
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
    const first = randomLayer(random, 32, 32, (i, j) => blockOf(32, 4, i) === j % 4);
    const graph = mlp([first, randomLayer(random, 4, 32, () => true)]);
    const evidence = { tensors: [], units: [], fdr: 0.05, seed: 0 };
    const { layers, certificate } = await anneal(graph, evidence, {
      calibration: { x: normalRows(12, 400, 32) },
      guard: { x: normalRows(13, 400, 32) },
      evaluate,
      cost: (candidate) => countMacs(candidate),
      maxDisagreement: 0.02,
      blocks: { k: 4, bus: 0 },
    });
    assert.deepEqual(
      certificate.stages.map(({ name, passed }) => [name, passed]),
      [['4 blocks, bus of 0', true]],
    );
    assert.deepEqual([layers[0].choice, layers[0].k, layers[1].choice], ['blocks', 4, 'dense']);
  });
});
