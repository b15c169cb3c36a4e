/**
 * Reverse rules: from the gradient dy of a node's output, the gradients of its inputs. Each is a formula in operators of
 * the graph, so the loops over activations are those of the runtime's kernels.
 */
import type { Node } from '../../graph/graph.js';
import { integerOf, integersOf, realOf } from '../../graph/operators/attributes.js';
import type { Shape } from '../../graph/operators/shapes.js';
import { isStatic } from '../../runtime/extent.js';
import { Tensor } from '../../runtime/tensor.js';
import { type Slope, slopes } from './activation-rules.js';
import { pickRules } from './pick-rules.js';
import type { Tape } from './tape.js';
import { windowRules } from './window-rules.js';

/** One gradient per input, null where the input needs none; undefined when this node's form has no rule. */
export type Rule = (tape: Tape, node: Node, dy: string) => readonly (string | null)[] | undefined;

/** A function of one value: dx = dy * slope. */
const pointwise =
  (slope: Slope): Rule =>
  (tape, node, dy) => [tape.emit('Mul', [dy, slope(tape, node.inputs[0], node.outputs[0], node)])];

/** 1 - v. */
const oneMinus = (tape: Tape, v: string) => tape.emit('Sub', [tape.scalar(1), v]);

/** low where x < 0, high where x > 0: (high + low) / 2 + (high - low) / 2 sign(x). */
function slopeBySign(tape: Tape, x: string, low: number, high: number): string {
  const half = tape.emit('Mul', [tape.emit('Sign', [x]), tape.scalar((high - low) / 2)]);
  return tape.emit('Add', [half, tape.scalar((high + low) / 2)]);
}

function sigmoidSlope(tape: Tape, y: string): string {
  return tape.emit('Mul', [y, oneMinus(tape, y)]);
}

/** Negative, zero or positive part of Elu: y + alpha below zero, else 1. */
function eluSlope(tape: Tape, x: string, y: string, alpha: number): string {
  const below = tape.emit('Add', [tape.emit('Min', [y, tape.scalar(0)]), tape.scalar(alpha)]);
  const positive = tape.emit('Relu', [tape.emit('Sign', [x])]);
  const rest = tape.emit('Mul', [below, oneMinus(tape, positive)]);
  return tape.emit('Add', [rest, positive]);
}

/** 2 / sqrt(pi) exp(-x^2). */
function erfSlope(tape: Tape, x: string): string {
  const square = tape.emit('Neg', [tape.emit('Mul', [x, x])]);
  return tape.emit('Mul', [tape.emit('Exp', [square]), tape.scalar(2 / Math.sqrt(Math.PI))]);
}

/** dx = dy W, which is a linear layer with W^T. */
const linear: Rule = (tape, { inputs }, dy) => {
  const weight = tape.constantOf(inputs[1]);
  if (weight?.type !== 'float32') return undefined;
  const turned = tape.emit('Transpose', [inputs[1]], { perm: [1, 0] });
  return [tape.emit('Linear', [dy, turned], {}, 'kerf'), null, null];
};

/** Gradients of two operands that were repeated to the output's shape. */
const binary =
  (gradients: (tape: Tape, a: string, b: string, dy: string, y: string) => readonly [string, string]): Rule =>
  (tape, { inputs: [a, b], outputs: [y] }, dy) => {
    const full = gradients(tape, a, b, dy, y);
    const back = [a, b].map((input, i) => tape.unbroadcast(full[i], tape.shapeOf(y), tape.shapeOf(input)));
    return back.includes(undefined) ? undefined : (back as string[]);
  };

/** x^c for a constant c: dx = dy c x^(c - 1). */
const power: Rule = (tape, { inputs: [x, exponent] }, dy) => {
  const value = tape.constantOf(exponent);
  if (value?.type !== 'float32' || value.size !== 1) return undefined;
  const c = value.data[0] as number;
  const slope = tape.emit('Mul', [tape.emit('Pow', [x, tape.scalar(c - 1)]), tape.scalar(c)]);
  return [tape.emit('Mul', [dy, slope]), null];
};

/** The axis of a softmax, if it runs along that axis alone. */
function softmaxAxis(tape: Tape, node: Node): number | undefined {
  const rank = tape.shapeOf(node.inputs[0]).length;
  const isNew = tape.graph.opset >= 13;
  const axis = integerOf(node, 'axis', isNew ? -1 : 1);
  const positive = axis < 0 ? axis + rank : axis;
  return isNew || positive === rank - 1 ? positive : undefined;
}

/** dx = y (dy - sum(dy y)). */
const softmax: Rule = (tape, node, dy) => {
  const axis = softmaxAxis(tape, node);
  const y = node.outputs[0];
  if (axis === undefined) return undefined;
  const mean = tape.sum(tape.emit('Mul', [dy, y]), [axis]);
  return [tape.emit('Mul', [y, tape.emit('Sub', [dy, mean])])];
};

/** dx = dy - exp(y) sum(dy). */
const logSoftmax: Rule = (tape, node, dy) => {
  const axis = softmaxAxis(tape, node);
  if (axis === undefined) return undefined;
  const share = tape.emit('Mul', [tape.emit('Exp', [node.outputs[0]]), tape.sum(dy, [axis])]);
  return [tape.emit('Sub', [dy, share])];
};

const reshaped: Rule = (tape, { inputs }, dy) => {
  const back = tape.reshape(dy, tape.shapeOf(inputs[0]));
  return back === undefined ? undefined : [back, null];
};

const transpose: Rule = (tape, node, dy) => {
  const rank = tape.shapeOf(node.inputs[0]).length;
  const perm = integersOf(node, 'perm') ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  const inverse = perm.map((_, axis) => perm.indexOf(axis));
  return [tape.emit('Transpose', [dy], { perm: inverse })];
};

const concat: Rule = (tape, node, dy) => {
  const shapes = node.inputs.map((input) => tape.shapeOf(input));
  const axis = integerOf(node, 'axis', 1);
  const positive = axis < 0 ? axis + shapes[0].length : axis;
  const sizes = shapes.map((shape) => shape[positive]);
  if (!sizes.every(isStatic)) return undefined;
  let first = 0;
  return sizes.map((size) => {
    first += size;
    return tape.slice(dy, positive, first - size, first);
  });
};

/** A product of two matrices, or of equally many: da = dy b^T, db = a^T dy. */
const matmul: Rule = (tape, { inputs: [a, b], outputs: [y] }, dy) => {
  const [aShape, bShape, yShape] = [a, b, y].map((value) => tape.shapeOf(value));
  const rank = yShape.length;
  if (rank < 2 || aShape.length !== rank || bShape.length !== rank) return undefined;
  const perm = [...Array.from({ length: rank - 2 }, (_, axis) => axis), rank - 1, rank - 2];
  const turned = (value: string) => tape.emit('Transpose', [value], { perm });
  const da = tape.unbroadcast(tape.emit('MatMul', [dy, turned(b)]), [...yShape.slice(0, -1), aShape[rank - 1]], aShape);
  const db = tape.unbroadcast(
    tape.emit('MatMul', [turned(a), dy]),
    [...yShape.slice(0, -2), ...bShape.slice(-2)],
    bShape,
  );
  return da === undefined || db === undefined ? undefined : [da, db];
};

/** Sum or mean over axes: dy repeated to the input's shape, divided by how many were averaged. */
const reduce =
  (isMean: boolean): Rule =>
  (tape, node, dy) => {
    const [x, axesInput] = node.inputs;
    const shape = tape.shapeOf(x);
    const given = axesInput ? Array.from(tape.constantOf(axesInput)?.data ?? [], Number) : integersOf(node, 'axes');
    if (!given || given.length === 0) return undefined;
    const axes = new Set(given.map((axis) => (axis < 0 ? axis + shape.length : axis)));
    const counts = [...axes].map((axis) => shape[axis]);
    if (isMean && !counts.every(isStatic)) return undefined;
    const kept = tape.reshape(
      dy,
      shape.map((extent, axis) => (axes.has(axis) ? 1 : extent)),
    );
    if (kept === undefined) return undefined;
    const zeros = tape.emit('Sub', [x, x]);
    const count = isMean ? (counts as number[]).reduce((product, size) => product * size, 1) : 1;
    return [tape.emit('Add', [zeros, tape.emit('Mul', [kept, tape.scalar(1 / count)])]), null];
  };

const where: Rule = (tape, { inputs: [condition, a, b], outputs: [y] }, dy) => {
  const zero = tape.constant(new Tensor('float32', Float32Array.of(0), []));
  const [da, db] = [tape.emit('Where', [condition, dy, zero]), tape.emit('Where', [condition, zero, dy])].map(
    (value, i) => tape.unbroadcast(value, tape.shapeOf(y), tape.shapeOf([a, b][i])),
  );
  return da === undefined || db === undefined ? undefined : [null, da, db];
};

/** Elements that were repeated get the sum of their copies' gradients. */
const expand: Rule = (tape, { inputs: [x], outputs: [y] }, dy) => {
  const dx = tape.unbroadcast(dy, tape.shapeOf(y), tape.shapeOf(x));
  return dx === undefined ? undefined : [dx, null];
};

/**
 * The gradient of n = (x - mean) / sd over axes, or of x / sd where x is not centred, from that of n:
 * dx = (g - mean(g) - n mean(g n)) / sd, without mean(g) where x is not centred.
 * @returns undefined where a size is not known
 */
function normalBack(
  tape: Tape,
  x: string,
  g: string,
  { axes, sizes, epsilon, isCentred }: { axes: readonly number[]; sizes: Shape; epsilon: number; isCentred: boolean },
): string | undefined {
  if (!sizes.every(isStatic)) return undefined;
  const share = tape.scalar(1 / (sizes as number[]).reduce((product, size) => product * size, 1));
  const mean = (value: string) => tape.emit('Mul', [tape.sum(value, axes), share]);
  const centred = isCentred ? tape.emit('Sub', [x, mean(x)]) : x;
  const variance = tape.emit('Add', [mean(tape.emit('Mul', [centred, centred])), tape.scalar(epsilon)]);
  const deviation = tape.emit('Sqrt', [variance]);
  const normal = tape.emit('Div', [centred, deviation]);
  const along = tape.emit('Mul', [normal, mean(tape.emit('Mul', [g, normal]))]);
  const own = isCentred ? tape.emit('Sub', [g, mean(g)]) : g;
  return tape.emit('Div', [tape.emit('Sub', [own, along]), deviation]);
}

/** Over the axes from `axis` on. */
const layerNorm =
  (isCentred: boolean): Rule =>
  (tape, node, dy) => {
    const [x, gain] = node.inputs;
    const shape = tape.shapeOf(x);
    const axis = integerOf(node, 'axis', -1);
    const first = axis < 0 ? axis + shape.length : axis;
    const sizes = shape.slice(first);
    const axes = sizes.map((_, i) => first + i);
    const epsilon = realOf(node, 'epsilon', 1e-5);
    const dx = normalBack(tape, x, tape.emit('Mul', [dy, gain]), { axes, sizes, epsilon, isCentred });
    return dx === undefined ? undefined : [dx, null, null];
  };

/** Over groups of channels, or each channel of an image: in rows [n, groups, the rest]. */
const groupNorm: Rule = (tape, node, dy) => {
  const [x, gain] = node.inputs;
  const [n, channels, ...image] = tape.shapeOf(x);
  const groups = node.op === 'InstanceNormalization' ? channels : integerOf(node, 'num_groups', 1);
  if (![channels, ...image, groups].every(isStatic)) return undefined;
  const [gains] = tape.shapeOf(gain) as number[];
  const size = (image as number[]).reduce((product, dim) => product * dim, channels as number);
  const rows = [n, groups, size / (groups as number)];
  const parts = tape.reshape(dy, [n, gains, size / gains]);
  const scale = tape.reshape(gain, [gains, 1]);
  const g = parts && scale && tape.reshape(tape.emit('Mul', [parts, scale]), rows);
  const own = tape.reshape(x, rows);
  if (!g || !own) return undefined;
  const epsilon = realOf(node, 'epsilon', 1e-5);
  const dx = normalBack(tape, own, g, { axes: [2], sizes: rows.slice(2), epsilon, isCentred: true });
  const back = dx && tape.reshape(dx, tape.shapeOf(x));
  return back ? [back, null, null] : undefined;
};

/** A slope for each number below zero: dx = dy slope there, dy above. */
const prelu: Rule = (tape, { inputs: [x, slope], outputs: [y] }, dy) => {
  const isAligned = tape.graph.opset >= 9 || tape.shapeOf(slope).length === tape.shapeOf(y).length;
  if (!isAligned) return undefined;
  const positive = tape.emit('Relu', [tape.emit('Sign', [x])]);
  const factor = tape.emit('Add', [positive, tape.emit('Mul', [oneMinus(tape, positive), slope])]);
  return [tape.emit('Mul', [dy, factor]), null];
};

/** y is gamma elu(x). */
const selu: Rule = (tape, node, dy) => {
  const [alpha, gamma] = [realOf(node, 'alpha', 1.6732632423543772), realOf(node, 'gamma', 1.0507009873554805)];
  const elu = tape.emit('Mul', [node.outputs[0], tape.scalar(1 / gamma)]);
  const slope = tape.emit('Mul', [eluSlope(tape, node.inputs[0], elu, alpha), tape.scalar(gamma)]);
  return [tape.emit('Mul', [dy, slope])];
};

const same: Rule = (_, __, dy) => [dy, null, null];

/** By operator name; `kerf.` stands before kerf's own. */
export const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['kerf.Linear', linear],
  ['Identity', same],
  ['Dropout', same],
  ['Relu', pointwise((tape, _, y) => tape.emit('Sign', [y]))],
  ['LeakyRelu', pointwise((tape, x, _, node) => slopeBySign(tape, x, realOf(node, 'alpha', 0.01), 1))],
  ['Abs', pointwise((tape, x) => tape.emit('Sign', [x]))],
  ['Neg', (tape, _, dy) => [tape.emit('Neg', [dy])]],
  ['Sigmoid', pointwise((tape, _, y) => sigmoidSlope(tape, y))],
  ['Tanh', pointwise((tape, _, y) => oneMinus(tape, tape.emit('Mul', [y, y])))],
  ['Softplus', pointwise((tape, x) => tape.emit('Sigmoid', [x]))],
  ['Elu', pointwise((tape, x, y, node) => eluSlope(tape, x, y, realOf(node, 'alpha', 1)))],
  ['Exp', pointwise((_, __, y) => y)],
  ['Log', pointwise((tape, x) => tape.emit('Div', [tape.scalar(1), x]))],
  ['Sqrt', pointwise((tape, _, y) => tape.emit('Div', [tape.scalar(0.5), y]))],
  ['Reciprocal', pointwise((tape, _, y) => tape.emit('Neg', [tape.emit('Mul', [y, y])]))],
  ['Erf', pointwise((tape, x) => erfSlope(tape, x))],
  ['Clip', (tape, { inputs: [x], outputs: [y] }, dy) => [tape.emit('Mul', [dy, tape.sameness(x, y)]), null, null]],
  ['Pow', power],
  ['Add', binary((_, __, ___, dy) => [dy, dy])],
  ['Sub', binary((tape, _, __, dy) => [dy, tape.emit('Neg', [dy])])],
  ['Mul', binary((tape, a, b, dy) => [tape.emit('Mul', [dy, b]), tape.emit('Mul', [dy, a])])],
  [
    'Div',
    binary((tape, _, b, dy, y) => {
      const da = tape.emit('Div', [dy, b]);
      return [da, tape.emit('Neg', [tape.emit('Mul', [da, y])])];
    }),
  ],
  ['MatMul', matmul],
  ['Softmax', softmax],
  ['LogSoftmax', logSoftmax],
  ['LayerNormalization', layerNorm(true)],
  ['RMSNormalization', layerNorm(false)],
  ['GroupNormalization', groupNorm],
  ['InstanceNormalization', groupNorm],
  ['PRelu', prelu],
  ['Selu', selu],
  ['Reshape', reshaped],
  ['Flatten', reshaped],
  ['Squeeze', reshaped],
  ['Unsqueeze', reshaped],
  ['Transpose', transpose],
  ['Concat', concat],
  ['ReduceSum', reduce(false)],
  ['ReduceMean', reduce(true)],
  ['Where', where],
  ['Expand', expand],
  ...slopes.map(([op, slope]) => [op, pointwise(slope)] as const),
  ...windowRules,
  ...pickRules,
]);
