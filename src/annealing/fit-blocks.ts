/**
 * Splits one layer of a graph into blocks. Its inputs come in blocks already, from a layer that was split before it, or
 * each block picks its own; its outputs get the order in which blocks can take them, where they are free.
 *
 *     x ─ gather ─▶ blocks of layer 1 ─▶ units, block by block ─▶ blocks of layer 2 ─▶ ..
 */
import type { Graph } from '../graph/graph.js';
import { type BlockForm, fitBlocks } from './blocks.js';
import { coCluster } from './co-cluster.js';
import { hiddenUnitsOf, keepUnits } from './hidden-units.js';
import { type Affine, type Moments, metricOf } from './least-squares.js';
import type { Matrix } from './matrix.js';
import { pickBoth, pickRows, rangeOf } from './matrix-parts.js';
import { assignRows, equalSpans, inverse, membersOf } from './partition.js';
import { type Linear, linearsOf } from './rewrite.js';
import { withBlocks } from './write-blocks.js';

/** A layer as least squares gives it, and the moments of its inputs. */
export interface Refitted {
  readonly affine: Affine;
  readonly moments: Moments;
}

/** Inputs of each block of the layers that split layers feed, by name: kept while one setting is fitted. */
export type BlockColumns = Map<string, readonly Int32Array<ArrayBuffer>[]>;

/** Whether other linear layers' units are a layer's inputs: their order is free. */
export function readsHiddenUnits(graph: Graph, { name }: Linear): boolean {
  return hiddenUnitsOf(graph).some(({ consumers }) => consumers.some((consumer) => consumer.name === name));
}

/** Domains may need more or fewer units than an equal share; without domains blocks are alike. */
const unevenness = 1.5;

const isIdentity = (order: Int32Array): boolean => order.every((from, to) => from === to);

const inOrder = ({ weight, bias }: Affine, order: Int32Array): Affine => ({
  weight: pickRows(weight, order),
  bias: bias.map((_, i) => bias[order[i]]),
});

/** The inputs of each block where they are known: units of blocks before, of a whole layer before, or domains. */
function columnsOf(graph: Graph, linear: Linear, { k, inputs }: BlockForm, known: BlockColumns) {
  const columns = known.get(linear.name) ?? (inputs && membersOf(inputs));
  if (columns || !readsHiddenUnits(graph, linear)) return columns;
  return equalSpans(linear.weight.dims[1], k).map(rangeOf);
}

/**
 * Splits a layer.
 * @param fitted  the layer as least squares gives it
 * @param factor  importance of its outputs
 * @param known  inputs of the blocks of layers; gets those of the layers behind this one
 */
export function splitLayer(
  graph: Graph,
  linear: Linear,
  { affine, moments }: Refitted,
  factor: Matrix | null,
  form: BlockForm,
  known: BlockColumns,
): Graph {
  const given = columnsOf(graph, linear, form, known);
  const { rows, columns } = given
    ? {
        rows: assignRows(affine.weight, metricOf(moments), given, form.inputs ? unevenness : 1),
        columns: given,
      }
    : coCluster(affine, moments, factor, form);
  const { order } = rows;
  const edges = { rows: rows.blocks, columns };
  const fit = fitBlocks(inOrder(affine, order), moments, factor && pickBoth(factor, order), edges, form.bus);
  const units = hiddenUnitsOf(graph).find(({ producer }) => producer.name === linear.name);
  if (!units) return withBlocks(graph, linear, fit, isIdentity(order) ? null : inverse(order));
  for (const { name } of units.consumers) known.set(name, rows.blocks.map(rangeOf));
  const next = keepUnits(graph, units, order);
  const producer = linearsOf(next).find(({ name }) => name === linear.name) as Linear;
  return withBlocks(next, producer, fit);
}
