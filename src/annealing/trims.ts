/**
 * Exact trims: what can go without changing one bit of the outputs where nothing is infinite on the way. A product with a zero weight adds
 * a zero, and no partial sum here is -0, so leaving it out keeps every sum.
 */
import type { Graph, Node } from '../graph/graph.js';
import { Tensor } from '../runtime/tensor.js';
import { type HiddenUnits, hiddenUnitsOf, keepUnits } from './hidden-units.js';
import {
  freshName,
  type Linear,
  layersOf,
  linearNode,
  linearsOf,
  type NodeWithConstants,
  replaceNode,
} from './rewrite.js';
import { sliceNode } from './slice.js';
import { allOf, countNonzero, positions, submatrix } from './submatrix.js';

/** Smallest share of zero columns for which a gather in front of a layer pays. */
export const gatherShare = 1 / 8;

/** Removes dead hidden units until none is left, then input columns that no weight reads. */
export function trimExactly(graph: Graph): Graph {
  let next = graph;
  for (let isChanged = true; isChanged; ) {
    isChanged = false;
    for (const { producer } of hiddenUnitsOf(next, layersOf(next))) {
      // The graph changes under the loop, so each group is looked up again.
      const group = hiddenUnitsOf(next, layersOf(next)).find((candidate) => candidate.producer.name === producer.name);
      const kept = group && liveUnits(group);
      if (!group || !kept || kept.length === producer.weight.dims[0]) continue;
      next = keepUnits(next, group, kept);
      isChanged = true;
    }
  }
  return trimColumns(next);
}

/** Units that some reader weighs and whose value is not always zero; at least one. */
function liveUnits({ producer, consumers, activations }: HiddenUnits): Int32Array<ArrayBuffer> {
  const incoming = countNonzero(producer.weight).rows;
  const outgoing = consumers.map(({ weight }) => unitSums(countNonzero(weight).columns, producer.weight.dims[0]));
  const isAlive = Array.from(incoming, (count, unit) => {
    if (outgoing.every((columns) => columns[unit] === 0)) return false;
    return count > 0 || !isZeroUnit(producer.bias?.data[unit] ?? 0, activations, producer.output);
  });
  const kept = positions(isAlive);
  return kept.length > 0 ? kept : Int32Array.of(0);
}

/** Counts of the columns that each unit fills. */
function unitSums(columns: Int32Array, units: number): Int32Array {
  const size = columns.length / units;
  if (size === 1) return columns;
  return Int32Array.from({ length: units }, (_, unit) =>
    columns.subarray(unit * size, (unit + 1) * size).reduce((sum, count) => sum + count, 0),
  );
}

/** Activations that map 0 to 0. */
const keepsZero = new Set([
  'MaxPool',
  'AveragePool',
  'GlobalAveragePool',
  'GlobalMaxPool',
  'Relu',
  'LeakyRelu',
  'Identity',
  'Tanh',
  'Abs',
  'Neg',
  'Elu',
  'Selu',
  'Softsign',
  'Dropout',
]);

/** Whether a unit without incoming weights, whose value is its bias, is zero behind the activations of `value`. */
function isZeroUnit(bias: number, activations: readonly Node[], value: string): boolean {
  if (activations.some((node) => !keepsZero.has(node.op))) return false;
  const first = activations.filter(({ inputs }) => inputs.includes(value));
  return bias === 0 || (bias < 0 && first.length > 0 && first.every(({ op }) => op === 'Relu'));
}

/** Drops columns without any weight where enough of them are: the layer then reads a gather of the others. */
function trimColumns(graph: Graph): Graph {
  const isHidden = new Set(
    hiddenUnitsOf(graph, layersOf(graph)).flatMap(({ consumers }) => consumers.map(({ name }) => name)),
  );
  let next = graph;
  for (const linear of linearsOf(graph)) {
    if (isHidden.has(linear.name)) continue;
    const kept = positions(countNonzero(linear.weight).columns);
    const dropped = linear.weight.dims[1] - kept.length;
    if (kept.length > 0 && dropped >= gatherShare * linear.weight.dims[1]) next = gatherInputs(next, linear, kept);
  }
  return next;
}

/** Gives a layer the inputs at `kept`, ascending, and their columns: a piece of each row, or a gather. */
export function gatherInputs(graph: Graph, linear: Linear, kept: Int32Array<ArrayBuffer>): Graph {
  const name = freshName(graph, `${linear.name}/columns`);
  const source = pickedBefore(graph, linear);
  const columns = kept.map(source.column);
  const [first, last] = [columns[0], columns[columns.length - 1]];
  const picked =
    last - first === columns.length - 1
      ? sliceNode(graph, name, source.input, [first, last + 1])
      : gatherNode(graph, name, source.input, columns);
  const weight = submatrix(linear.weight, allOf(linear.weight.dims[0]), kept);
  const { node, constants } = linearNode(graph, linear, weight, linear.bias, name);
  return replaceNode(graph, linear.name, [picked.node, node], [...constants, ...picked.constants]);
}

function gatherNode(graph: Graph, name: string, input: string, columns: Int32Array): NodeWithConstants {
  const indices = freshName(graph, `${name}.indices`);
  const attributes = new Map([['axis', -1]]);
  return {
    node: { name, op: 'Gather', domain: '', inputs: [input, indices], outputs: [name], attributes },
    constants: [[indices, new Tensor('int64', BigInt64Array.from(columns, BigInt), [columns.length])]],
  };
}

/** What a layer's inputs are picked from: that of the gather in front of it, if there is one. */
export function pickedBefore(graph: Graph, { input }: Linear): { input: string; column: (j: number) => number } {
  const node = graph.nodes.find(({ domain, outputs }) => domain === '' && outputs[0] === input);
  const indices = node && graph.initializers.get(node.inputs[1]);
  const isGather = node?.op === 'Gather' && node.attributes.get('axis') === -1;
  if (!isGather || indices?.type !== 'int64' || indices.dims.length !== 1) return { input, column: (j) => j };
  return { input: node.inputs[0], column: (j) => Number(indices.data[j]) };
}
