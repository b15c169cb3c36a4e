/** An attention block as PyTorch exports it: its projections are layers with gradients, and get their ranks. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { reverseGraph } from '../../../src/annealing/gradients/reverse.js';
import { layersOf } from '../../../src/annealing/rewrite.js';
import { decompose } from '../../../src/decompose.js';
import { createEvaluate } from '../../../src/evaluate-graph.js';
import { createPackageSession } from '../../../src/executors/create-session.js';
import { canonicalise } from '../../../src/graph/canonicalise.js';
import { readOnnx } from '../../../src/model/onnx.js';
import { encodeOnnx } from '../../../src/package/onnx-writer.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { normalRows } from '../../support/networks.js';

const golden = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../../../test/golden/attention/${name}`, import.meta.url)));
const evaluate = createEvaluate();
const width = 48;

/** Largest difference of two outputs, f32 through a dozen layers of values near 1: rounding is near 1e-6. */
const tolerance = 2e-5;

function difference(a: Tensor, b: ArrayLike<unknown>): number {
  return Math.max(...Array.from(a.data as Float32Array, (value, i) => Math.abs(value - Number(b[i]))));
}

describe('attention', () => {
  const model = readOnnx(golden('attention.onnx'));
  const graph = canonicalise(model.graph);

  it('computes what PyTorch does', async () => {
    const { y: expected } = JSON.parse(golden('expected.json').toString()) as { y: number[][] };
    const x = new Tensor(
      'float32',
      Float32Array.from({ length: 3 * width }, (_, i) => Math.sin(i)),
      [3, width],
    );
    assert.ok(difference((await evaluate(graph, { x })).y, expected.flat()) < tolerance);
  });

  it('has all its projections as layers, and gradients at each', async () => {
    const layers = layersOf(graph);
    assert.equal(layers.length, 6);
    const reverse = reverseGraph(graph, 'y');
    assert.deepEqual([reverse.gradients.size, reverse.blocked.size], [6, 0]);
    // The gradient at the first layer's bias, summed over times, against differences.
    const [first] = layers;
    const x = normalRows(1, 4, width);
    const seed = normalRows(2, 4, 4);
    const gradient = (await evaluate(reverse.graph, { x, [reverse.seed]: seed }))[reverse.gradients.get(first.name)!];
    assert.deepEqual(gradient.dims, [4, 8, 16]);
    const step = 1e-2;
    for (let j = 0; j < 16; j += 3) {
      const [after, before] = await Promise.all(
        [step, -step].map(async (by) => {
          const bias = new Tensor(
            'float32',
            first.bias!.data.map((value, i) => value + (i === j ? by : 0)),
            [16],
          );
          const initializers = new Map([...graph.initializers, [first.node.inputs[2], bias]]);
          return (await evaluate({ ...graph, initializers }, { x })).y.data as Float32Array;
        }),
      );
      let [expected, got] = [0, 0];
      after.forEach((value, i) => {
        expected += ((value - before[i]) * seed.data[i]) / (2 * step);
      });
      for (let row = 0; row < 32; row++) got += Number(gradient.data[row * 16 + j]);
      // Differences over .01: rounding 1e-4 and curvature 1e-3 of sums over 32 rows.
      assert.ok(Math.abs(got - expected) < 3e-3 * (1 + Math.abs(expected)), `${j}: got ${got}, expected ${expected}`);
    }
  });

  it('is decomposed to the ranks that its weights have', async () => {
    const {
      package: made,
      summary,
      annealing,
    } = await decompose(model, {
      calibration: { x: normalRows(3, 600, width) },
      guard: { x: normalRows(4, 400, width) },
      maxDisagreement: 0.03,
      cascade: 'off',
    });
    assert.equal(annealing.withoutGradients.length, 0);
    const ranks = summary.layers.filter(({ choice }) => choice === 'rank').map(({ layer, rank }) => [layer, rank]);
    assert.ok(
      ranks.some(([layer, rank]) => String(layer).includes('qkv') && Number(rank) <= 4),
      JSON.stringify(ranks),
    );
    assert.ok(
      ranks.some(([layer, rank]) => String(layer).includes('up') && Number(rank) <= 3),
      JSON.stringify(ranks),
    );
    assert.ok(summary.macs.after < 0.6 * summary.macs.before, JSON.stringify(summary.macs));
    const rows = { x: normalRows(5, 6, width) };
    const { y } = await evaluate(annealing.graph, rows);
    const session = await createPackageSession(made, {});
    assert.ok(difference((await session.run(rows)).y, y.data) < tolerance);
    await session.release();
    const again = readOnnx(encodeOnnx(annealing.graph)).graph;
    assert.ok(difference((await evaluate(again, rows)).y, y.data) < tolerance);
  });
});
