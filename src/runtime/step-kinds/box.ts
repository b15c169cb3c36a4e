/** Strided boxes: element i_0..i_r of a box stands at the sum of i_d * stride_d. */
import type { Region } from '../step-kind.js';

/** The smallest [first, end) that holds every element of a box; empty if a dim is 0. All in f64, so nothing wraps. */
export function boxRegion(operand: number, dims: readonly number[], strides: readonly number[]): Region {
  if (dims.includes(0)) return { operand, first: 0, end: 0 };
  let first = 0;
  let last = 0;
  dims.forEach((dim, d) => {
    const reach = (dim - 1) * strides[d];
    if (reach < 0) first += reach;
    else last += reach;
  });
  return { operand, first, end: last + 1, box: { dims, strides } };
}

/** The region [0, count) of an operand. */
export function spanRegion(operand: number, count: number): Region {
  return { operand, first: 0, end: count };
}

/**
 * The same boxes with fewer dims: dims of 1 vanish, and two neighbours become one where every operand runs through
 * them without a gap. At least one dim is left, so that a kernel always has an inner loop.
 * @param dims  sizes, outermost first
 * @param strides  one list per operand
 */
export function coalesce(
  dims: readonly number[],
  strides: readonly (readonly number[])[],
): { dims: number[]; strides: number[][] } {
  const kept: number[] = [];
  const keptStrides: number[][] = strides.map(() => []);
  dims.forEach((dim, d) => {
    if (dim === 1) return;
    const last = kept.length - 1;
    const isGapless = last >= 0 && strides.every((list, i) => keptStrides[i][last] === list[d] * dim);
    if (isGapless) kept[last] *= dim;
    else kept.push(dim);
    const at = kept.length - 1;
    for (const [i, list] of strides.entries()) keptStrides[i][at] = list[d];
  });
  if (kept.length > 0 && !kept.includes(0)) return { dims: kept, strides: keptStrides };
  return { dims: [dims.includes(0) ? 0 : 1], strides: strides.map(() => [1]) };
}

/** Row-major strides of a shape, in elements. */
export function contiguousStrides(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length);
  let stride = 1;
  for (let d = dims.length - 1; d >= 0; d--) {
    strides[d] = stride;
    stride *= dims[d];
  }
  return strides;
}
