/** Elementwise functions of one operand. */

import { loadLanes, storeLanes } from '../linear/lanes';
import { Erf } from './f32x4-erf';
import { Exp } from './f32x4-exp';
import { Log } from './f32x4-log';

/** The functions, in the order of `unaryWords` in src/runtime/step-kinds/elementwise.ts. */
const enum Unary {
  IDENTITY,
  RELU,
  LEAKY_RELU,
  CLIP,
  NEG,
  ABS,
  SQRT,
  RECIPROCAL,
  FLOOR,
  CEIL,
  ROUND,
  SIGN,
  EXP,
  LOG,
  SIGMOID,
  TANH,
  ERF,
  HARD_SIGMOID,
  ELU,
  SOFTPLUS,
  SILU,
}

/** One vector of each function. */
class Vector {
  /** min(max(x, lo), hi); NaN stays. */
  @inline
  static clamp(x: v128, lo: v128, hi: v128): v128 {
    return f32x4.min(f32x4.max(x, lo), hi);
  }

  /** x where it is positive or NaN, `otherwise` elsewhere. */
  @inline
  static positiveOr(x: v128, otherwise: v128): v128 {
    return v128.bitselect(otherwise, x, f32x4.lt(x, f32x4.splat(0)));
  }

  /** -1, 0 or 1; NaN stays NaN, and a zero keeps its sign. */
  @inline
  static sign(x: v128): v128 {
    const one = v128.or(f32x4.splat(1), v128.and(x, f32x4.splat(-0.0)));
    return v128.bitselect(one, x, v128.or(f32x4.lt(x, f32x4.splat(0)), f32x4.gt(x, f32x4.splat(0))));
  }

  /** ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|), within 4 ulp. */
  @inline
  static softplus(x: v128): v128 {
    const rest = Log.log1pUnit(Exp.exp(f32x4.neg(f32x4.abs(x))));
    return f32x4.add(f32x4.max(x, f32x4.splat(0)), rest);
  }

  /** One vector of function f; f is a literal, so only its branch is compiled. */
  @inline
  static apply(f: Unary, x: v128, alpha: v128, beta: v128): v128 {
    if (f == Unary.RELU) return f32x4.max(x, f32x4.splat(0));
    if (f == Unary.LEAKY_RELU) return Vector.positiveOr(x, f32x4.mul(x, alpha));
    if (f == Unary.CLIP) return Vector.clamp(x, alpha, beta);
    if (f == Unary.NEG) return f32x4.neg(x);
    if (f == Unary.ABS) return f32x4.abs(x);
    if (f == Unary.SQRT) return f32x4.sqrt(x);
    if (f == Unary.RECIPROCAL) return f32x4.div(f32x4.splat(1), x);
    if (f == Unary.FLOOR) return f32x4.floor(x);
    if (f == Unary.CEIL) return f32x4.ceil(x);
    if (f == Unary.ROUND) return f32x4.nearest(x);
    if (f == Unary.SIGN) return Vector.sign(x);
    if (f == Unary.EXP) return Exp.exp(x);
    if (f == Unary.LOG) return Log.log(x);
    if (f == Unary.SIGMOID) return Exp.sigmoid(x);
    if (f == Unary.TANH) return Exp.tanh(x);
    if (f == Unary.ERF) return Erf.erf(x);
    if (f == Unary.HARD_SIGMOID) {
      return Vector.clamp(f32x4.add(f32x4.mul(x, alpha), beta), f32x4.splat(0), f32x4.splat(1));
    }
    if (f == Unary.ELU) return Vector.positiveOr(x, f32x4.mul(alpha, Exp.expm1Negative(f32x4.min(x, f32x4.splat(0)))));
    if (f == Unary.SOFTPLUS) return Vector.softplus(x);
    if (f == Unary.SILU) return f32x4.mul(x, Exp.sigmoid(x));
    return x;
  }

  @inline
  static each(f: Unary, xPtr: usize, yPtr: usize, count: i32, alpha: v128, beta: v128): void {
    while (count > 0) {
      const x = count >= 4 ? v128.load(xPtr) : loadLanes(xPtr, count);
      const y = Vector.apply(f, x, alpha, beta);
      if (count >= 4) v128.store(yPtr, y);
      else storeLanes(yPtr, y, count);
      xPtr += 16;
      yPtr += 16;
      count -= 4;
    }
  }
}

/**
 * y[i] = f(x[i]) for i < count; each element depends on its own x only, so any split gives the same bits.
 * @param f  index of the function in {@link Unary}; exp, tanh and log within 2 ulp, erf within 3, sigmoid, elu and
 *   softplus within 4, silu within 5 (or |x| 2^-149, where sigmoid is denormal), the others correctly rounded
 * @param xPtr  float32 [count]
 * @param yPtr  float32 [count]; x itself or disjoint from it
 * @param alpha  slope or lower limit, see the step table
 * @param beta  offset or upper limit
 */
export function f32_unary(f: i32, xPtr: usize, yPtr: usize, count: i32, alpha: f32, beta: f32): void {
  const a = f32x4.splat(alpha);
  const b = f32x4.splat(beta);
  switch (f) {
    case Unary.IDENTITY:
      memory.copy(yPtr, xPtr, (<usize>count) << 2);
      return;
    case Unary.RELU:
      return Vector.each(Unary.RELU, xPtr, yPtr, count, a, b);
    case Unary.LEAKY_RELU:
      return Vector.each(Unary.LEAKY_RELU, xPtr, yPtr, count, a, b);
    case Unary.CLIP:
      return Vector.each(Unary.CLIP, xPtr, yPtr, count, a, b);
    case Unary.NEG:
      return Vector.each(Unary.NEG, xPtr, yPtr, count, a, b);
    case Unary.ABS:
      return Vector.each(Unary.ABS, xPtr, yPtr, count, a, b);
    case Unary.SQRT:
      return Vector.each(Unary.SQRT, xPtr, yPtr, count, a, b);
    case Unary.RECIPROCAL:
      return Vector.each(Unary.RECIPROCAL, xPtr, yPtr, count, a, b);
    case Unary.FLOOR:
      return Vector.each(Unary.FLOOR, xPtr, yPtr, count, a, b);
    case Unary.CEIL:
      return Vector.each(Unary.CEIL, xPtr, yPtr, count, a, b);
    case Unary.ROUND:
      return Vector.each(Unary.ROUND, xPtr, yPtr, count, a, b);
    case Unary.SIGN:
      return Vector.each(Unary.SIGN, xPtr, yPtr, count, a, b);
    case Unary.EXP:
      return Vector.each(Unary.EXP, xPtr, yPtr, count, a, b);
    case Unary.LOG:
      return Vector.each(Unary.LOG, xPtr, yPtr, count, a, b);
    case Unary.SIGMOID:
      return Vector.each(Unary.SIGMOID, xPtr, yPtr, count, a, b);
    case Unary.TANH:
      return Vector.each(Unary.TANH, xPtr, yPtr, count, a, b);
    case Unary.ERF:
      return Vector.each(Unary.ERF, xPtr, yPtr, count, a, b);
    case Unary.HARD_SIGMOID:
      return Vector.each(Unary.HARD_SIGMOID, xPtr, yPtr, count, a, b);
    case Unary.ELU:
      return Vector.each(Unary.ELU, xPtr, yPtr, count, a, b);
    case Unary.SOFTPLUS:
      return Vector.each(Unary.SOFTPLUS, xPtr, yPtr, count, a, b);
    case Unary.SILU:
      return Vector.each(Unary.SILU, xPtr, yPtr, count, a, b);
    default:
      assert(false, 'f32_unary: unknown function');
  }
}
