/**
 * The layers inside an LSTM or a GRU of one direction: W [gates H, I] on the inputs of all times, R [gates H, H] on the
 * state. Of rank r each is a product of two; that of R stays inside the recurrence.
 *
 *     x ─ LSTM (W, R) ─▶        x ─ Linear V_x ─ kerf.LSTM (U_x, U, V) ─▶
 */
import type { Graph, Node } from '../graph/graph.js';
import { integerOf } from '../graph/operators/attributes.js';
import { innerInput } from '../graph/operators/recurrent.js';
import { functionNamesOf } from '../graph/operators/recurrent-functions.js';
import { Tensor } from '../runtime/tensor.js';
import type { Factors } from './least-squares.js';
import { freshName, innerSuffix, type Linear, narrow, replaceNode } from './rewrite.js';

/** What follows a cell's name in those of its two layers. */
export const inputsSuffix = '/inputs';
export const stateSuffix = '/state';

const usual: Readonly<Record<string, string>> = { LSTM: 'sigmoid,tanh,tanh', GRU: 'sigmoid,tanh' };

type Weights = Tensor<'float32'>;

/** The constants of a cell. */
export interface Cell {
  readonly node: Node;
  /** Blocks of rows in its matrices. */
  readonly gates: number;
  readonly H: number;
  /** [1, gates H, I] and [1, gates H, H]. */
  readonly W: Weights;
  readonly R: Weights;
  /** [1, 2 gates H], that of W first; null for zeros. */
  readonly B: Weights | null;
  readonly isReverse: boolean;
}

/**
 * The cell of a node; undefined where it is none, has two directions, or computes otherwise than usual: lengths, peepholes,
 * clips, other functions, and a GRU's reset before the product.
 */
export function cellOf({ initializers }: Graph, node: Node): Cell | undefined {
  if (node.domain !== '' || (node.op !== 'LSTM' && node.op !== 'GRU')) return undefined;
  const [W, R, B] = [1, 2, 3].map((i) => initializers.get(node.inputs[i] ?? '') as Weights | undefined);
  const direction = String(node.attributes.get('direction') ?? 'forward').toLowerCase();
  const isPlain = ['layout', 'input_forget'].every((name) => integerOf(node, name, 0) === 0);
  const hasMore = node.inputs[4] || node.inputs[7] || node.attributes.has('clip') || (node.inputs[3] && !B);
  const isUsual = (functionNamesOf(node) ?? [usual[node.op]]).join() === usual[node.op];
  const isBehind = node.op === 'LSTM' || integerOf(node, 'linear_before_reset', 0) === 1;
  if (W?.type !== 'float32' || R?.type !== 'float32' || W.dims[0] !== 1 || !isPlain) return undefined;
  if (hasMore || !isUsual || !isBehind || !['forward', 'reverse'].includes(direction)) return undefined;
  const H = R.dims[2];
  return { node, gates: R.dims[1] / H, H, W, R, B: B ?? null, isReverse: direction === 'reverse' };
}

/** The two layers of a cell; none for other nodes. */
export function recurrentLayersOf(graph: Graph, node: Node): readonly Linear[] {
  const cell = cellOf(graph, node);
  const output = node.outputs.find((value) => value !== '');
  if (!cell || output === undefined) return [];
  const flat = ({ data, dims }: Weights): Weights => new Tensor('float32', data, dims.slice(1));
  const common = { node, output, bias: null, kernel: null };
  const [name, input] = [node.name, node.inputs[0]];
  return [
    { ...common, name: `${name}${inputsSuffix}`, input, weight: flat(cell.W), recurrence: 'inputs' },
    { ...common, name: `${name}${stateSuffix}`, input: output, weight: flat(cell.R), recurrence: 'state' },
  ];
}

/** The bias of a cell with what a cut took from the mean added to its half. */
function shiftedBias({ B, gates, H }: Cell, shift: Float64Array, isState: boolean): Weights {
  const data = B ? B.data.slice() : new Float32Array(2 * gates * H);
  shift.forEach((value, row) => {
    data[(isState ? gates * H : 0) + row] += value;
  });
  return new Tensor('float32', data, [1, data.length]);
}

/** Gives one layer of a cell an inner rank. */
export function withRecurrentFactors(graph: Graph, layer: Linear, { outer, inner, bias }: Factors): Graph {
  const cell = cellOf(graph, layer.node) as Cell;
  const isState = layer.recurrence === 'state';
  const [innerName, outerName, biasName, value] = ['inner.weight', 'outer.weight', 'bias', 'inner'].map((part) =>
    freshName(graph, `${layer.name}/${part}`),
  );
  const stacked = (matrix: Weights) => new Tensor('float32', matrix.data, [1, ...matrix.dims]);
  const { node } = cell;
  const inputs = Array.from({ length: innerInput }, (_, i) => node.inputs[i] ?? '');
  inputs[isState ? 2 : 1] = outerName;
  inputs[3] = biasName;
  const attributes = new Map([...node.attributes, ['hidden_size', cell.H] as const]);
  const constants: [string, Tensor][] = [
    [outerName, stacked(narrow(outer))],
    [innerName, isState ? stacked(narrow(inner)) : narrow(inner)],
    [biasName, shiftedBias(cell, bias, isState)],
  ];
  if (isState) {
    const made = { ...node, domain: 'kerf', inputs: [...inputs, innerName], attributes };
    return replaceNode(graph, node.name, [made], constants);
  }
  const name = `${layer.name}${innerSuffix}`;
  const linear: Node = {
    ...{ name, op: 'Linear', domain: 'kerf', attributes: new Map() },
    inputs: [inputs[0], innerName],
    outputs: [value],
  };
  inputs[0] = value;
  while (inputs.at(-1) === '') inputs.pop();
  return replaceNode(graph, node.name, [linear, { ...node, inputs, attributes }], constants);
}
