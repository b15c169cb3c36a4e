/** Boxes in flat memory: sizes and strides, in elements. */
import { extentStrides } from '../../graph/operators/lowering.js';
import { type Extent, equals, isStatic, multiply, product } from '../../runtime/extent.js';

/** Whether a box has no gaps. */
export const isContiguous = (dims: readonly Extent[], strides: readonly Extent[]) =>
  extentStrides(dims).every((stride, axis) => dims[axis] === 1 || equals(stride, strides[axis]));

/** A box as rows of `width` elements that stand `ld` apart; null where it is none, or its sizes are open. */
export function rowsOf(
  dims: readonly Extent[],
  strides: readonly Extent[],
  size: Extent,
): { width: number; ld: number } | null {
  for (let split = dims.length - 1; split > 0; split--) {
    const [width, ld] = [product(dims.slice(split)), strides[split - 1]];
    if (!isStatic(width) || !isStatic(ld)) return null;
    if (!isContiguous(dims.slice(split), strides.slice(split))) return null;
    const outer = extentStrides(dims.slice(0, split)).map((stride) => multiply(stride, ld));
    const isRows = outer.every((stride, axis) => dims[axis] === 1 || equals(stride, strides[axis]));
    if (isRows && ld >= width && dims[split - 1] !== 1) return { width, ld };
  }
  // A buffer of known size is one row.
  const width = product(dims);
  return isStatic(width) && isStatic(size) && isContiguous(dims, strides) ? { width, ld: size } : null;
}

/** A piece of M rows; of one row it is a list. */
export const pieceShape = (M: Extent, width: number): readonly Extent[] => (M === 1 ? [width] : [M, width]);
