/** Natural logarithm, four lanes at a time. */
import { Vector } from '../linear/vector';
import { Constant } from './constant';
import { LN2_HI, LN2_LO } from './f32x4-exp';

const TINIEST: f32 = 1.1754943508222875e-38;
const SCALE: f32 = 8388608;
/** The exponent of SCALE. */
const SCALED_BY: f32 = 23;
const SQRT_HALF: f32 = 0.70710677;
const ONE: f32 = 1;
const TWO: f32 = 2;
const P3: f32 = 0.23583588;
const P2: f32 = 0.28537238;
const P1: f32 = 0.40000337;
const P0: f32 = 0.6666666;
const HALF: f32 = 0.5;
const LN2_HIGH: f32 = LN2_HI;
const LN2_LOW: f32 = LN2_LO;
const INFINITE: f32 = Infinity;
const TABLE: usize = isDefined(KERF_SMALL)
  ? 0
  : memory.data<f32>(
      [TINIEST, SCALE, SCALED_BY, SQRT_HALF, ONE, TWO, P3, P2, P1, P0, HALF, LN2_HIGH, LN2_LOW, INFINITE],
      4,
    );

/** One copy for the small modules. */
function sharedLog(x: v128): v128 {
  return Log.logHere(x);
}

/** ln x and ln(1 + x). */
export class Log {
  /**
   * ln x, within 2 ulp. x = 2^k m with m in [sqrt(1/2), sqrt(2)), f = m - 1, s = f / (2 + f):
   * ln m = f - (f^2/2 - s (f^2/2 + R)), R = s^2 P(s^2) (fit error 1e-11). Denormals are scaled by 2^23 first.
   * ln 0 = -Inf, ln of a negative number or NaN is NaN, ln Inf = Inf.
   */
  @inline
  static log(x: v128): v128 {
    return isDefined(KERF_SMALL) ? sharedLog(x) : Log.logHere(x);
  }

  /** {@link log}, written out where it is called. */
  @inline
  static logHere(x: v128): v128 {
    const zero = f32x4.splat(0);
    const isTiny = f32x4.lt(x, Constant.at(TINIEST, TABLE + 0));
    const scaled = v128.bitselect(f32x4.mul(x, Constant.at(SCALE, TABLE + 4)), x, isTiny);
    // Bits above sqrt(1/2) count as the next power of two.
    const k = i32x4.shr_s(i32x4.sub(scaled, Constant.at(SQRT_HALF, TABLE + 12)), 23);
    const m = i32x4.sub(scaled, i32x4.shl(k, 23));
    const n = f32x4.sub(f32x4.convert_i32x4_s(k), v128.and(isTiny, Constant.at(SCALED_BY, TABLE + 8)));
    const f = f32x4.sub(m, Constant.at(ONE, TABLE + 16));
    const s = f32x4.div(f, f32x4.add(f, Constant.at(TWO, TABLE + 20)));
    const z = f32x4.mul(s, s);
    let p = Constant.at(P3, TABLE + 24);
    p = Vector.madd(Constant.at(P2, TABLE + 28), p, z);
    p = Vector.madd(Constant.at(P1, TABLE + 32), p, z);
    p = Vector.madd(Constant.at(P0, TABLE + 36), p, z);
    const half = f32x4.mul(Constant.at(HALF, TABLE + 40), f32x4.mul(f, f));
    const correction = f32x4.mul(s, f32x4.add(half, f32x4.mul(z, p)));
    const low = f32x4.sub(half, f32x4.add(correction, f32x4.mul(n, Constant.at(LN2_LOW, TABLE + 48))));
    let y = f32x4.sub(f32x4.mul(n, Constant.at(LN2_HIGH, TABLE + 44)), f32x4.sub(low, f));
    // Outside 0 < x < Inf: x itself for Inf and NaN, -Inf for 0, NaN below 0.
    y = v128.bitselect(y, x, f32x4.lt(x, Constant.at(INFINITE, TABLE + 52)));
    y = v128.bitselect(f32x4.splat(-Infinity), y, f32x4.eq(x, zero));
    return v128.or(y, f32x4.lt(x, zero));
  }

  /** ln(1 + e) for 0 <= e <= 1, within 4 ulp: Kahan's ln(u) e / (u - 1), u = 1 + e rounded, which undoes the rounding. */
  @inline
  static log1pUnit(e: v128): v128 {
    const one = Constant.at(ONE, TABLE + 16);
    const u = f32x4.add(one, e);
    const y = f32x4.mul(Log.log(u), f32x4.div(e, f32x4.sub(u, one)));
    return v128.bitselect(e, y, f32x4.eq(u, one));
  }
}
