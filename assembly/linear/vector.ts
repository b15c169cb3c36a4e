/** The arithmetic of one vector; methods, since TypeScript's grammar allows decorators only in classes. */
export class Vector {
  /** sum + a b; the relaxed build does not round the product where the machine can do without. */
  @inline
  static madd(sum: v128, a: v128, b: v128): v128 {
    if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, sum);
    return f32x4.add(sum, f32x4.mul(a, b));
  }

  /** NaN stays. */
  @inline
  static clamp(sum: v128, lo: f32, hi: f32): v128 {
    return f32x4.pmin(f32x4.pmax(sum, f32x4.splat(lo)), f32x4.splat(hi));
  }
}
