/**
 * e^x and what is made of it, four lanes at a time.
 * Coefficients are weighted minimax fits, rounded to f32; ulp bounds hold over all floats, denormals included, and are
 * checked against f64. NaN gives NaN.
 */

/** ln 2 in two parts: 16 leading bits, so that n * LN2_HI is exact for |n| < 256, and the rest. */
export const LN2_HI: f32 = 45426.0 / 65536.0;
export const LN2_LO: f32 = 1.4286068203094172e-6;
const LOG2E: f32 = 1.4426950408889634;

/** e^x and its relatives; methods, since TypeScript's grammar allows decorators only in classes. */
export class Exp {
  /** e^r - 1 = r + r^2 q(r) for |r| <= ln(2)/2; fit error 3.2e-9 of e^r. */
  @inline
  static expm1Reduced(r: v128): v128 {
    let q = f32x4.splat(0.0013950558);
    q = f32x4.add(f32x4.mul(q, r), f32x4.splat(0.008368929));
    q = f32x4.add(f32x4.mul(q, r), f32x4.splat(0.041666206));
    q = f32x4.add(f32x4.mul(q, r), f32x4.splat(0.16666518));
    q = f32x4.add(f32x4.mul(q, r), f32x4.splat(0.5));
    return f32x4.add(r, f32x4.mul(f32x4.mul(r, r), q));
  }

  /**
   * e^x, within 2 ulp: reduction 0.25, fit 0.05, polynomial 1, last addition 0.5 ulp; a denormal result is rounded once
   * more. Overflows to +Inf above 88.7228, underflows to 0 below -103.9721.
   */
  @inline
  static exp(x: v128): v128 {
    // The limits stand second: a comparison with NaN is false and keeps it.
    const clamped = f32x4.pmin(f32x4.pmax(x, f32x4.splat(-104)), f32x4.splat(89));
    // Adding 1.5 * 2^23 rounds to a whole number, which then stands in the low bits.
    const rounded = f32x4.add(f32x4.mul(clamped, f32x4.splat(LOG2E)), f32x4.splat(12582912));
    const n = f32x4.sub(rounded, f32x4.splat(12582912));
    const r = f32x4.sub(f32x4.sub(clamped, f32x4.mul(n, f32x4.splat(LN2_HI))), f32x4.mul(n, f32x4.splat(LN2_LO)));
    const p = f32x4.add(f32x4.splat(1), Exp.expm1Reduced(r));
    // 2^n in two factors, since n reaches -150 and 128.
    const k = i32x4.sub(rounded, f32x4.splat(12582912));
    const half = i32x4.shr_s(k, 1);
    const low = i32x4.shl(i32x4.add(half, i32x4.splat(127)), 23);
    const high = i32x4.shl(i32x4.add(i32x4.sub(k, half), i32x4.splat(127)), 23);
    return f32x4.mul(f32x4.mul(p, low), high);
  }

  /** e^x - 1 for x <= 0, within 4 ulp: the polynomial alone near 0, where the subtraction would cancel. */
  @inline
  static expm1Negative(x: v128): v128 {
    const near = f32x4.gt(x, f32x4.splat(-0.34));
    const big = f32x4.sub(Exp.exp(x), f32x4.splat(1));
    return v128.bitselect(Exp.expm1Reduced(v128.and(x, near)), big, near);
  }

  /** 1 / (1 + e^-x), within 4 ulp: computed from e^-|x|, so that it neither overflows nor cancels on either side. */
  @inline
  static sigmoid(x: v128): v128 {
    const one = f32x4.splat(1);
    const e = Exp.exp(f32x4.neg(f32x4.abs(x)));
    const numerator = v128.bitselect(e, one, f32x4.lt(x, f32x4.splat(0)));
    return f32x4.div(numerator, f32x4.add(one, e));
  }

  /** tanh x, within 2 ulp: t + t^3 P(t^2) for t = |x| < 0.625 (fit error 4.2e-9), else 1 - 2 / (e^2t + 1). */
  @inline
  static tanh(x: v128): v128 {
    const one = f32x4.splat(1);
    const t = f32x4.abs(x);
    const z = f32x4.mul(t, t);
    let p = f32x4.splat(-0.0057165837);
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(0.020650193));
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-0.053743385));
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(0.1333149));
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-0.33333284));
    const small = f32x4.add(t, f32x4.mul(f32x4.mul(t, z), p));
    const big = f32x4.sub(one, f32x4.div(f32x4.splat(2), f32x4.add(Exp.exp(f32x4.add(t, t)), one)));
    const y = v128.bitselect(small, big, f32x4.lt(t, f32x4.splat(0.625)));
    return v128.or(y, v128.and(x, f32x4.splat(-0.0)));
  }
}
