/**
 * Reductions along one axis, in one stated order. Element k of the axis goes to partial k mod 16, each partial takes
 * its elements in ascending order, and the partials meet by halves:
 *
 *     p_i + p_(i+8) for i < 8,  then i and i + 4 of these for i < 4,  then i and i + 2,  then the last two
 *
 * The order depends on the length of the axis only: not on its stride, on neighbouring rows or on threads.
 */

import { loadLanes, storeLanes } from '../linear/lanes';
import { Row, RowTerm } from './axis-row';
import { f32_row_sum, f32_row_top } from './axis-rows';
import { Exp } from './f32x4-exp';
import { Log } from './f32x4-log';

/** The functions, in the order of `reduceWords` in src/runtime/step-kinds/reduce.ts. */
export const enum Reduce {
  SUM,
  MEAN,
  MAX,
  MIN,
  PROD,
  SUMSQ,
  L1,
  L2,
  LOG_SUM_EXP,
}

/**
 * What is merged: elements by sum, max, min or product; the sum of squares, of absolute values, of e^(x - offset).
 * TOP is a faster max that passes over NaN.
 */
export const enum Term {
  PLAIN,
  MAX,
  MIN,
  PROD,
  SQUARE,
  ABS,
  EXP,
  TOP,
}

/** One partial, for every term. */
class Axis {
  @inline
  static neutral(t: Term): v128 {
    if (t == Term.MAX || t == Term.TOP) return f32x4.splat(-Infinity);
    if (t == Term.MIN) return f32x4.splat(Infinity);
    if (t == Term.PROD) return f32x4.splat(1);
    return f32x4.splat(0);
  }

  @inline
  static merge(t: Term, a: v128, b: v128): v128 {
    if (t == Term.MAX) return f32x4.max(a, b);
    if (t == Term.TOP) return f32x4.pmax(a, b);
    if (t == Term.MIN) return f32x4.min(a, b);
    if (t == Term.PROD) return f32x4.mul(a, b);
    return f32x4.add(a, b);
  }

  @inline
  static take(t: Term, acc: v128, x: v128, offset: v128): v128 {
    if (t == Term.SQUARE) return f32x4.add(acc, f32x4.mul(x, x));
    if (t == Term.ABS) return f32x4.add(acc, f32x4.abs(x));
    if (t == Term.EXP) return f32x4.add(acc, Exp.expNegative(f32x4.sub(x, offset)));
    return Axis.merge(t, acc, x);
  }

  /** One partial of `lanes` neighbouring columns: elements residue, residue + 16, ...; stride in bytes. */
  @inline
  static partial(t: Term, residue: i32, xPtr: usize, axis: i32, stride: usize, lanes: i32, offset: v128): v128 {
    let p = Axis.neutral(t);
    xPtr += <usize>residue * stride;
    for (let k = residue; k < axis; k += 16) {
      p = Axis.take(t, p, loadLanes(xPtr, lanes), offset);
      xPtr += stride << 4;
    }
    return p;
  }
}

/** One partial; sums have a loop of their own. */
function anyPartial(t: i32, i: i32, xPtr: usize, axis: i32, stride: usize, lanes: i32, offset: v128): v128 {
  if (t == Term.PLAIN) return Axis.partial(Term.PLAIN, i, xPtr, axis, stride, lanes, offset);
  return Axis.partial(t, i, xPtr, axis, stride, lanes, offset);
}

/** Sum of e^(x - offset) over a contiguous axis; a function of its own, lest other loops spill for it. */
function expRow(xPtr: usize, axis: i32, offset: v128): f32 {
  return Row.reduce(RowTerm.EXP, xPtr, axis, offset);
}

/** The other terms over a contiguous axis, in the bits of {@link columns} and four elements at a time. */
function otherRow(t: i32, xPtr: usize, axis: i32): f32 {
  const zero = f32x4.splat(0);
  if (t == Term.MAX) return Row.reduce(RowTerm.MAX, xPtr, axis, zero);
  if (t == Term.MIN) return Row.reduce(RowTerm.MIN, xPtr, axis, zero);
  if (t == Term.SQUARE) return Row.reduce(RowTerm.SQUARE, xPtr, axis, zero);
  return Row.reduce(RowTerm.ABS, xPtr, axis, zero);
}

/** The partials i, i + width, i + 2 width, ... of `lanes` neighbouring columns, met by halves; a column a lane. */
function columns(t: i32, i: i32, width: i32, xPtr: usize, axis: i32, stride: usize, lanes: i32, offset: v128): v128 {
  // Partials from the length of the axis on are empty.
  if (width == 16 || i + width >= axis) return anyPartial(t, i, xPtr, axis, stride, lanes, offset);
  const low = columns(t, i, 2 * width, xPtr, axis, stride, lanes, offset);
  const high = columns(t, i + width, 2 * width, xPtr, axis, stride, lanes, offset);
  return Axis.merge(t, low, high);
}

/**
 * Reduces `lanes` (1..4) neighbouring columns of x [axis, inner]; for inner = 1 the result is in every lane.
 * @param t  what is reduced, see {@link Term}; along a contiguous axis all but PROD take four elements at a time,
 *   in small modules PLAIN, EXP and TOP alone
 * @param offset  subtracted before e^x in `Term.EXP`; unused else
 */
export function f32x4_reduce(t: i32, xPtr: usize, axis: i32, inner: i32, lanes: i32, offset: v128): v128 {
  if (inner == 1) {
    if (t == Term.PLAIN) return f32x4.splat(f32_row_sum(xPtr, axis));
    if (t == Term.TOP) return f32x4.splat(f32_row_top(xPtr, axis));
    if (t == Term.EXP) return f32x4.splat(expRow(xPtr, axis, offset));
    if (!isDefined(KERF_SMALL) && t != Term.PROD) return f32x4.splat(otherRow(t, xPtr, axis));
  }
  const y = columns(t, 0, 1, xPtr, axis, (<usize>inner) << 2, lanes, offset);
  return inner == 1 ? i32x4.shuffle(y, y, 0, 0, 0, 0) : y;
}

/** ln of the sum of e^x, from the largest x on; an infinite largest x is the result itself. */
function logSumExp(xPtr: usize, axis: i32, inner: i32, lanes: i32): v128 {
  const top = f32x4_reduce(Term.MAX, xPtr, axis, inner, lanes, f32x4.splat(0));
  const sum = f32x4_reduce(Term.EXP, xPtr, axis, inner, lanes, top);
  const isInfinite = f32x4.eq(f32x4.abs(top), f32x4.splat(Infinity));
  return v128.bitselect(top, f32x4.add(top, Log.log(sum)), isInfinite);
}

/** What is reduced for a function. */
function termOf(f: i32): i32 {
  if (f == Reduce.MAX) return Term.MAX;
  if (f == Reduce.MIN) return Term.MIN;
  if (f == Reduce.PROD) return Term.PROD;
  if (f == Reduce.SUMSQ || f == Reduce.L2) return Term.SQUARE;
  return f == Reduce.L1 ? Term.ABS : Term.PLAIN;
}

function reduceColumns(f: i32, xPtr: usize, axis: i32, inner: i32, lanes: i32): v128 {
  if (f == Reduce.LOG_SUM_EXP) return logSumExp(xPtr, axis, inner, lanes);
  const y = f32x4_reduce(termOf(f), xPtr, axis, inner, lanes, f32x4.splat(0));
  if (f == Reduce.MEAN) return f32x4.div(y, f32x4.splat(<f32>axis));
  return f == Reduce.L2 ? f32x4.sqrt(y) : y;
}

/**
 * y [outer, inner] = f over the axis of x [outer, axis, inner], in the order above.
 * An empty axis gives 0 (sums), 1 (prod), -Inf (max, log-sum-exp), Inf (min) or NaN (mean).
 * |y - exact| <= gamma_(axis/16 + 5) * sum |terms|.
 * @param f  index of the function in {@link Reduce}
 * @param yPtr  float32 [outer, inner], disjoint from x
 */
export function f32_reduce(f: i32, xPtr: usize, yPtr: usize, outer: i32, axis: i32, inner: i32): void {
  if (inner == 0) return;
  const sliceBytes = (<usize>axis * <usize>inner) << 2;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i += 4) {
      const lanes = min(4, inner - i);
      storeLanes(yPtr, reduceColumns(f, xPtr + ((<usize>i) << 2), axis, inner, lanes), lanes);
      yPtr += (<usize>lanes) << 2;
    }
    xPtr += sliceBytes;
  }
}
