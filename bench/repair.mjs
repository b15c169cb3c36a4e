/**
 * What least squares repairs (T12): a fifth of the weights of each hidden layer kept by Wanda, the others zero, with and
 * without refitting the kept ones to the original's pre-activations on 4,096 images without labels.
 */
import { asSamples } from '../build/src/annealing/context.js';
import { widen } from '../build/src/annealing/matrix.js';
import { linearsOf, withAffine } from '../build/src/annealing/rewrite.js';
import { createEvaluate } from '../build/src/evaluate-graph.js';
import { compare, refit } from '../examples/paper/measure.mjs';

const share = 0.2;
const evaluate = createEvaluate();

/** The weights of each row with the largest |w| ||x||; the others zero. */
function keepByWanda({ weight }, x) {
  const [rows, columns] = weight.dims;
  const squares = new Float64Array(columns);
  for (let e = 0; e < x.data.length; e++) squares[e % columns] += x.data[e] ** 2;
  const kept = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const row = weight.data.subarray(i * columns, (i + 1) * columns);
    const order = Array.from(row.keys()).sort((a, b) => row[b] ** 2 * squares[b] - row[a] ** 2 * squares[a]);
    for (const j of order.slice(0, Math.round(share * columns))) kept[i * columns + j] = row[j];
  }
  return widen(rows, columns, kept);
}

/** A net whose hidden layers are pruned on what the original feeds them. */
async function pruned(graph, x) {
  const hidden = linearsOf(graph).slice(0, -1);
  let next = graph;
  for (const layer of hidden) {
    const read = layer.input === 'x' ? x : (await evaluate(graph, { x }, [layer.input]))[layer.input];
    const linear = linearsOf(next).find(({ name }) => name === layer.name);
    const bias = new Float64Array(layer.bias.data);
    next = withAffine(next, linear, { weight: keepByWanda(layer, asSamples(read)), bias });
  }
  return next;
}

/** @returns errors of the logits on the test images, zeroed and repaired */
export async function repairRow(net, data) {
  const zeroed = await pruned(net.graph, data.calibration);
  const repaired = await refit(net, zeroed, data.calibration);
  return { zeroed: await compare(net, data, zeroed), leastSquares: await compare(net, data, repaired) };
}
