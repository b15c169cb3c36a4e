/**
 * Micro-kernels of the f32 linear layer: tiles of mr rows by nr outputs of one panel, over all rows given.
 *
 *     panel rows   | nr weights of k | nr weights of k+1 | ...      16 wide, or 8 in a half panel
 *     inputs       x[row][k], then z[row][r]                       read where they stand
 *     accumulators mr x nr                                         start from the bias row, or from y to go on
 *
 * Every output is one sum in one accumulator, k ascending, whatever the tile, so all tiles of a build give the same
 * bits. In the relaxed build a product is not rounded before it is added, where the machine can do so.
 *
 * V8 hands out 15 vector registers and hoists the loads of a basic block to its top. So a tile is fast only when its
 * accumulators, one row of weights, its inputs and a temporary fit, and when each k step is a basic block of its own.
 */
import { VECTOR_BYTES } from '../tile';
import { Lanes } from './lanes';
import { Vector } from './vector';

/** One inlined body for all tiles. Methods, since TypeScript's grammar allows decorators only in classes. */
export class Tile {
  /** Vector v of a tile row of NV vectors, 0 for a row beyond the tile; only the last may be partial. */
  @inline
  static loadVector(NV: i32, v: i32, ptr: usize, count: i32): v128 {
    if (v < NV - 1) return v128.load(ptr + v * VECTOR_BYTES);
    if (v === NV - 1) return Lanes.load(ptr + v * VECTOR_BYTES, count);
    return f32x4.splat(0);
  }

  /** Clamps a vector (NaN stays) and stores it; only the last of a tile row may be partial. */
  @inline
  static storeVector(NV: i32, v: i32, ptr: usize, sum: v128, count: i32, lo: f32, hi: f32): void {
    if (v >= NV) return;
    const y = Vector.clamp(sum, lo, hi);
    if (v < NV - 1) v128.store(ptr + v * VECTOR_BYTES, y);
    else Lanes.store(ptr + v * VECTOR_BYTES, y, count);
  }

  /** Vector v of the panel row at `ptr`. */
  @inline
  static loadWeights(NV: i32, v: i32, ptr: usize): v128 {
    if (v >= NV) return f32x4.splat(0);
    if (v === 0) return v128.load(ptr);
    if (v === 1) return v128.load(ptr, VECTOR_BYTES);
    if (v === 2) return v128.load(ptr, 2 * VECTOR_BYTES);
    return v128.load(ptr, 3 * VECTOR_BYTES);
  }

  /**
   * y[m, 0..nr) = clamp(start + sum_k x[m, k] b[k] + sum_r z[m, r] b[K + r], lo, hi) for MR rows at a time.
   * MR (1, 2, 4, 6), NV (vectors of 4 outputs; at most 2 for 6 rows) and rowBytes (of the panel) are literals; the
   * statements beyond the tile vanish when compiled.
   * @param rows  a multiple of MR
   * @param count  outputs of the last vector, 1..4
   * @param startPtr  first sums; startBytes between rows: 0 for a bias row, the stride of y to go on with y
   */
  @inline
  static run(
    MR: i32,
    NV: i32,
    rowBytes: usize,
    rows: i32,
    count: i32,
    yPtr: usize,
    yBytes: usize,
    startPtr: usize,
    startBytes: usize,
    xPtr: usize,
    xBytes: usize,
    K: i32,
    zPtr: usize,
    zBytes: usize,
    R: i32,
    wPtr: usize,
    lo: f32,
    hi: f32,
  ): void {
    for (; rows > 0; rows -= MR) {
      let s = startPtr;
      let c00 = Tile.loadVector(NV, 0, s, count),
        c01 = Tile.loadVector(NV, 1, s, count);
      let c02 = Tile.loadVector(NV, 2, s, count),
        c03 = Tile.loadVector(NV, 3, s, count);
      if (MR > 1) s += startBytes;
      let c10 = Tile.loadVector(MR > 1 ? NV : 0, 0, s, count),
        c11 = Tile.loadVector(MR > 1 ? NV : 0, 1, s, count);
      let c12 = Tile.loadVector(MR > 1 ? NV : 0, 2, s, count),
        c13 = Tile.loadVector(MR > 1 ? NV : 0, 3, s, count);
      if (MR > 2) s += startBytes;
      let c20 = Tile.loadVector(MR > 2 ? NV : 0, 0, s, count),
        c21 = Tile.loadVector(MR > 2 ? NV : 0, 1, s, count);
      let c22 = Tile.loadVector(MR > 2 ? NV : 0, 2, s, count),
        c23 = Tile.loadVector(MR > 2 ? NV : 0, 3, s, count);
      if (MR > 2) s += startBytes;
      let c30 = Tile.loadVector(MR > 2 ? NV : 0, 0, s, count),
        c31 = Tile.loadVector(MR > 2 ? NV : 0, 1, s, count);
      let c32 = Tile.loadVector(MR > 2 ? NV : 0, 2, s, count),
        c33 = Tile.loadVector(MR > 2 ? NV : 0, 3, s, count);
      if (MR > 4) s += startBytes;
      let c40 = Tile.loadVector(MR > 4 ? NV : 0, 0, s, count),
        c41 = Tile.loadVector(MR > 4 ? NV : 0, 1, s, count);
      if (MR > 4) s += startBytes;
      let c50 = Tile.loadVector(MR > 4 ? NV : 0, 0, s, count),
        c51 = Tile.loadVector(MR > 4 ? NV : 0, 1, s, count);

      let b = wPtr;
      let end = b + <usize>K * rowBytes;
      let x0 = xPtr;
      let x1 = x0 + xBytes;
      let x2 = x1 + xBytes;
      let x3 = x2 + xBytes;
      let x4 = x3 + xBytes;
      let x5 = x4 + xBytes;
      let rest = R;
      for (;;) {
        while (b < end) {
          const b0 = Tile.loadWeights(NV, 0, b);
          const b1 = Tile.loadWeights(NV, 1, b);
          const b2 = Tile.loadWeights(NV, 2, b);
          const b3 = Tile.loadWeights(NV, 3, b);
          let a = v128.load32_splat(x0);
          c00 = Vector.madd(c00, a, b0);
          if (NV > 1) c01 = Vector.madd(c01, a, b1);
          if (NV > 2) c02 = Vector.madd(c02, a, b2);
          if (NV > 3) c03 = Vector.madd(c03, a, b3);
          x0 += 4;
          if (MR > 1) {
            a = v128.load32_splat(x1);
            c10 = Vector.madd(c10, a, b0);
            if (NV > 1) c11 = Vector.madd(c11, a, b1);
            if (NV > 2) c12 = Vector.madd(c12, a, b2);
            if (NV > 3) c13 = Vector.madd(c13, a, b3);
            x1 += 4;
          }
          if (MR > 2) {
            a = v128.load32_splat(x2);
            c20 = Vector.madd(c20, a, b0);
            if (NV > 1) c21 = Vector.madd(c21, a, b1);
            if (NV > 2) c22 = Vector.madd(c22, a, b2);
            if (NV > 3) c23 = Vector.madd(c23, a, b3);
            x2 += 4;
            a = v128.load32_splat(x3);
            c30 = Vector.madd(c30, a, b0);
            if (NV > 1) c31 = Vector.madd(c31, a, b1);
            if (NV > 2) c32 = Vector.madd(c32, a, b2);
            if (NV > 3) c33 = Vector.madd(c33, a, b3);
            x3 += 4;
          }
          if (MR > 4) {
            a = v128.load32_splat(x4);
            c40 = Vector.madd(c40, a, b0);
            if (NV > 1) c41 = Vector.madd(c41, a, b1);
            x4 += 4;
            a = v128.load32_splat(x5);
            c50 = Vector.madd(c50, a, b0);
            if (NV > 1) c51 = Vector.madd(c51, a, b1);
            x5 += 4;
          }
          b += rowBytes;
        }
        if (rest === 0) break;
        end += <usize>rest * rowBytes;
        rest = 0;
        x0 = zPtr;
        x1 = x0 + zBytes;
        x2 = x1 + zBytes;
        x3 = x2 + zBytes;
        x4 = x3 + zBytes;
        x5 = x4 + zBytes;
      }

      let y = yPtr;
      Tile.storeVector(NV, 0, y, c00, count, lo, hi);
      Tile.storeVector(NV, 1, y, c01, count, lo, hi);
      Tile.storeVector(NV, 2, y, c02, count, lo, hi);
      Tile.storeVector(NV, 3, y, c03, count, lo, hi);
      if (MR > 1) {
        y += yBytes;
        Tile.storeVector(NV, 0, y, c10, count, lo, hi);
        Tile.storeVector(NV, 1, y, c11, count, lo, hi);
        Tile.storeVector(NV, 2, y, c12, count, lo, hi);
        Tile.storeVector(NV, 3, y, c13, count, lo, hi);
      }
      if (MR > 2) {
        y += yBytes;
        Tile.storeVector(NV, 0, y, c20, count, lo, hi);
        Tile.storeVector(NV, 1, y, c21, count, lo, hi);
        Tile.storeVector(NV, 2, y, c22, count, lo, hi);
        Tile.storeVector(NV, 3, y, c23, count, lo, hi);
        y += yBytes;
        Tile.storeVector(NV, 0, y, c30, count, lo, hi);
        Tile.storeVector(NV, 1, y, c31, count, lo, hi);
        Tile.storeVector(NV, 2, y, c32, count, lo, hi);
        Tile.storeVector(NV, 3, y, c33, count, lo, hi);
      }
      if (MR > 4) {
        y += yBytes;
        Tile.storeVector(NV, 0, y, c40, count, lo, hi);
        Tile.storeVector(NV, 1, y, c41, count, lo, hi);
        y += yBytes;
        Tile.storeVector(NV, 0, y, c50, count, lo, hi);
        Tile.storeVector(NV, 1, y, c51, count, lo, hi);
      }
      yPtr += <usize>MR * yBytes;
      startPtr += <usize>MR * startBytes;
      xPtr += <usize>MR * xBytes;
      zPtr += <usize>MR * zBytes;
    }
  }
}
