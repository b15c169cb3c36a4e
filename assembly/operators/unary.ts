/** Elementwise functions of one operand, each a function of its own, since only then the others' code drops out. */

import { loadLanes, storeLanes } from '../linear/lanes';
import { f32_unary_core } from './unary-core';
import { Unary, Vector } from './unary-vector';

function f32_neg(xPtr: usize, yPtr: usize, count: i32): void {
  Vector.each(Unary.NEG, xPtr, yPtr, count, f32x4.splat(0), f32x4.splat(0));
}

function f32_abs(xPtr: usize, yPtr: usize, count: i32): void {
  Vector.each(Unary.ABS, xPtr, yPtr, count, f32x4.splat(0), f32x4.splat(0));
}

function f32_sqrt(xPtr: usize, yPtr: usize, count: i32): void {
  Vector.each(Unary.SQRT, xPtr, yPtr, count, f32x4.splat(0), f32x4.splat(0));
}

function f32_reciprocal(xPtr: usize, yPtr: usize, count: i32): void {
  Vector.each(Unary.RECIPROCAL, xPtr, yPtr, count, f32x4.splat(0), f32x4.splat(0));
}

function f32_floor(xPtr: usize, yPtr: usize, count: i32): void {
  Vector.each(Unary.FLOOR, xPtr, yPtr, count, f32x4.splat(0), f32x4.splat(0));
}

function f32_ceil(xPtr: usize, yPtr: usize, count: i32): void {
  Vector.each(Unary.CEIL, xPtr, yPtr, count, f32x4.splat(0), f32x4.splat(0));
}

function f32_round(xPtr: usize, yPtr: usize, count: i32): void {
  Vector.each(Unary.ROUND, xPtr, yPtr, count, f32x4.splat(0), f32x4.splat(0));
}

function f32_sign(xPtr: usize, yPtr: usize, count: i32): void {
  Vector.each(Unary.SIGN, xPtr, yPtr, count, f32x4.splat(0), f32x4.splat(0));
}

function f32_exp(xPtr: usize, yPtr: usize, count: i32): void {
  Vector.each(Unary.EXP, xPtr, yPtr, count, f32x4.splat(0), f32x4.splat(0));
}

function f32_log(xPtr: usize, yPtr: usize, count: i32): void {
  Vector.each(Unary.LOG, xPtr, yPtr, count, f32x4.splat(0), f32x4.splat(0));
}

function f32_erf(xPtr: usize, yPtr: usize, count: i32): void {
  Vector.each(Unary.ERF, xPtr, yPtr, count, f32x4.splat(0), f32x4.splat(0));
}

function f32_hard_sigmoid(xPtr: usize, yPtr: usize, count: i32, alpha: f32, beta: f32): void {
  Vector.each(Unary.HARD_SIGMOID, xPtr, yPtr, count, f32x4.splat(alpha), f32x4.splat(beta));
}

function f32_hard_swish(xPtr: usize, yPtr: usize, count: i32, alpha: f32, beta: f32): void {
  Vector.each(Unary.HARD_SWISH, xPtr, yPtr, count, f32x4.splat(alpha), f32x4.splat(beta));
}

function f32_elu(xPtr: usize, yPtr: usize, count: i32, alpha: f32): void {
  Vector.each(Unary.ELU, xPtr, yPtr, count, f32x4.splat(alpha), f32x4.splat(0));
}

function f32_softplus(xPtr: usize, yPtr: usize, count: i32): void {
  Vector.each(Unary.SOFTPLUS, xPtr, yPtr, count, f32x4.splat(0), f32x4.splat(0));
}

function f32_silu(xPtr: usize, yPtr: usize, count: i32, alpha: f32): void {
  Vector.each(Unary.SILU, xPtr, yPtr, count, f32x4.splat(alpha), f32x4.splat(0));
}

function f32_silu_cubic(xPtr: usize, yPtr: usize, count: i32, alpha: f32, beta: f32): void {
  Vector.each(Unary.SILU, xPtr, yPtr, count, f32x4.splat(alpha), f32x4.splat(beta));
}

function f32_gelu(xPtr: usize, yPtr: usize, count: i32): void {
  Vector.each(Unary.GELU, xPtr, yPtr, count, f32x4.splat(0), f32x4.splat(0));
}

/** The functions beside those of the core: a loop for each, but one for all where the module is to be small. */
function f32_other(f: i32, xPtr: usize, yPtr: usize, count: i32, alpha: f32, beta: f32): void {
  if (isDefined(KERF_SMALL)) {
    for (; count > 0; count -= 4) {
      const lanes = min(4, count);
      storeLanes(yPtr, Vector.other(f, loadLanes(xPtr, lanes), f32x4.splat(alpha), f32x4.splat(beta)), lanes);
      xPtr += 16;
      yPtr += 16;
    }
  } else {
    switch (f) {
      case Unary.NEG:
        return f32_neg(xPtr, yPtr, count);
      case Unary.ABS:
        return f32_abs(xPtr, yPtr, count);
      case Unary.SQRT:
        return f32_sqrt(xPtr, yPtr, count);
      case Unary.RECIPROCAL:
        return f32_reciprocal(xPtr, yPtr, count);
      case Unary.FLOOR:
        return f32_floor(xPtr, yPtr, count);
      case Unary.CEIL:
        return f32_ceil(xPtr, yPtr, count);
      case Unary.ROUND:
        return f32_round(xPtr, yPtr, count);
      case Unary.SIGN:
        return f32_sign(xPtr, yPtr, count);
      case Unary.EXP:
        return f32_exp(xPtr, yPtr, count);
      case Unary.LOG:
        return f32_log(xPtr, yPtr, count);
      case Unary.ERF:
        return f32_erf(xPtr, yPtr, count);
      case Unary.HARD_SIGMOID:
        return f32_hard_sigmoid(xPtr, yPtr, count, alpha, beta);
      case Unary.HARD_SWISH:
        return f32_hard_swish(xPtr, yPtr, count, alpha, beta);
      case Unary.ELU:
        return f32_elu(xPtr, yPtr, count, alpha);
      case Unary.SOFTPLUS:
        return f32_softplus(xPtr, yPtr, count);
      case Unary.SILU:
        if (beta == 0) return f32_silu(xPtr, yPtr, count, alpha);
        return f32_silu_cubic(xPtr, yPtr, count, alpha, beta);
      default:
        f32_gelu(xPtr, yPtr, count);
    }
  }
}

/**
 * y[i] = f(x[i]) for i < count; each element depends on its own x only, so any split gives the same bits.
 * @param f  index of the function in {@link Unary}; exp, tanh and log within 2 ulp, erf within 3, sigmoid, elu and
 *   softplus within 4, silu within 5 (or |x| 2^-149, where sigmoid is denormal), gelu as said there, the others correctly rounded
 * @param xPtr  float32 [count]
 * @param yPtr  float32 [count]; x itself or disjoint from it
 * @param alpha  slope or lower limit, see the step table
 * @param beta  offset or upper limit
 */
export function f32_unary(f: i32, xPtr: usize, yPtr: usize, count: i32, alpha: f32, beta: f32): void {
  if (f < Unary.NEG || f == Unary.SIGMOID || f == Unary.TANH) f32_unary_core(f, xPtr, yPtr, count, alpha, beta);
  else f32_other(f, xPtr, yPtr, count, alpha, beta);
}
