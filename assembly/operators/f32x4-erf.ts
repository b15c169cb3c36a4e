/** The error function, four lanes at a time. */
import { Vector } from '../linear/vector';
import { Constant } from './constant';
import { Exp } from './f32x4-exp';

const P6: f32 = 7.889099e-5;
const P5: f32 = -0.0008020835;
const P4: f32 = 0.0051895347;
const P3: f32 = -0.026854444;
const P2: f32 = 0.112836;
const P1: f32 = -0.37612626;
const P0: f32 = 0.12837917;
const FAR: f32 = 4;
const Q6: f32 = 0.00018557478;
const Q5: f32 = -0.0029396147;
const Q4: f32 = 0.021805348;
const Q3: f32 = -0.103037424;
const Q2: f32 = -0.6382256;
const Q1: f32 = -1.12704;
const Q0: f32 = -0.0003537099;
const ONE: f32 = 1;
const SIGN: f32 = -0.0;
const TABLE: usize = isDefined(KERF_SMALL)
  ? 0
  : memory.data<f32>([P6, P5, P4, P3, P2, P1, P0, FAR, Q6, Q5, Q4, Q3, Q2, Q1, Q0, ONE, SIGN], 4);

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
    let p = Constant.at(P6, TABLE + 0);
    p = Vector.madd(Constant.at(P5, TABLE + 4), p, z);
    p = Vector.madd(Constant.at(P4, TABLE + 8), p, z);
    p = Vector.madd(Constant.at(P3, TABLE + 12), p, z);
    p = Vector.madd(Constant.at(P2, TABLE + 16), p, z);
    p = Vector.madd(Constant.at(P1, TABLE + 20), p, z);
    p = Vector.madd(Constant.at(P0, TABLE + 24), p, z);
    const small = f32x4.add(t, f32x4.mul(t, p));
    const c = f32x4.min(t, Constant.at(FAR, TABLE + 28));
    let q = Constant.at(Q6, TABLE + 32);
    q = Vector.madd(Constant.at(Q5, TABLE + 36), q, c);
    q = Vector.madd(Constant.at(Q4, TABLE + 40), q, c);
    q = Vector.madd(Constant.at(Q3, TABLE + 44), q, c);
    q = Vector.madd(Constant.at(Q2, TABLE + 48), q, c);
    q = Vector.madd(Constant.at(Q1, TABLE + 52), q, c);
    q = Vector.madd(Constant.at(Q0, TABLE + 56), q, c);
    const big = f32x4.sub(Constant.at(ONE, TABLE + 60), Exp.expNegative(q));
    const y = v128.bitselect(small, big, f32x4.lt(t, Constant.at(ONE, TABLE + 60)));
    return v128.or(y, v128.and(x, Constant.at(SIGN, TABLE + 64)));
  }
}
