/** Steps for quantised operators: elementwise ones in float32, and products with constant weights as int8 panels. */
import { type Extent, multiply, product } from '../../runtime/extent.js';
import type { Operand } from '../../runtime/plan.js';
import type { DType, Tensor } from '../../runtime/tensor.js';
import type { Node } from '../graph.js';
import type { PlanBuilder } from '../operator.js';
import { integerOf } from './attributes.js';
import { toNumbers } from './elements.js';
import { emitBinary, maximumStepRank, placeFloat32, scalarView, type View } from './lowering.js';
import { matMulSizes } from './product-sizes.js';
import { normaliseAxis } from './shapes.js';

const isByte = (dtype: DType | undefined): dtype is 'uint8' | 'int8' => dtype === 'uint8' || dtype === 'int8';

function emitCast(builder: PlanBuilder, x: Operand, y: Operand, from: DType, to: DType, count: Extent): void {
  builder.step('cast', [x], [y], { from, to, count });
}

/** A value as float32, where it is, is constant, or is of bytes that a step can turn; null otherwise. */
function asFloat(builder: PlanBuilder, value: string): View | null {
  const { dtype, shape, constant } = builder.fact(value);
  if (!isByte(dtype) || constant) {
    const place = placeFloat32(builder, value);
    return place && { operand: place.operand, shape: place.fact.shape };
  }
  const operand = builder.scratch('float32', product(shape));
  emitCast(builder, builder.place(value).operand, operand, dtype, 'float32', product(shape));
  return { operand, shape };
}

/** A scale or zero point under a shape that broadcasts to x: one number, or one for each place along the axis. */
function along(node: Node, { operand, shape }: View, rank: number): View | null {
  if (product(shape) === 1) return { operand, shape: [] };
  if (shape.length !== 1) return null;
  const axis = normaliseAxis(node, integerOf(node, 'axis', 1), rank);
  return { operand, shape: [...shape, ...new Array<Extent>(rank - axis - 1).fill(1)] };
}

/** The node's scale and zero point, null without one; undefined where steps cannot take them. */
function parametersOf(node: Node, builder: PlanBuilder, rank: number): { scale: View; zero: View | null } | undefined {
  if (integerOf(node, 'block_size', 0) > 0) return undefined;
  const isZero = Boolean(node.inputs[2]);
  const [scale, zero] = [asFloat(builder, node.inputs[1]), isZero ? asFloat(builder, node.inputs[2]) : null];
  const wide = scale && along(node, scale, rank);
  const wideZero = zero && along(node, zero, rank);
  if (!wide || (isZero && !wideZero) || rank > maximumStepRank) return undefined;
  return { scale: wide, zero: wideZero };
}

/** y = saturate(round(x / scale) + zero): rounding leaves whole numbers, so the cast only saturates. */
function emitQuantize(builder: PlanBuilder, x: View, scale: View, zero: View | null, y: Operand, dtype: DType): void {
  const { shape } = x;
  const count = product(shape);
  const t = builder.scratch('float32', count);
  emitBinary(builder, 'div', x, scale, t, shape);
  builder.step('unary', [t], [t], { f: 'round', count });
  if (zero) emitBinary(builder, 'add', { operand: t, shape }, zero, t, shape);
  emitCast(builder, t, y, 'float32', dtype, count);
}

export function lowerQuantizeLinear(node: Node, builder: PlanBuilder): boolean {
  const [x, y] = [builder.fact(node.inputs[0]), builder.fact(node.outputs[0])];
  const given = x.dtype === 'float32' ? parametersOf(node, builder, x.shape.length) : undefined;
  if (!given || !isByte(y.dtype)) return false;
  const source = { operand: builder.place(node.inputs[0]).operand, shape: x.shape };
  emitQuantize(builder, source, given.scale, given.zero, builder.output(node.outputs[0]).operand, y.dtype);
  return true;
}

/** y = (x - zero) scale; the difference of bytes is exact. */
export function lowerDequantizeLinear(node: Node, builder: PlanBuilder): boolean {
  const { dtype, shape } = builder.fact(node.inputs[0]);
  const isSingle = builder.fact(node.outputs[0]).dtype === 'float32';
  const given = isSingle && isByte(dtype) ? parametersOf(node, builder, shape.length) : undefined;
  if (!given) return false;
  const y = builder.output(node.outputs[0]).operand;
  emitCast(builder, builder.place(node.inputs[0]).operand, y, dtype, 'float32', product(shape));
  if (given.zero) emitBinary(builder, 'sub', { operand: y, shape }, given.zero, y, shape);
  emitBinary(builder, 'mul', { operand: y, shape }, given.scale, y, shape);
  return true;
}

/** scale = (max(x, 0) - min(x, 0)) / 255, zero = saturate(round(-min / scale)): 0 / 0 becomes 0 in the cast. */
export function lowerDynamicQuantizeLinear(node: Node, builder: PlanBuilder): boolean {
  const { shape } = builder.fact(node.inputs[0]);
  if (shape.length > maximumStepRank || node.outputs.length < 3 || node.outputs.includes('')) return false;
  const x = { operand: builder.place(node.inputs[0]).operand, shape };
  const [y, scale, zero] = node.outputs.map((value) => builder.output(value).operand);
  const none = scalarView(builder, 0);
  const scalar = (operand: Operand): View => ({ operand, shape: [] });
  const [least, most] = ['min', 'max'].map((f) => {
    const bound = builder.scratch('float32', 1);
    builder.step('reduce', [x.operand], [bound], { f, outer: 1, axis: product(shape) });
    emitBinary(builder, f, scalar(bound), none, bound, []);
    return scalar(bound);
  });
  emitBinary(builder, 'sub', most, least, scale, []);
  emitBinary(builder, 'div', scalar(scale), scalarView(builder, 255), scale, []);
  const negated = builder.scratch('float32', 1);
  emitBinary(builder, 'sub', none, least, negated, []);
  emitQuantize(builder, scalar(negated), scalar(scale), null, zero, 'uint8');
  const zeroReal = builder.scratch('float32', 1);
  emitCast(builder, zero, zeroReal, 'uint8', 'float32', 1);
  emitQuantize(builder, x, scalar(scale), scalar(zeroReal), y, 'uint8');
  return true;
}

/** Inputs of a product by position: values, zero points. */
interface ProductInputs {
  readonly a: string;
  readonly b: string;
  readonly zeroA: string | undefined;
  readonly zeroB: string | undefined;
}

/**
 * Emits the exact product of bytes into `y`, int32; null where the right factor is no constant matrix, or a zero point
 * is not one number for all (left) or constant (right).
 */
function emitProduct(node: Node, builder: PlanBuilder, { a, b, zeroA, zeroB }: ProductInputs, y: () => Operand) {
  const [left, right] = [builder.fact(a), builder.fact(b)];
  const { M, N, K, batch } = matMulSizes(node, left.shape, right.shape);
  const weights = right.constant;
  const zero = zeroB ? builder.fact(zeroB).constant : null;
  if (weights?.dims.length !== 2 || zero === undefined || !isByte(left.dtype) || !isByte(weights.type)) return null;
  if (zeroA && (product(builder.fact(zeroA).shape) !== 1 || builder.fact(zeroA).dtype !== left.dtype)) return null;
  const [columns, inputs] = [N, K] as readonly number[];
  const zeros = zero ? toNumbers(zero) : [0];
  if (zeros.length !== 1 && zeros.length !== columns) return null;
  const panels = builder.int8Panels(b, zero, () => ({
    bytes: weights as Tensor<'int8'>,
    N: columns,
    K: inputs,
    strideN: 1,
    strideK: columns,
    // Unsigned bytes are stored less 128.
    add: Int32Array.from({ length: columns }, (_, n) => {
      return (weights.type === 'uint8' ? 128 : 0) - zeros[zeros.length === 1 ? 0 : n];
    }),
    scale: new Float32Array(columns),
  }));
  const rows = multiply(product(batch), M);
  const reads = [builder.place(a).operand, panels, ...(zeroA ? [builder.place(zeroA).operand] : [])];
  builder.step('gemm-int8', reads, [y()], { dtype: left.dtype, M: rows, N: columns, K: inputs });
  return { rows, columns };
}

export function lowerMatMulInteger(node: Node, builder: PlanBuilder): boolean {
  const [a, b, zeroA, zeroB] = node.inputs;
  return emitProduct(node, builder, { a, b, zeroA, zeroB }, () => builder.output(node.outputs[0]).operand) !== null;
}

/** The exact product, then saturate(round(sum scaleA scaleB / scaleY) + zeroY), the scale in f64 as the reference has it. */
export function lowerQLinearMatMul(node: Node, builder: PlanBuilder): boolean {
  const [a, scaleA, zeroA, b, scaleB, zeroB, scaleY, zeroY] = node.inputs;
  const scales = [scaleA, scaleB, scaleY].map((value) => builder.fact(value).constant);
  const { dtype, shape } = builder.fact(node.outputs[0]);
  const [sa, sb, sy] = scales.map((scale) => scale && toNumbers(scale));
  if (!sa || !sb || !sy || sa.length !== 1 || product(builder.fact(zeroY).shape) !== 1 || !isByte(dtype)) return false;
  const sums = builder.scratch('int32', product(shape));
  const made = emitProduct(node, builder, { a, b, zeroA, zeroB }, () => sums);
  if (!made || (sb.length !== 1 && sb.length !== made.columns)) return false;
  const { rows, columns } = made;
  const data = Float64Array.from({ length: columns }, (_, n) => (sa[0] * sb[sb.length === 1 ? 0 : n]) / sy[0]);
  const name = `scales ${JSON.stringify([scaleA, scaleB, scaleY])}`;
  const scale = builder.weight({ name, dtype: 'float64', shape: [columns], layout: 'plain', data });
  const reads = [sums, scale, builder.place(zeroY).operand];
  builder.step('requantize', reads, [builder.output(node.outputs[0]).operand], { dtype, M: rows, N: columns });
  return true;
}
