/** The error function, four lanes at a time. */
import { Exp } from './f32x4-exp';

/** erf x. */
export class Erf {
  /**
   * erf x, within 3 ulp: with t = |x|, t + t P(t^2) below 1 (fit error 1.2e-9), above 1 - e^Q(t) with Q a fit of
   * ln erfc t on [1, 4] (error 1.1e-9 of erf), 1 beyond.
   */
  @inline
  static erf(x: v128): v128 {
    const t = f32x4.abs(x);
    const z = f32x4.mul(t, t);
    let p = f32x4.splat(7.889099e-5);
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-0.0008020835));
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(0.0051895347));
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-0.026854444));
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(0.112836));
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-0.37612626));
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(0.12837917));
    const small = f32x4.add(t, f32x4.mul(t, p));
    const c = f32x4.min(t, f32x4.splat(4));
    let q = f32x4.splat(0.00018557478);
    q = f32x4.add(f32x4.mul(q, c), f32x4.splat(-0.0029396147));
    q = f32x4.add(f32x4.mul(q, c), f32x4.splat(0.021805348));
    q = f32x4.add(f32x4.mul(q, c), f32x4.splat(-0.103037424));
    q = f32x4.add(f32x4.mul(q, c), f32x4.splat(-0.6382256));
    q = f32x4.add(f32x4.mul(q, c), f32x4.splat(-1.12704));
    q = f32x4.add(f32x4.mul(q, c), f32x4.splat(-0.0003537099));
    const big = f32x4.sub(f32x4.splat(1), Exp.exp(q));
    const y = v128.bitselect(small, big, f32x4.lt(t, f32x4.splat(1)));
    return v128.or(y, v128.and(x, f32x4.splat(-0.0)));
  }
}
