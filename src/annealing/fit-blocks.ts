/**
 * Splits one layer of a graph into blocks. Its inputs come in blocks already, from a layer that was split before it, or
 * are put in the order of a partition; its outputs get the order in which blocks can take them, where they are free.
 *
 *     x ─ gather (order of inputs) ─▶ blocks of layer 1 ─▶ units, block by block ─▶ blocks of layer 2 ─▶ ..
 */
import type { Graph } from '../graph/graph.js';
import { type BlockForm, fitBlocks } from './blocks.js';
import { hiddenUnitsOf, keepUnits } from './hidden-units.js';
import { type Affine, type Moments, metricOf } from './least-squares.js';
import type { Matrix } from './matrix.js';
import { pickBoth, pickRows, type Span } from './matrix-parts.js';
import { assignRows, type Partition } from './partition.js';
import { type Linear, linearsOf } from './rewrite.js';
import { gatherInputs } from './trims.js';
import { withBlocks } from './write-blocks.js';

/** A layer as least squares gives it, and the moments of its inputs. */
export interface Refitted {
  readonly affine: Affine;
  readonly moments: Moments;
}

/** Spans of blocks among the inputs of layers that split layers feed, by name: kept while one setting is fitted. */
export type BlockSpans = Map<string, readonly Span[]>;

export interface Placed {
  readonly graph: Graph;
  readonly columns: readonly Span[];
}

/** Puts the inputs of a layer in the order of a partition; those that are in none are left out. */
export function placeInputs(graph: Graph, linear: Linear, { order, blocks }: Partition): Placed {
  const isWhole = order.length === linear.weight.dims[1] && isIdentity(order);
  return { graph: isWhole ? graph : gatherInputs(graph, linear, order), columns: blocks };
}

/** Whether other linear layers' units are a layer's inputs: their order is free. */
export function readsHiddenUnits(graph: Graph, { name }: Linear): boolean {
  return hiddenUnitsOf(graph).some(({ consumers }) => consumers.some((consumer) => consumer.name === name));
}

/** Domains may need more or fewer units than an equal share; without domains blocks are alike. */
const unevenness = 1.5;

const isIdentity = (order: Int32Array): boolean => order.every((from, to) => from === to);

/** Where each position stands in `order`. */
function inverse(order: Int32Array): Int32Array<ArrayBuffer> {
  const places = new Int32Array(order.length);
  order.forEach((from, to) => {
    places[from] = to;
  });
  return places;
}

const inOrder = ({ weight, bias }: Affine, order: Int32Array): Affine => ({
  weight: pickRows(weight, order),
  bias: bias.map((_, i) => bias[order[i]]),
});

/**
 * Splits a layer whose inputs stand block by block.
 * @param fitted  the layer as least squares gives it
 * @param factor  importance of its outputs
 * @param columns  spans of the blocks among its inputs
 * @param spans  gets the same for the layers behind it
 */
export function splitLayer(
  graph: Graph,
  linear: Linear,
  { affine, moments }: Refitted,
  factor: Matrix | null,
  form: BlockForm,
  columns: readonly Span[],
  spans: BlockSpans,
): Graph {
  const rows = assignRows(affine.weight, metricOf(moments), columns, form.inputs ? unevenness : 1);
  const { order } = rows;
  const edges = { rows: rows.blocks, columns };
  const fit = fitBlocks(inOrder(affine, order), moments, factor && pickBoth(factor, order), edges, form.bus);
  const units = hiddenUnitsOf(graph).find(({ producer }) => producer.name === linear.name);
  if (!units) return withBlocks(graph, linear, fit, isIdentity(order) ? null : inverse(order));
  for (const { name } of units.consumers) spans.set(name, rows.blocks);
  const next = keepUnits(graph, units, order);
  const producer = linearsOf(next).find(({ name }) => name === linear.name) as Linear;
  return withBlocks(next, producer, fit);
}
