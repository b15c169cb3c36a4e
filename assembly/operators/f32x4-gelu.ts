/** GELU, four lanes at a time. */
import { Vector } from '../linear/vector';
import { Constant } from './constant';
import { Exp } from './f32x4-exp';

const Q11: f32 = 1.4176662e-9;
const Q10: f32 = -5.4932492e-8;
const Q9: f32 = 9.424996e-7;
const Q8: f32 = -9.337697e-6;
const Q7: f32 = 5.719293e-5;
const Q6: f32 = -0.0001956977;
const Q5: f32 = -1.4307181e-5;
const Q4: f32 = 0.0048494698;
const Q3: f32 = -0.03638198;
const Q2: f32 = -0.31829417;
const Q1: f32 = -0.7978866;
const Q0: f32 = -0.6931471;
const FAR: f32 = 6;
const TABLE: usize = isDefined(KERF_SMALL)
  ? 0
  : memory.data<f32>([Q0, Q1, Q2, Q3, Q4, Q5, Q6, Q7, Q8, Q9, Q10, Q11, FAR], 4);

export class Gelu {
  /** (a + b t) + (c + d t) t2. */
  @inline
  static cubic(a: v128, b: v128, c: v128, d: v128, t: v128, t2: v128): v128 {
    return Vector.madd(Vector.madd(a, b, t), Vector.madd(c, d, t), t2);
  }

  /**
   * x Phi(x), Phi the normal distribution: max(x, 0) - t e^Q(t) for t = min(|x|, 6), Q a fit of ln Phi(-t) on [0, 6] (error
   * 4.4e-8 of Phi). Nothing cancels, as 1 + erf does: within 4 ulp for x > -1, and within 2^-16 of itself down to -6; below,
   * where it is less than 6e-9, it stays -5.92e-9, at -Infinity too.
   */
  @inline
  static gelu(x: v128): v128 {
    const t = f32x4.pmin(f32x4.abs(x), Constant.at(FAR, TABLE + 48));
    // In pairs: one after the other, each product would wait for the sum before.
    const t2 = f32x4.mul(t, t);
    const t4 = f32x4.mul(t2, t2);
    const low = Gelu.cubic(
      Constant.at(Q0, TABLE + 0),
      Constant.at(Q1, TABLE + 4),
      Constant.at(Q2, TABLE + 8),
      Constant.at(Q3, TABLE + 12),
      t,
      t2,
    );
    const middle = Gelu.cubic(
      Constant.at(Q4, TABLE + 16),
      Constant.at(Q5, TABLE + 20),
      Constant.at(Q6, TABLE + 24),
      Constant.at(Q7, TABLE + 28),
      t,
      t2,
    );
    const high = Gelu.cubic(
      Constant.at(Q8, TABLE + 32),
      Constant.at(Q9, TABLE + 36),
      Constant.at(Q10, TABLE + 40),
      Constant.at(Q11, TABLE + 44),
      t,
      t2,
    );
    const q = Vector.madd(Vector.madd(low, middle, t4), high, f32x4.mul(t4, t4));
    return f32x4.sub(f32x4.pmax(x, f32x4.splat(0)), f32x4.mul(t, Exp.expNegative(q)));
  }
}
