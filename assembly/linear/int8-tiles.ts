/**
 * Micro-kernels of linear layers whose weights are int8: tiles of rows by outputs of one panel.
 *
 *     panel     | add[W] | scale[W] | pair 0: W outputs x 2 weights | pair 1 | ..      W = 16, or 8 in a half panel
 *     inputs    x[row][k] as int16, two to a 32-bit word; a last odd one beside a zero
 *     sums      i32, exact: every product is, and their number is bounded by whoever chose the range of the inputs
 *
 * A sum of integers is the same in any order, so all tiles, builds and machines give the same bits. Weights are widened
 * as they are loaded, or a panel at a time where it serves several rows: a quarter of the bytes of float32, and two products
 * an instruction lane.
 */
import { storeLanes } from './lanes';
import { Vector } from './vector';

/** One inlined body for all tiles. Methods, since TypeScript's grammar allows decorators only in classes. */
class Tile {
  /** Vector v of a pair row: 4 outputs, 2 weights each, of bytes for one row and of int16 for four. */
  @inline
  static weights(MR: i32, NV: i32, v: i32, ptr: usize): v128 {
    if (v >= NV) return i32x4.splat(0);
    if (MR > 1) return v === 0 ? v128.load(ptr) : v128.load(ptr, 16);
    if (v === 0) return v128.load8x8_s(ptr);
    if (v === 1) return v128.load8x8_s(ptr, 8);
    if (v === 2) return v128.load8x8_s(ptr, 16);
    return v128.load8x8_s(ptr, 24);
  }

  @inline
  static madd(sum: v128, x: v128, w: v128): v128 {
    return i32x4.add(sum, i32x4.dot_i16x8_s(x, w));
  }

  /**
   * Four rows by 8 outputs (MR 4, NV 2), or one by 8 or 16 (MR 1, NV 2 or 4), for `rows` rows, a multiple of MR.
   * @param isReal  y = clamp(add + sum (rowScale scale), lo, hi), float32; else y = sum + rowSum add, int32
   * @param count  outputs that are stored, 1..4 NV
   * @param infoPtr  of each row its scale, or its sum where outputs are integers
   * @param xBytes  of a row of inputs, a multiple of 4; says how many pairs there are
   * @param width  outputs of the panel; `first` of them stand before the tile
   * @param weightPtr  the panel's weights, bytes for one row and int16 for four
   */
  @inline
  static run(
    MR: i32,
    NV: i32,
    isReal: bool,
    rows: i32,
    count: i32,
    yPtr: usize,
    yBytes: usize,
    infoPtr: usize,
    xPtr: usize,
    xBytes: usize,
    panelPtr: usize,
    weightPtr: usize,
    width: usize,
    first: usize,
    lo: f32,
    hi: f32,
  ): void {
    const addPtr = panelPtr + (first << 2);
    const scaleBytes = width << 2;
    const wPtr = weightPtr + (first << (MR > 1 ? 2 : 1));
    const rowBytes = width << (MR > 1 ? 2 : 1);
    const endPtr = wPtr + (xBytes >> 2) * rowBytes;
    for (; rows > 0; rows -= MR) {
      const zero = i32x4.splat(0);
      let c00 = zero,
        c01 = zero,
        c02 = zero,
        c03 = zero;
      let c10 = zero,
        c11 = zero;
      let c20 = zero,
        c21 = zero;
      let c30 = zero,
        c31 = zero;
      let x0 = xPtr;
      let x1 = x0 + xBytes;
      let x2 = x1 + xBytes;
      let x3 = x2 + xBytes;
      for (let w = wPtr; w < endPtr; w += rowBytes) {
        const w0 = Tile.weights(MR, NV, 0, w);
        const w1 = Tile.weights(MR, NV, 1, w);
        const w2 = Tile.weights(MR, NV, 2, w);
        const w3 = Tile.weights(MR, NV, 3, w);
        let x = v128.load32_splat(x0);
        x0 += 4;
        c00 = Tile.madd(c00, x, w0);
        c01 = Tile.madd(c01, x, w1);
        if (NV > 2) c02 = Tile.madd(c02, x, w2);
        if (NV > 2) c03 = Tile.madd(c03, x, w3);
        if (MR > 1) {
          x = v128.load32_splat(x1);
          x1 += 4;
          c10 = Tile.madd(c10, x, w0);
          c11 = Tile.madd(c11, x, w1);
          x = v128.load32_splat(x2);
          x2 += 4;
          c20 = Tile.madd(c20, x, w0);
          c21 = Tile.madd(c21, x, w1);
          x = v128.load32_splat(x3);
          x3 += 4;
          c30 = Tile.madd(c30, x, w0);
          c31 = Tile.madd(c31, x, w1);
        }
      }
      let y = yPtr;
      storeHalf(isReal, y, count, c00, c01, infoPtr, addPtr, scaleBytes, lo, hi);
      if (NV > 2) storeHalf(isReal, y + 32, count - 8, c02, c03, infoPtr, addPtr + 32, scaleBytes, lo, hi);
      if (MR > 1) {
        y += yBytes;
        storeHalf(isReal, y, count, c10, c11, infoPtr + 4, addPtr, scaleBytes, lo, hi);
        y += yBytes;
        storeHalf(isReal, y, count, c20, c21, infoPtr + 8, addPtr, scaleBytes, lo, hi);
        y += yBytes;
        storeHalf(isReal, y, count, c30, c31, infoPtr + 12, addPtr, scaleBytes, lo, hi);
      }
      yPtr += <usize>MR * yBytes;
      xPtr += <usize>MR * xBytes;
      infoPtr += <usize>MR * 4;
    }
  }
}

/** Stores the first `count` of 8 outputs of a row, none if there are none. */
function storeHalf(
  isReal: bool,
  yPtr: usize,
  count: i32,
  low: v128,
  high: v128,
  infoPtr: usize,
  addPtr: usize,
  scaleBytes: usize,
  lo: f32,
  hi: f32,
): void {
  storeFour(isReal, yPtr, count, low, infoPtr, addPtr, scaleBytes, lo, hi);
  storeFour(isReal, yPtr + 16, count - 4, high, infoPtr, addPtr + 16, scaleBytes, lo, hi);
}

function storeFour(
  isReal: bool,
  yPtr: usize,
  count: i32,
  sum: v128,
  infoPtr: usize,
  addPtr: usize,
  scaleBytes: usize,
  lo: f32,
  hi: f32,
): void {
  if (count <= 0) return;
  const info = v128.load32_splat(infoPtr);
  const add = v128.load(addPtr);
  let y = i32x4.add(sum, i32x4.mul(info, add));
  if (isReal) {
    const scale = f32x4.mul(info, v128.load(addPtr + scaleBytes));
    y = Vector.clamp(f32x4.add(add, f32x4.mul(f32x4.convert_i32x4_s(sum), scale)), lo, hi);
  }
  storeLanes(yPtr, y, min(count, 4));
}

/** Eight outputs of four rows at a time. Parameters as in {@link Tile.run}. */
export function i16_gemm_4x8(
  isReal: bool,
  rows: i32,
  count: i32,
  yPtr: usize,
  yBytes: usize,
  infoPtr: usize,
  xPtr: usize,
  xBytes: usize,
  panelPtr: usize,
  weightPtr: usize,
  width: usize,
  first: usize,
  lo: f32,
  hi: f32,
): void {
  Tile.run(4, 2, isReal, rows, count, yPtr, yBytes, infoPtr, xPtr, xBytes, panelPtr, weightPtr, width, first, lo, hi);
}

/** A full panel of one row. Parameters as in {@link Tile.run}. */
export function i8_gemm_1x16(
  isReal: bool,
  rows: i32,
  count: i32,
  yPtr: usize,
  yBytes: usize,
  infoPtr: usize,
  xPtr: usize,
  xBytes: usize,
  panelPtr: usize,
  weightPtr: usize,
  width: usize,
  first: usize,
  lo: f32,
  hi: f32,
): void {
  Tile.run(1, 4, isReal, rows, count, yPtr, yBytes, infoPtr, xPtr, xBytes, panelPtr, weightPtr, width, first, lo, hi);
}

/** Eight outputs of one row. Parameters as in {@link Tile.run}. */
export function i8_gemm_1x8(
  isReal: bool,
  rows: i32,
  count: i32,
  yPtr: usize,
  yBytes: usize,
  infoPtr: usize,
  xPtr: usize,
  xBytes: usize,
  panelPtr: usize,
  weightPtr: usize,
  width: usize,
  first: usize,
  lo: f32,
  hi: f32,
): void {
  Tile.run(1, 2, isReal, rows, count, yPtr, yBytes, infoPtr, xPtr, xBytes, panelPtr, weightPtr, width, first, lo, hi);
}
