/** Steps that move elements: strided copies of any dtype. */
import { add, type Extent, multiply, product } from '../../runtime/extent.js';
import type { Operand } from '../../runtime/plan.js';
import { type DType, elementBytes } from '../../runtime/tensor.js';
import type { PlanBuilder } from '../operator.js';
import { extentStrides, maximumStepRank } from './lowering.js';
import type { Shape } from './shapes.js';

/** dst[i . dstStrides] = src[i . srcStrides] for every index of the box `dims`. */
export function emitCopy(
  builder: PlanBuilder,
  dtype: DType,
  src: Operand,
  dst: Operand,
  dims: Shape,
  srcStrides: readonly Extent[],
  dstStrides: readonly Extent[] = extentStrides(dims),
): void {
  builder.step('copy', [src], [dst], { elementBytes: elementBytes(dtype), dims, srcStrides, dstStrides });
}

/** An operand moved on by `offset` elements. */
export function shifted(operand: Operand, offset: Extent): Operand {
  return offset === 0 ? operand : { ...operand, offset: add(operand.offset ?? 0, offset) };
}

/** Strides of a value whose rows stand `stride` elements apart. */
export function rowStrides(shape: Shape, stride: Extent): readonly Extent[] {
  const rank = shape.length;
  if (rank < 2) return shape.map(() => 1);
  return [
    ...extentStrides([...shape.slice(0, -1), 1])
      .map((one) => multiply(one, stride))
      .slice(0, -1),
    1,
  ];
}

/** The permutation without the axes of size 1, renumbered. */
function squeezePermutation(shape: Shape, perm: readonly number[]): readonly number[] {
  const kept = perm.filter((axis) => shape[axis] !== 1);
  const order = [...kept].sort((a, b) => a - b);
  return kept.map((axis) => order.indexOf(axis));
}

/** Whether a permutation of `shape` leaves the elements where they are. */
export function keepsOrder(shape: Shape, perm: readonly number[]): boolean {
  return squeezePermutation(shape, perm).every((axis, position) => axis === position);
}

/** A contiguous transposed copy in `dst`; false when the rank is beyond the step's. */
export function emitTranspose(
  builder: PlanBuilder,
  dtype: DType,
  src: Operand,
  dst: Operand,
  shape: Shape,
  perm: readonly number[],
): boolean {
  if (shape.length > maximumStepRank) return false;
  const strides = extentStrides(shape);
  const dims = perm.map((axis) => shape[axis]);
  emitCopy(
    builder,
    dtype,
    src,
    dst,
    dims,
    perm.map((axis) => strides[axis]),
  );
  return true;
}

/** The sizes before, at and after a span of axes: x [outer, axis, inner]. */
export function sizesAround(shape: Shape, first: number, end = first + 1): Record<'outer' | 'axis' | 'inner', Extent> {
  return {
    outer: product(shape.slice(0, first)),
    axis: product(shape.slice(first, end)),
    inner: product(shape.slice(end)),
  };
}
