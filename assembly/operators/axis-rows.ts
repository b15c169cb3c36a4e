/** Sum and maximum of a contiguous axis, in the core; reduce.ts has the other reductions. */
import { Row, RowTerm } from './axis-row';

/**
 * Sum of x [axis]; 0 for an empty axis.
 * @complexity O(axis)
 */
export function f32_row_sum(xPtr: usize, axis: i32): f32 {
  return Row.reduce(RowTerm.PLAIN, xPtr, axis, f32x4.splat(0));
}

/**
 * Largest element of x [axis], passing over NaN; -Infinity where there is none.
 * @complexity O(axis)
 */
export function f32_row_top(xPtr: usize, axis: i32): f32 {
  return Row.reduce(RowTerm.TOP, xPtr, axis, f32x4.splat(0));
}
