/** How much a network's output minds errors at the output of each linear layer: G = E[g g^T]. */
import { bindGraph, sizesOf } from '../../graph/fix-sizes.js';
import type { Graph } from '../../graph/graph.js';
import type { Feeds } from '../../runtime/executor.js';
import type { Tensor } from '../../runtime/tensor.js';
import { rowWeights } from '../balance.js';
import { asSamples, type Evaluate } from '../context.js';
import type { Decision } from '../decision.js';
import { addDiagonal, addScaled, crossProducts, type Matrix, type Vector } from '../matrix.js';
import { positionsOf } from '../position-samples.js';
import { layersOf } from '../rewrite.js';
import { rowCount, thinRows } from '../rows.js';
import { reverseGraph } from './reverse.js';
import { directionsFor, scoresOf } from './seeds.js';
import { unrollRecurrences } from './unroll.js';

export interface FisherFactors {
  /** G [out, out] of each layer that the outputs depend on, with a floor on its diagonal, by layer name. */
  readonly factors: ReadonlyMap<string, Matrix>;
  /** Layers without a factor, since an operator behind them has no reverse rule, named with it. */
  readonly blocked: ReadonlyMap<string, string>;
}

/** Rows that gradients are taken on: with a few directions a row, many more gradients than a layer has outputs. */
const gradientRows = 1024;

/** Where layers are applied at many places or times each row gives as many gradients, and takes as much more work. */
const imageRows = 256;

/** Share of the mean diagonal that is added to it: no direction counts for nothing. */
const floorShare = 0.01;

/**
 * The Fisher factor of each linear layer: g is the gradient of the network's own scores at the layer's output (summed in
 * squares over the scores, their mean taken out where an argmax decides), rows balanced by the decision. Labels are not
 * needed.
 * @param rows  calibration rows
 */
export async function fisherFactors(
  open: Graph,
  rows: Feeds,
  decision: Decision,
  evaluate: Evaluate,
): Promise<FisherFactors> {
  // Rules write shapes down, which have one open size at most.
  const graph = bindGraph(open, sizesOf(open, rows));
  const positions = await positionsOf(graph, rows, evaluate);
  const isOnce = layersOf(graph).every(({ name }) => positions.get(name) === 1);
  const few = thinRows(rows, isOnce ? gradientRows : imageRows);
  const { graph: unrolled, layerOf } = unrollRecurrences(graph);
  const weights = rowWeights(rowCount(few), await evaluate(graph, few), decision);
  const sums = new Map<string, Matrix>();
  const blocked = new Map<string, string>();
  for (const [key, { name, dtype }] of graph.outputs.entries()) {
    if (!dtype.startsWith('float')) continue;
    const scores = scoresOf(graph, name, decision);
    const reverse = reverseGraph(unrolled, scores);
    for (const [layer, op] of reverse.blocked) blocked.set(layerOf.get(layer) ?? layer, op);
    if (reverse.gradients.size === 0) continue;
    const values = (await evaluate(graph, few, [scores]))[scores];
    for (const seed of directionsFor(values, decision, key << 8)) {
      const outputs = await evaluate(reverse.graph, { ...few, [reverse.seed]: seed });
      for (const [layer, gradient] of reverse.gradients) {
        addTo(sums, layerOf.get(layer) ?? layer, outputs[gradient], weights);
      }
    }
  }
  for (const layer of blocked.keys()) sums.delete(layer);
  return { factors: new Map([...sums].map(([layer, sum]) => [layer, withFloor(sum)])), blocked };
}

function addTo(sums: Map<string, Matrix>, layer: string, gradient: Tensor, weights: Vector | null): void {
  const product = crossProducts(asSamples(gradient, weights));
  const known = sums.get(layer);
  sums.set(layer, known ? addScaled(known, 1, product) : product);
}

/** G + .01 mean(diag G) I; all gradients zero count as no preference. */
function withFloor(sum: Matrix): Matrix {
  let trace = 0;
  for (let i = 0; i < sum.rows; i++) trace += sum.data[i * sum.columns + i];
  return addDiagonal(sum, trace > 0 ? (floorShare * trace) / sum.rows : 1);
}
