/**
 * Micro-kernels of the f32 linear layer: tiles of mr rows by nr outputs of one panel, over all rows given.
 *
 *     panel rows   | nr weights of k | nr weights of k+1 | ...      16 wide, or 8 for tiles of at most 8 outputs
 *     inputs       x[row][k], then z[row][r]                       read where they stand
 *     accumulators mr x nr                                         start from the bias row, or from y to go on
 *
 * Every output is one sum in one accumulator, k ascending, whatever the tile, so all tiles give the same bits.
 *
 * V8 hands out 15 vector registers and hoists the loads of a basic block to its top. So a tile is fast only when its
 * accumulators, one row of weights, its inputs and a temporary fit, and when each k step is a basic block of its own:
 * the `break` between the two steps of the loop body is there for an odd k, and to part the blocks.
 */
import { HALF_PANEL_ROW_BYTES, PANEL_ROW_BYTES, VECTOR_BYTES } from '../tile';
import { loadLanes, storeLanes } from './lanes';

/** One inlined body for all tiles. Methods, since TypeScript's grammar allows decorators only in classes. */
export class Tile {
  @inline
  static madd(sum: v128, a: v128, b: v128): v128 {
    return f32x4.add(sum, f32x4.mul(a, b));
  }

  /** Vector v of a tile row of NV vectors; only the last may be partial. */
  @inline
  static loadVector(NV: i32, v: i32, ptr: usize, count: i32): v128 {
    if (v < NV - 1) return v128.load(ptr + v * VECTOR_BYTES);
    if (v === NV - 1) return loadLanes(ptr + v * VECTOR_BYTES, count);
    return f32x4.splat(0);
  }

  /** Clamps a vector (NaN stays) and stores it; only the last of a tile row may be partial. */
  @inline
  static storeVector(NV: i32, v: i32, ptr: usize, sum: v128, count: i32, lo: f32, hi: f32): void {
    if (v >= NV) return;
    const y = f32x4.pmin(f32x4.pmax(sum, f32x4.splat(lo)), f32x4.splat(hi));
    if (v < NV - 1) v128.store(ptr + v * VECTOR_BYTES, y);
    else storeLanes(ptr + v * VECTOR_BYTES, y, count);
  }

  /** Vector v of the panel row at `ptr` (ahead = 0), or of the one after it (ahead = 1). */
  @inline
  static loadWeights(NV: i32, v: i32, ahead: i32, ptr: usize): v128 {
    if (v >= NV) return f32x4.splat(0);
    if (ahead === 0) {
      if (v === 0) return v128.load(ptr);
      if (v === 1) return v128.load(ptr, VECTOR_BYTES);
      if (v === 2) return v128.load(ptr, 2 * VECTOR_BYTES);
      return v128.load(ptr, 3 * VECTOR_BYTES);
    }
    if (NV > 2) {
      if (v === 0) return v128.load(ptr, PANEL_ROW_BYTES);
      if (v === 1) return v128.load(ptr, PANEL_ROW_BYTES + VECTOR_BYTES);
      if (v === 2) return v128.load(ptr, PANEL_ROW_BYTES + 2 * VECTOR_BYTES);
      return v128.load(ptr, PANEL_ROW_BYTES + 3 * VECTOR_BYTES);
    }
    if (v === 0) return v128.load(ptr, HALF_PANEL_ROW_BYTES);
    return v128.load(ptr, HALF_PANEL_ROW_BYTES + VECTOR_BYTES);
  }

  /**
   * y[m, 0..nr) = clamp(start + sum_k x[m, k] b[k] + sum_r z[m, r] b[K + r], lo, hi) for MR rows at a time.
   * MR and NV (vectors of 4 outputs) are literals; the statements beyond the tile vanish when compiled.
   * @param rows  a multiple of MR
   * @param count  outputs of the last vector, 1..4
   * @param startPtr  first sums; startBytes between rows: 0 for a bias row, the stride of y to go on with y
   */
  @inline
  static run(
    MR: i32,
    NV: i32,
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
    const rowBytes: usize = NV > 2 ? PANEL_ROW_BYTES : HALF_PANEL_ROW_BYTES;
    for (; rows > 0; rows -= MR) {
      let s = startPtr;
      let c00 = Tile.loadVector(NV, 0, s, count),
        c01 = Tile.loadVector(NV, 1, s, count);
      let c02 = Tile.loadVector(NV, 2, s, count),
        c03 = Tile.loadVector(NV, 3, s, count);
      if (MR > 1) s += startBytes;
      let c10 = Tile.loadVector(NV, 0, s, count),
        c11 = Tile.loadVector(NV, 1, s, count);
      let c12 = Tile.loadVector(NV, 2, s, count),
        c13 = Tile.loadVector(NV, 3, s, count);
      if (MR > 2) s += startBytes;
      let c20 = Tile.loadVector(NV, 0, s, count),
        c21 = Tile.loadVector(NV, 1, s, count);
      if (MR > 2) s += startBytes;
      let c30 = Tile.loadVector(NV, 0, s, count),
        c31 = Tile.loadVector(NV, 1, s, count);

      let b = wPtr;
      let end = b + <usize>K * rowBytes;
      let x0 = xPtr;
      let x1 = x0 + xBytes;
      let x2 = x1 + xBytes;
      let x3 = x2 + xBytes;
      let rest = R;
      for (;;) {
        if (b < end) {
          const last = end - rowBytes;
          do {
            let b0 = Tile.loadWeights(NV, 0, 0, b),
              b1 = Tile.loadWeights(NV, 1, 0, b);
            let b2 = Tile.loadWeights(NV, 2, 0, b),
              b3 = Tile.loadWeights(NV, 3, 0, b);
            let a = v128.load32_splat(x0);
            c00 = Tile.madd(c00, a, b0);
            if (NV > 1) c01 = Tile.madd(c01, a, b1);
            if (NV > 2) c02 = Tile.madd(c02, a, b2);
            if (NV > 3) c03 = Tile.madd(c03, a, b3);
            if (MR > 1) {
              a = v128.load32_splat(x1);
              c10 = Tile.madd(c10, a, b0);
              if (NV > 1) c11 = Tile.madd(c11, a, b1);
              if (NV > 2) c12 = Tile.madd(c12, a, b2);
              if (NV > 3) c13 = Tile.madd(c13, a, b3);
            }
            if (MR > 2) {
              a = v128.load32_splat(x2);
              c20 = Tile.madd(c20, a, b0);
              if (NV > 1) c21 = Tile.madd(c21, a, b1);
              a = v128.load32_splat(x3);
              c30 = Tile.madd(c30, a, b0);
              if (NV > 1) c31 = Tile.madd(c31, a, b1);
            }
            if (b === last) break;
            (b0 = Tile.loadWeights(NV, 0, 1, b)), (b1 = Tile.loadWeights(NV, 1, 1, b));
            (b2 = Tile.loadWeights(NV, 2, 1, b)), (b3 = Tile.loadWeights(NV, 3, 1, b));
            a = v128.load32_splat(x0, 4);
            c00 = Tile.madd(c00, a, b0);
            if (NV > 1) c01 = Tile.madd(c01, a, b1);
            if (NV > 2) c02 = Tile.madd(c02, a, b2);
            if (NV > 3) c03 = Tile.madd(c03, a, b3);
            if (MR > 1) {
              a = v128.load32_splat(x1, 4);
              c10 = Tile.madd(c10, a, b0);
              if (NV > 1) c11 = Tile.madd(c11, a, b1);
              if (NV > 2) c12 = Tile.madd(c12, a, b2);
              if (NV > 3) c13 = Tile.madd(c13, a, b3);
            }
            if (MR > 2) {
              a = v128.load32_splat(x2, 4);
              c20 = Tile.madd(c20, a, b0);
              if (NV > 1) c21 = Tile.madd(c21, a, b1);
              a = v128.load32_splat(x3, 4);
              c30 = Tile.madd(c30, a, b0);
              if (NV > 1) c31 = Tile.madd(c31, a, b1);
            }
            b += 2 * rowBytes;
            x0 += 8;
            if (MR > 1) x1 += 8;
            if (MR > 2) {
              x2 += 8;
              x3 += 8;
            }
          } while (b < end);
        }
        if (rest === 0) break;
        b = end;
        end += <usize>rest * rowBytes;
        rest = 0;
        x0 = zPtr;
        x1 = x0 + zBytes;
        x2 = x1 + zBytes;
        x3 = x2 + zBytes;
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
        y += yBytes;
        Tile.storeVector(NV, 0, y, c30, count, lo, hi);
        Tile.storeVector(NV, 1, y, c31, count, lo, hi);
      }
      yPtr += <usize>MR * yBytes;
      startPtr += <usize>MR * startBytes;
      xPtr += <usize>MR * xBytes;
      zPtr += <usize>MR * zBytes;
    }
  }
}
