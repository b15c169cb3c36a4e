/** Reductions of a contiguous axis in the order of reduce.ts: four vectors hold the 16 partials. */
import { Lanes } from '../linear/lanes';
import { Exp } from './f32x4-exp';

/**
 * What is reduced: the largest element, passing over NaN; the sum of elements, or of e^(x - offset); the largest and the
 * smallest; the sum of squares, of absolute values.
 */
export const enum RowTerm {
  TOP,
  PLAIN,
  EXP,
  MAX,
  MIN,
  SQUARE,
  ABS,
}

/** One inlined body for all; t is a literal. */
export class Row {
  @inline
  static neutral(t: RowTerm): v128 {
    if (t == RowTerm.MIN) return f32x4.splat(Infinity);
    return f32x4.splat(t == RowTerm.TOP || t == RowTerm.MAX ? -Infinity : 0);
  }

  @inline
  static merge(t: RowTerm, a: v128, b: v128): v128 {
    if (t == RowTerm.TOP) return f32x4.pmax(a, b);
    if (t == RowTerm.MAX) return f32x4.max(a, b);
    return t == RowTerm.MIN ? f32x4.min(a, b) : f32x4.add(a, b);
  }

  @inline
  static take(t: RowTerm, p: v128, x: v128, offset: v128): v128 {
    if (t == RowTerm.EXP) return Row.merge(t, p, Exp.expNegative(f32x4.sub(x, offset)));
    if (t == RowTerm.SQUARE) return Row.merge(t, p, f32x4.mul(x, x));
    return Row.merge(t, p, t == RowTerm.ABS ? f32x4.abs(x) : x);
  }

  @inline
  static reduce(t: RowTerm, xPtr: usize, axis: i32, offset: v128): f32 {
    let p0 = Row.neutral(t);
    let p1 = p0;
    let p2 = p0;
    let p3 = p0;
    while (axis >= 16) {
      p0 = Row.take(t, p0, v128.load(xPtr), offset);
      p1 = Row.take(t, p1, v128.load(xPtr, 16), offset);
      p2 = Row.take(t, p2, v128.load(xPtr, 32), offset);
      p3 = Row.take(t, p3, v128.load(xPtr, 48), offset);
      xPtr += 64;
      axis -= 16;
    }
    // Up to 15 left: whole vectors, then single elements; a lane without one keeps its partial.
    for (let q = 0; axis > 0; q++) {
      let p = q == 0 ? p0 : q == 1 ? p1 : q == 2 ? p2 : p3;
      const taken = Row.take(t, p, Lanes.load(xPtr, min(4, axis)), offset);
      const isHere = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(axis));
      p = v128.bitselect(taken, p, isHere);
      if (q == 0) p0 = p;
      else if (q == 1) p1 = p;
      else if (q == 2) p2 = p;
      else p3 = p;
      xPtr += 16;
      axis -= 4;
    }
    let b = Row.merge(t, Row.merge(t, p0, p2), Row.merge(t, p1, p3));
    b = Row.merge(t, b, i32x4.shuffle(b, b, 2, 3, 0, 1));
    return f32x4.extract_lane(Row.merge(t, b, i32x4.shuffle(b, b, 1, 0, 3, 2)), 0);
  }
}
