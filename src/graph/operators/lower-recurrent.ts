/** Steps of LSTM and GRU: one product for the inputs of all times, then a step that runs through the times. */
import { add, type Extent, multiply } from '../../runtime/extent.js';
import type { Operand, StepParam } from '../../runtime/plan.js';
import { Tensor } from '../../runtime/tensor.js';
import type { Node } from '../graph.js';
import type { PlanBuilder } from '../operator.js';
import { integerOf } from './attributes.js';
import { emitCopy, shifted } from './lower-copy.js';
import { innerInput, type RecurrentSizes, recurrentSizes } from './recurrent.js';
import { functionNamesOf } from './recurrent-functions.js';

/** A node whose weights are known and whose functions are the usual ones. */
interface Layer extends RecurrentSizes {
  readonly W: Tensor;
  readonly R: Tensor;
  /** [D, rank, H], where R [D, gates H, rank] is the outer one of two factors. */
  readonly V: Tensor | undefined;
  readonly B_: Tensor | undefined;
}

const usual: Readonly<Record<string, readonly string[]>> = {
  LSTM: ['sigmoid', 'tanh', 'tanh'],
  GRU: ['sigmoid', 'tanh'],
};

/** The layer, or undefined where only the reference can run it. */
function layerOf(node: Node, builder: PlanBuilder): Layer | undefined {
  const facts = node.inputs.map((value) => (value ? builder.fact(value) : undefined));
  const sizes = recurrentSizes(node, facts);
  const [W, R, B_] = [1, 2, 3].map((index) => facts[index]?.constant);
  const names = functionNamesOf(node) ?? [];
  const isUsual = names.every((name, index) => name === usual[node.op][index % usual[node.op].length]);
  const isPlain =
    !sizes.isBatchFirst && !facts[4] && !node.attributes.has('clip') && integerOf(node, 'input_forget', 0) === 0;
  const V = facts[innerInput]?.constant;
  // Of a factored GRU all gates take the same product, so the reset has to come behind it.
  const isFactored = V !== undefined && (node.op === 'LSTM' || integerOf(node, 'linear_before_reset', 0) !== 0);
  if (facts[0]?.dtype !== 'float32' || !W || !R || (facts[3] && !B_) || !isUsual || !isPlain) return undefined;
  // Without a step there is no last one to copy.
  if (sizes.T === 0) return undefined;
  return node.domain === 'kerf' && !isFactored ? undefined : { ...sizes, W, R, V, B_ };
}

/** Rows [first, first + count) of the matrices of direction d, as a matrix of its own. */
function rowsOf(matrices: Tensor, d: number, first: number, count: number): Tensor<'float32'> {
  const [, rows, columns] = matrices.dims;
  const start = (d * rows + first) * columns;
  return new Tensor('float32', (matrices.data as Float32Array<ArrayBuffer>).subarray(start, start + count * columns), [
    count,
    columns,
  ]);
}

/** Biases of direction d: W's, R's, or the sum of both. */
function biasOf(
  layer: Layer,
  d: number,
  rows: number,
  which: 'W' | 'R' | 'both',
  first = 0,
  count = rows,
): Tensor<'float32'> {
  const bs = layer.B_?.data as Float32Array | undefined;
  const at = (half: number, row: number) => (bs ? bs[(d * 2 + half) * rows + first + row] : 0);
  const values = Float32Array.from({ length: count }, (_, row) => {
    if (which === 'both') return at(0, row) + at(1, row);
    return at(which === 'W' ? 0 : 1, row);
  });
  return new Tensor('float32', values);
}

/** z [T B, rows] = x W^T + bias, for all times at once. */
function emitInputs(node: Node, builder: PlanBuilder, layer: Layer, d: number, bias: Tensor<'float32'>): Operand {
  const rows = layer.W.dims[1];
  const places = multiply(layer.T, layer.B);
  const z = builder.scratch('float32', multiply(places, rows));
  const panels = builder.panels(`${node.inputs[1]}:${d}`, rowsOf(layer.W, d, 0, rows), bias);
  builder.step('gemm', [builder.place(node.inputs[0]).operand, panels], [z], { M: places, N: rows, K: layer.I });
  return z;
}

/** A state at the beginning: given, or zeros. */
function initialState(builder: PlanBuilder, value: string | undefined, layer: Layer, d: number): Operand {
  const size = multiply(layer.B, layer.H);
  if (value) return shifted(builder.place(value).operand, multiply(d, size));
  const zeros = builder.scratch('float32', size);
  builder.step('fill', [], [zeros], { count: size });
  return zeros;
}

/** Where the results of a direction go. */
interface Results {
  readonly y: Operand;
  readonly h: Operand | undefined;
  readonly c: Operand;
}

/** Buffers of the outputs; those that nobody reads are scratch. */
function placeResults(node: Node, builder: PlanBuilder, layer: Layer): (d: number) => Results {
  const states = multiply(layer.B, layer.H * layer.directions.length);
  const [y, h, c] = [0, 1, 2].map((index) =>
    node.outputs[index] ? builder.output(node.outputs[index]).operand : undefined,
  );
  const all = y ?? builder.scratch('float32', multiply(layer.T, states));
  const cells = c ?? builder.scratch('float32', states);
  return (d) => {
    const offset = multiply(d, multiply(layer.B, layer.H));
    return { y: shifted(all, offset), h: h && shifted(h, offset), c: shifted(cells, offset) };
  };
}

/** Sizes that both kinds of step have, and the copy of the last state. */
function recurrentParams(layer: Layer, isReverse: boolean): Record<string, StepParam> {
  const { T, B, H, directions } = layer;
  const strideT = multiply(B, H * directions.length);
  const rank = layer.rank > 0 ? { rank: layer.rank } : {};
  return { direction: isReverse ? 'reverse' : 'forward', T, B, H, strideT, ...rank };
}

/** Panels of V of direction d, if there is one. */
function innerPanels(node: Node, builder: PlanBuilder, { V, rank }: Layer, d: number): readonly Operand[] {
  return V ? [builder.panels(`${node.inputs[innerInput]}:${d}`, rowsOf(V, d, 0, rank), null)] : [];
}

/** Room for what a row of gates takes, and for V h. */
const gatesOf = ({ H, rank }: Layer, count: number): number => count * H + rank;

/** No peepholes, where an operand has to stand. */
function zeroPeepholes(node: Node, builder: PlanBuilder, { H }: Layer): Operand {
  const data = new Float32Array(3 * H);
  return builder.weight({ name: `peepholes of ${node.name}`, dtype: 'float32', shape: [3 * H], layout: 'plain', data });
}

function copyLast(builder: PlanBuilder, layer: Layer, isReverse: boolean, { y, h }: Results): void {
  if (!h) return;
  const strideT = multiply(layer.B, layer.H * layer.directions.length);
  const last: Extent = isReverse ? 0 : multiply(add(layer.T, -1), strideT);
  emitCopy(builder, 'float32', shifted(y, last), h, [multiply(layer.B, layer.H)], [1]);
}

export function lowerLstm(node: Node, builder: PlanBuilder): boolean {
  const layer = layerOf(node, builder);
  if (!layer) return false;
  const { B, H, R } = layer;
  const given = node.inputs[7] ? builder.place(node.inputs[7]).operand : undefined;
  const resultsOf = placeResults(node, builder, layer);
  layer.directions.forEach((isReverse, d) => {
    const z = emitInputs(node, builder, layer, d, biasOf(layer, d, 4 * H, 'both'));
    const recurrent = builder.panels(`${node.inputs[2]}:${d}`, rowsOf(R, d, 0, 4 * H), null);
    const results = resultsOf(d);
    const [h, c] = [5, 6].map((index) => initialState(builder, node.inputs[index], layer, d));
    const inner = innerPanels(node, builder, layer, d);
    const own = given && shifted(given, 3 * H * d);
    const peepholes = inner.length > 0 ? (own ?? zeroPeepholes(node, builder, layer)) : own;
    const reads = [z, recurrent, h, c, ...(peepholes ? [peepholes] : []), ...inner];
    const gates = builder.scratch('float32', multiply(B, gatesOf(layer, 4)));
    builder.step('lstm', reads, [results.y, results.c, gates], recurrentParams(layer, isReverse));
    copyLast(builder, layer, isReverse, results);
  });
  return true;
}

export function lowerGru(node: Node, builder: PlanBuilder): boolean {
  const layer = layerOf(node, builder);
  if (!layer) return false;
  const { B, H, R } = layer;
  const isLinear = integerOf(node, 'linear_before_reset', 0) !== 0;
  const resultsOf = placeResults(node, builder, layer);
  layer.directions.forEach((isReverse, d) => {
    const bias = biasOf(layer, d, 3 * H, 'both');
    // The hidden gate's own bias is scaled by the reset gate too, where the product comes before it.
    if (isLinear) bias.data.set(biasOf(layer, d, 3 * H, 'W', 2 * H, H).data, 2 * H);
    const z = emitInputs(node, builder, layer, d, bias);
    const gates = builder.panels(`${node.inputs[2]}:${d}:gates`, rowsOf(R, d, 0, 2 * H), null);
    const hiddenBias = isLinear ? biasOf(layer, d, 3 * H, 'R', 2 * H, H) : null;
    const hidden = builder.panels(`${node.inputs[2]}:${d}:hidden`, rowsOf(R, d, 2 * H, H), hiddenBias);
    const results = resultsOf(d);
    const h = initialState(builder, node.inputs[5], layer, d);
    const scratch = builder.scratch('float32', multiply(B, gatesOf(layer, 3)));
    builder.step('gru', [z, gates, hidden, h, ...innerPanels(node, builder, layer, d)], [results.y, scratch], {
      ...recurrentParams(layer, isReverse),
      reset: isLinear ? 'after' : 'before',
    });
    copyLast(builder, layer, isReverse, results);
  });
  return true;
}
