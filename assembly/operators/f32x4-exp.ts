/**
 * e^x and what is made of it, four lanes at a time.
 * Coefficients are weighted minimax fits, rounded to f32; ulp bounds hold over all floats, denormals included, and are
 * checked against f64. NaN gives NaN.
 */

import { Constant } from './constant';

/** ln 2 in two parts: 16 leading bits, so that n * LN2_HI is exact for |n| < 256, and the rest. */
export const LN2_HI: f32 = 45426.0 / 65536.0;
export const LN2_LO: f32 = 1.4286068203094172e-6;

const E5: f32 = 0.0013950558;
const E4: f32 = 0.008368929;
const E3: f32 = 0.041666206;
const E2: f32 = 0.16666518;
const HALF: f32 = 0.5;
const ZERO_BELOW: f32 = -88;
const LOWEST: f32 = -104;
const HIGHEST: f32 = 89;
const LOG2E: f32 = 1.4426950408889634;
const ROUNDER: f32 = 12582912;
const LN2_HIGH: f32 = LN2_HI;
const LN2_LOW: f32 = LN2_LO;
const ONE: f32 = 1;
/** The integer 127, by its bits. */
const BIAS: f32 = 1.7796490496925177e-43;
const NEAR: f32 = -0.34;
const T5: f32 = -0.0057165837;
const T4: f32 = 0.020650193;
const T3: f32 = -0.053743385;
const T2: f32 = 0.1333149;
const T1: f32 = -0.33333284;
const TWO: f32 = 2;
const SMALL: f32 = 0.625;
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
        ZERO_BELOW,
        LOWEST,
        HIGHEST,
        LOG2E,
        ROUNDER,
        LN2_HIGH,
        LN2_LOW,
        ONE,
        BIAS,
        NEAR,
        T5,
        T4,
        T3,
        T2,
        T1,
        TWO,
        SMALL,
        SIGN,
      ],
      4,
    );

/** One copy for the small modules, which it makes a twentieth smaller. */
function sharedExp(x: v128): v128 {
  return Exp.expHere(x);
}

/** e^x and its relatives; methods, since TypeScript's grammar allows decorators only in classes. */
export class Exp {
  /** e^r - 1 = r + r^2 q(r) for |r| <= ln(2)/2; fit error 3.2e-9 of e^r. */
  @inline
  static expm1Reduced(r: v128): v128 {
    let q = Constant.at(E5, TABLE + 0);
    q = f32x4.add(f32x4.mul(q, r), Constant.at(E4, TABLE + 4));
    q = f32x4.add(f32x4.mul(q, r), Constant.at(E3, TABLE + 8));
    q = f32x4.add(f32x4.mul(q, r), Constant.at(E2, TABLE + 12));
    q = f32x4.add(f32x4.mul(q, r), Constant.at(HALF, TABLE + 16));
    return f32x4.add(r, f32x4.mul(f32x4.mul(r, r), q));
  }

  /**
   * e^x, within 2 ulp: reduction 0.25, fit 0.05, polynomial 1, last addition 0.5 ulp; a denormal result is rounded once
   * more. Overflows to +Inf above 88.7228, underflows to 0 below -103.9721.
   */
  @inline
  static exp(x: v128): v128 {
    return isDefined(KERF_SMALL) ? sharedExp(x) : Exp.expHere(x);
  }

  /** {@link exp}, written out where it is called. */
  @inline
  static expHere(x: v128): v128 {
    // The limits stand second: a comparison with NaN is false and keeps it.
    const clamped = f32x4.pmin(f32x4.pmax(x, Constant.at(LOWEST, TABLE + 24)), Constant.at(HIGHEST, TABLE + 28));
    // Adding 1.5 * 2^23 rounds to a whole number, which then stands in the low bits.
    const rounded = f32x4.add(f32x4.mul(clamped, Constant.at(LOG2E, TABLE + 32)), Constant.at(ROUNDER, TABLE + 36));
    const n = f32x4.sub(rounded, Constant.at(ROUNDER, TABLE + 36));
    const r = f32x4.sub(
      f32x4.sub(clamped, f32x4.mul(n, Constant.at(LN2_HIGH, TABLE + 40))),
      f32x4.mul(n, Constant.at(LN2_LOW, TABLE + 44)),
    );
    const p = f32x4.add(Constant.at(ONE, TABLE + 48), Exp.expm1Reduced(r));
    // 2^n in two factors, since n reaches -150 and 128.
    const k = i32x4.sub(rounded, Constant.at(ROUNDER, TABLE + 36));
    const half = i32x4.shr_s(k, 1);
    const low = i32x4.shl(i32x4.add(half, Constant.at(BIAS, TABLE + 52)), 23);
    const high = i32x4.shl(i32x4.add(i32x4.sub(k, half), Constant.at(BIAS, TABLE + 52)), 23);
    return f32x4.mul(f32x4.mul(p, low), high);
  }

  /**
   * e^x for x <= 0 as {@link exp}, but 0 below -87.7, where it is less than 1.2 * 2^-127: 2^n then takes one factor, and a
   * number without a normal one is 0. What is added up to 1 and more may leave out so little.
   */
  @inline
  static expNegative(x: v128): v128 {
    const clamped = f32x4.pmax(x, Constant.at(ZERO_BELOW, TABLE + 20));
    const rounded = f32x4.add(f32x4.mul(clamped, Constant.at(LOG2E, TABLE + 32)), Constant.at(ROUNDER, TABLE + 36));
    const n = f32x4.sub(rounded, Constant.at(ROUNDER, TABLE + 36));
    const r = f32x4.sub(
      f32x4.sub(clamped, f32x4.mul(n, Constant.at(LN2_HIGH, TABLE + 40))),
      f32x4.mul(n, Constant.at(LN2_LOW, TABLE + 44)),
    );
    const p = f32x4.add(Constant.at(ONE, TABLE + 48), Exp.expm1Reduced(r));
    // The low bits of `rounded` are n; n = -127 gives 2^n = 0.
    return f32x4.mul(p, i32x4.shl(i32x4.add(rounded, Constant.at(BIAS, TABLE + 52)), 23));
  }

  /** e^x - 1 for x <= 0, within 4 ulp: the polynomial alone near 0, where the subtraction would cancel. */
  @inline
  static expm1Negative(x: v128): v128 {
    const near = f32x4.gt(x, Constant.at(NEAR, TABLE + 56));
    const big = f32x4.sub(Exp.exp(x), Constant.at(ONE, TABLE + 48));
    return v128.bitselect(Exp.expm1Reduced(v128.and(x, near)), big, near);
  }

  /** 1 / (1 + e^-x), within 4 ulp: computed from e^-|x|, so that it neither overflows nor cancels on either side. */
  @inline
  static sigmoid(x: v128): v128 {
    const one = Constant.at(ONE, TABLE + 48);
    const e = Exp.exp(f32x4.neg(f32x4.abs(x)));
    const numerator = v128.bitselect(e, one, f32x4.lt(x, f32x4.splat(0)));
    return f32x4.div(numerator, f32x4.add(one, e));
  }

  /** tanh x, within 2 ulp: t + t^3 P(t^2) for t = |x| < 0.625 (fit error 4.2e-9), else 1 - 2 / (e^2t + 1). */
  @inline
  static tanh(x: v128): v128 {
    const one = Constant.at(ONE, TABLE + 48);
    const t = f32x4.abs(x);
    const z = f32x4.mul(t, t);
    let p = Constant.at(T5, TABLE + 60);
    p = f32x4.add(f32x4.mul(p, z), Constant.at(T4, TABLE + 64));
    p = f32x4.add(f32x4.mul(p, z), Constant.at(T3, TABLE + 68));
    p = f32x4.add(f32x4.mul(p, z), Constant.at(T2, TABLE + 72));
    p = f32x4.add(f32x4.mul(p, z), Constant.at(T1, TABLE + 76));
    const small = f32x4.add(t, f32x4.mul(f32x4.mul(t, z), p));
    const big = f32x4.sub(one, f32x4.div(Constant.at(TWO, TABLE + 80), f32x4.add(Exp.exp(f32x4.add(t, t)), one)));
    const y = v128.bitselect(small, big, f32x4.lt(t, Constant.at(SMALL, TABLE + 84)));
    return v128.or(y, v128.and(x, Constant.at(SIGN, TABLE + 88)));
  }
}
