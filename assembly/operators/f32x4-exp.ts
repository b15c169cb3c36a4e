/**
 * e^x and what is made of it, four lanes at a time.
 * Coefficients are weighted minimax fits, rounded to f32; ulp bounds hold over all floats, denormals included, and are
 * checked against f64. NaN gives NaN.
 */

import { Vector } from '../linear/vector';
import { Constant } from './constant';

/** ln 2 in two parts: 16 leading bits, so that n * LN2_HI is exact for |n| < 256, and the rest. */
export const LN2_HI: f32 = 45426.0 / 65536.0;
export const LN2_LO: f32 = 1.4286068203094172e-6;

const E5: f32 = 0.0013950558;
const E4: f32 = 0.008368929;
const E3: f32 = 0.041666206;
const E2: f32 = 0.16666518;
const HALF: f32 = 0.5;
const LOWEST: f32 = -104;
const HIGHEST: f32 = 89;
const LOG2E: f32 = 1.4426950408889634;
const ROUNDER: f32 = 12582912;
const MINUS_LN2_HIGH: f32 = -LN2_HI;
const MINUS_LN2_LOW: f32 = -LN2_LO;
const ONE: f32 = 1;
/** The integer 127, by its bits. */
const BIAS: f32 = 1.7796490496925177e-43;
/** The integer 127 + 64, by its bits. */
const LIFTED_BIAS: f32 = 2.6764800668604006e-43;
const LOWERED: f32 = 5.421010862427522e-20;
const SATURATED: f32 = 32;
const TWO: f32 = 2;
const SIGN: f32 = -0.0;
const TABLE: usize = isDefined(KERF_SMALL)
  ? 0
  : memory.data<f32>(
      [
        E5,
        E4,
        E3,
        E2,
        HALF,
        LOWEST,
        HIGHEST,
        LOG2E,
        ROUNDER,
        MINUS_LN2_HIGH,
        MINUS_LN2_LOW,
        ONE,
        BIAS,
        LIFTED_BIAS,
        LOWERED,
        SATURATED,
        TWO,
        SIGN,
      ],
      4,
    );

/** One copy for the small modules, which it makes a twentieth smaller. */
function sharedExpNegative(x: v128): v128 {
  return Exp.expNegativeHere(x);
}

/** One copy for the small modules. */
function sharedTail(r: v128): v128 {
  return Exp.tailHere(r);
}

/** e^x and its relatives; methods, since TypeScript's grammar allows decorators only in classes. */
export class Exp {
  /** e^r - 1 - r = r^2 q(r) for |r| <= ln(2)/2; fit error 3.2e-9 of e^r. */
  @inline
  static tail(r: v128): v128 {
    return isDefined(KERF_SMALL) ? sharedTail(r) : Exp.tailHere(r);
  }

  /** {@link tail}, written out where it is called; in pairs, which wait less for one another. */
  @inline
  static tailHere(r: v128): v128 {
    const r2 = f32x4.mul(r, r);
    const low = Vector.madd(Constant.at(HALF, TABLE + 16), Constant.at(E2, TABLE + 12), r);
    const middle = Vector.madd(Constant.at(E3, TABLE + 8), Constant.at(E4, TABLE + 4), r);
    const high = Vector.madd(middle, Constant.at(E5, TABLE + 0), r2);
    return f32x4.mul(r2, Vector.madd(low, high, r2));
  }

  /** x / ln 2, rounded to a whole number n by adding 1.5 * 2^23: n stands in the low bits. */
  @inline
  static rounded(x: v128): v128 {
    return Vector.madd(Constant.at(ROUNDER, TABLE + 32), x, Constant.at(LOG2E, TABLE + 28));
  }

  /** r = x - n ln 2. */
  @inline
  static remainder(x: v128, rounded: v128): v128 {
    const n = f32x4.sub(rounded, Constant.at(ROUNDER, TABLE + 32));
    const high = Vector.madd(x, n, Constant.at(MINUS_LN2_HIGH, TABLE + 36));
    return Vector.madd(high, n, Constant.at(MINUS_LN2_LOW, TABLE + 40));
  }

  /** e^r. */
  @inline
  static significand(x: v128, rounded: v128): v128 {
    const r = Exp.remainder(x, rounded);
    return f32x4.add(Constant.at(ONE, TABLE + 44), f32x4.add(r, Exp.tail(r)));
  }

  /**
   * e^x, within 2 ulp: reduction 0.25, fit 0.05, polynomial 1, last addition 0.5 ulp; a denormal result is rounded once
   * more. Overflows to +Inf above 88.7228, underflows to 0 below -103.9721.
   */
  @inline
  static exp(x: v128): v128 {
    // The limits stand second: a comparison with NaN is false and keeps it.
    const clamped = f32x4.pmin(f32x4.pmax(x, Constant.at(LOWEST, TABLE + 20)), Constant.at(HIGHEST, TABLE + 24));
    const rounded = Exp.rounded(clamped);
    // 2^n in two factors, since n reaches -150 and 128.
    const k = i32x4.sub(rounded, Constant.at(ROUNDER, TABLE + 32));
    const half = i32x4.shr_s(k, 1);
    const low = i32x4.shl(i32x4.add(half, Constant.at(BIAS, TABLE + 48)), 23);
    const high = i32x4.shl(i32x4.add(i32x4.sub(k, half), Constant.at(BIAS, TABLE + 48)), 23);
    return f32x4.mul(f32x4.mul(Exp.significand(clamped, rounded), low), high);
  }

  /** e^x for x <= 0, the bits of {@link exp} in fewer steps. */
  @inline
  static expNegative(x: v128): v128 {
    return isDefined(KERF_SMALL) ? sharedExpNegative(x) : Exp.expNegativeHere(x);
  }

  /**
   * {@link expNegative}, written out where it is called: 2^(n + 64) is a number for every n, and 2^-64 is one. Where the
   * result is 0, as it is for what masks leave out, a factor is: products that underflow take a hundred times as long.
   */
  @inline
  static expNegativeHere(x: v128): v128 {
    const lowest = Constant.at(LOWEST, TABLE + 20);
    const clamped = f32x4.pmax(x, lowest);
    const rounded = Exp.rounded(clamped);
    const lifted = i32x4.shl(i32x4.add(rounded, Constant.at(LIFTED_BIAS, TABLE + 52)), 23);
    const factor = v128.and(lifted, f32x4.gt(x, lowest));
    return f32x4.mul(f32x4.mul(Exp.significand(clamped, rounded), factor), Constant.at(LOWERED, TABLE + 56));
  }

  /** 2^n, for n from -126 to 127. */
  @inline
  static power(rounded: v128): v128 {
    return i32x4.shl(i32x4.add(rounded, Constant.at(BIAS, TABLE + 48)), 23);
  }

  /** e^x - 1 for x <= 0, within 4 ulp: (2^n - 1) + 2^n (e^r - 1), where nothing cancels near 0, since n is 0 there. */
  @inline
  static expm1Negative(x: v128): v128 {
    // e^-32 adds nothing to -1.
    const clamped = f32x4.pmax(x, f32x4.neg(Constant.at(SATURATED, TABLE + 60)));
    const rounded = Exp.rounded(clamped);
    const r = Exp.remainder(clamped, rounded);
    const s = Exp.power(rounded);
    return Vector.madd(f32x4.sub(s, Constant.at(ONE, TABLE + 44)), s, f32x4.add(r, Exp.tail(r)));
  }

  /** 1 / (1 + e^-x), within 4 ulp: computed from e^-|x|, so that it neither overflows nor cancels on either side. */
  @inline
  static sigmoid(x: v128): v128 {
    const one = Constant.at(ONE, TABLE + 44);
    const e = Exp.expNegative(v128.or(x, Constant.at(SIGN, TABLE + 68)));
    // 1 where x > 0, else e, which is below; the order keeps NaN.
    const numerator = f32x4.pmax(e, v128.and(one, f32x4.gt(x, f32x4.splat(0))));
    return f32x4.div(numerator, f32x4.add(one, e));
  }

  /**
   * tanh x, within 2 ulp. With t = |x|, 2t = n ln 2 + r, s = 2^n and E = e^2t - 1 = (s - 1) + s r + s (e^r - 1 - r):
   * E / (E + 2), for n <= 1 (t < 0.52) as t + (E - t (E + 2)) / (E + 2), whose quotient is small beside t: its numerator is
   * (s - 1) + s r - 2t, where little is left, and s (e^r - 1 - r) - t E.
   */
  @inline
  static tanh(x: v128): v128 {
    const one = Constant.at(ONE, TABLE + 44);
    const t = v128.andnot(x, Constant.at(SIGN, TABLE + 68));
    const u = f32x4.pmin(f32x4.add(t, t), Constant.at(SATURATED, TABLE + 60));
    const rounded = Exp.rounded(u);
    const r = Exp.remainder(u, rounded);
    const s = Exp.power(rounded);
    const linear = Vector.madd(f32x4.sub(s, one), s, r);
    const rest = f32x4.mul(s, Exp.tail(r));
    const e = f32x4.add(linear, rest);
    const near = v128.and(t, f32x4.le(f32x4.sub(rounded, Constant.at(ROUNDER, TABLE + 32)), one));
    const above = f32x4.add(f32x4.sub(linear, f32x4.add(near, near)), f32x4.sub(rest, f32x4.mul(near, e)));
    const y = f32x4.add(near, f32x4.div(above, f32x4.add(e, Constant.at(TWO, TABLE + 64))));
    return v128.or(y, v128.and(x, Constant.at(SIGN, TABLE + 68)));
  }
}
