/** Elementwise functions of one operand: one vector, and the loop over vectors. */

import { loadLanes, storeLanes } from '../linear/lanes';
import { Erf } from './f32x4-erf';
import { Exp } from './f32x4-exp';
import { Gelu } from './f32x4-gelu';
import { Log } from './f32x4-log';

/** The functions, in the order of `unaryWords` in src/runtime/step-kinds/unary.ts. */
export const enum Unary {
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
  HARD_SWISH,
  ELU,
  SOFTPLUS,
  SILU,
  GELU,
}

/** One vector of each function. */
export class Vector {
  /** min(max(x, lo), hi); NaN stays, since a comparison with it is false. */
  @inline
  static clamp(x: v128, lo: v128, hi: v128): v128 {
    return f32x4.pmin(f32x4.pmax(x, lo), hi);
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
    const rest = Log.log1pUnit(Exp.expNegative(f32x4.neg(f32x4.abs(x))));
    return f32x4.add(f32x4.pmax(x, f32x4.splat(0)), rest);
  }

  /** One vector of the functions of unary.ts. */
  @inline
  static other(f: Unary, x: v128, alpha: v128, beta: v128): v128 {
    if (f == Unary.EXP) return Exp.exp(x);
    if (f == Unary.LOG) return Log.log(x);
    if (f == Unary.ERF) return Erf.erf(x);
    if (f == Unary.ELU) return Vector.positiveOr(x, f32x4.mul(alpha, Exp.expm1Negative(f32x4.pmin(x, f32x4.splat(0)))));
    if (f == Unary.SOFTPLUS) return Vector.softplus(x);
    if (f == Unary.SILU) return Vector.silu(x, alpha, beta);
    if (f == Unary.GELU) return Gelu.gelu(x);
    if (f == Unary.NEG) return f32x4.neg(x);
    if (f == Unary.ABS) return f32x4.abs(x);
    if (f == Unary.SQRT) return f32x4.sqrt(x);
    if (f == Unary.RECIPROCAL) return f32x4.div(f32x4.splat(1), x);
    if (f == Unary.FLOOR) return f32x4.floor(x);
    if (f == Unary.CEIL) return f32x4.ceil(x);
    if (f == Unary.ROUND) return f32x4.nearest(x);
    if (f == Unary.SIGN) return Vector.sign(x);
    const y = Vector.clamp(f32x4.add(f32x4.mul(x, alpha), beta), f32x4.splat(0), f32x4.splat(1));
    return f == Unary.HARD_SWISH ? f32x4.mul(x, y) : y;
  }

  /** x sigmoid(alpha x + beta x^3). */
  @inline
  static silu(x: v128, alpha: v128, beta: v128): v128 {
    // Without a cube no square, which overflows.
    const slope = v128.any_true(beta) ? f32x4.add(alpha, f32x4.mul(beta, f32x4.mul(x, x))) : alpha;
    return f32x4.mul(x, Exp.sigmoid(f32x4.mul(x, slope)));
  }

  /** One vector of function f; f is a literal, so only its branch is left. */
  @inline
  static apply(f: Unary, x: v128, alpha: v128, beta: v128): v128 {
    if (f == Unary.RELU) return f32x4.pmax(x, f32x4.splat(0));
    if (f == Unary.LEAKY_RELU) return Vector.positiveOr(x, f32x4.mul(x, alpha));
    if (f == Unary.CLIP) return Vector.clamp(x, alpha, beta);
    if (f == Unary.SIGMOID) return Exp.sigmoid(x);
    if (f == Unary.TANH) return Exp.tanh(x);
    return Vector.other(f, x, alpha, beta);
  }

  /** Functions that networks spend time in, which are worth the code of two vectors more. */
  @inline
  static isFrequent(f: Unary): bool {
    return f == Unary.SIGMOID || f == Unary.TANH || f == Unary.SILU || f == Unary.GELU;
  }

  @inline
  static each(f: Unary, xPtr: usize, yPtr: usize, count: i32, alpha: v128, beta: v128): void {
    if (f >= Unary.EXP) {
      // Two vectors do not wait for one another as the steps of one do.
      if (!isDefined(KERF_SMALL) && Vector.isFrequent(f)) {
        for (; count >= 8; count -= 8) {
          const first = Vector.apply(f, v128.load(xPtr), alpha, beta);
          const second = Vector.apply(f, v128.load(xPtr, 16), alpha, beta);
          v128.store(yPtr, first);
          v128.store(yPtr, second, 16);
          xPtr += 32;
          yPtr += 32;
        }
      }
      // One copy of a long body: a branch costs it little.
      for (; count > 0; count -= 4) {
        const lanes = min(4, count);
        storeLanes(yPtr, Vector.apply(f, loadLanes(xPtr, lanes), alpha, beta), lanes);
        xPtr += 16;
        yPtr += 16;
      }
      return;
    }
    for (; count >= 4; count -= 4) {
      v128.store(yPtr, Vector.apply(f, v128.load(xPtr), alpha, beta));
      xPtr += 16;
      yPtr += 16;
    }
    if (count > 0) storeLanes(yPtr, Vector.apply(f, loadLanes(xPtr, count), alpha, beta), count);
  }
}
