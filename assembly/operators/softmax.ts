/** Softmax and its logarithm along one axis. */

import { Lanes } from '../linear/lanes';
import { f32_row_sum, f32_row_top } from './axis-rows';
import { Exp } from './f32x4-exp';
import { Log } from './f32x4-log';
import { f32x4_reduce, Term } from './reduce';

/** What a pass over the axis stores: e^(x - v), x / v, or x - v. */
const enum Pass {
  EXP_OF_DIFFERENCE,
  QUOTIENT,
  DIFFERENCE,
}

/** Passes over one slice. */
class Slice {
  /** One pass over `lanes` columns of [axis, inner]; for inner = 1 over one row, four elements at a time. */
  @inline
  static pass(p: Pass, xPtr: usize, yPtr: usize, axis: i32, inner: i32, lanes: i32, v: v128): void {
    const step = inner == 1 ? 4 : 1;
    const strideBytes: usize = inner == 1 ? 16 : (<usize>inner) << 2;
    for (let k = 0; k < axis; k += step) {
      const width = inner == 1 ? min(4, axis - k) : lanes;
      const x = Lanes.load(xPtr, width);
      let y: v128;
      if (p == Pass.EXP_OF_DIFFERENCE) y = Exp.expNegative(f32x4.sub(x, v));
      else if (p == Pass.QUOTIENT) y = f32x4.div(x, v);
      else y = f32x4.sub(x, v);
      Lanes.store(yPtr, y, width);
      xPtr += strideBytes;
      yPtr += strideBytes;
    }
  }
}

function softmaxColumns(isLog: bool, xPtr: usize, yPtr: usize, axis: i32, inner: i32, lanes: i32): void {
  const zero = f32x4.splat(0);
  // A NaN that the maximum misses makes its own power NaN, and so the sum.
  const top = f32x4_reduce(Term.TOP, xPtr, axis, inner, lanes, zero);
  if (isLog) {
    Slice.pass(Pass.DIFFERENCE, xPtr, yPtr, axis, inner, lanes, top);
    const sum = f32x4_reduce(Term.EXP, yPtr, axis, inner, lanes, zero);
    Slice.pass(Pass.DIFFERENCE, yPtr, yPtr, axis, inner, lanes, Log.log(sum));
  } else {
    Slice.pass(Pass.EXP_OF_DIFFERENCE, xPtr, yPtr, axis, inner, lanes, top);
    const sum = f32x4_reduce(Term.PLAIN, yPtr, axis, inner, lanes, zero);
    Slice.pass(Pass.QUOTIENT, yPtr, yPtr, axis, inner, lanes, sum);
  }
}

/**
 * Softmax of each row of x [rows, axis]: the bits of {@link f32_softmax} for f = 0 and inner = 1, in less code.
 * @param yPtr  float32 [rows, axis]; x itself or disjoint from it
 */
export function f32_softmax_rows(xPtr: usize, yPtr: usize, rows: i32, axis: i32): void {
  for (; rows > 0; rows--) {
    // A NaN that the maximum misses makes its own power NaN, and so the sum.
    Slice.pass(Pass.EXP_OF_DIFFERENCE, xPtr, yPtr, axis, 1, 4, f32x4.splat(f32_row_top(xPtr, axis)));
    Slice.pass(Pass.QUOTIENT, yPtr, yPtr, axis, 1, 4, f32x4.splat(f32_row_sum(yPtr, axis)));
    xPtr += (<usize>axis) << 2;
    yPtr += (<usize>axis) << 2;
  }
}

/**
 * y = e^(x - max) / sum of e^(x - max) along the axis of x [outer, axis, inner], or x - max - ln of that sum.
 * The sum is in the order of reduce.ts. A slice with NaN or +Inf, or of -Inf only, is NaN.
 * |y - exact| <= gamma_(axis/16 + 14 + |x - max| + D) y + 2^-149 for softmax, D the mean of |x - max| weighted by y:
 * rounding x - max costs |x - max| units, e^x 4, the sum axis/16 + 4, the quotient 1.
 * @param f  0 softmax, 1 its logarithm
 * @param yPtr  float32 [outer, axis, inner]; x itself or disjoint from it
 */
export function f32_softmax(f: i32, xPtr: usize, yPtr: usize, outer: i32, axis: i32, inner: i32): void {
  if (axis == 0 || inner == 0) return;
  const sliceBytes = (<usize>axis * <usize>inner) << 2;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i += 4) {
      const offset = (<usize>i) << 2;
      softmaxColumns(f == 1, xPtr + offset, yPtr + offset, axis, inner, min(4, inner - i));
    }
    xPtr += sliceBytes;
    yPtr += sliceBytes;
  }
}
