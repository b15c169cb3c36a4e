/**
 * The tile for hosts that join two vectors of 128 bits into one of 256 (V8's revectorization). V8 joins what ends in
 * two stores side by side and passes nothing but loads, products and sums, so this tile neither clamps nor ends early.
 */
import { PANEL_ROW_BYTES, VECTOR_BYTES } from '../tile';
import { Vector } from './vector';

/**
 * y[m, 0..16) = start + sum_k x[m, k] b[k] for six rows at a time; parameters as in Tile.run.
 * @param rows  a multiple of 6
 */
export function f32_gemm_6x16(
  rows: i32,
  yPtr: usize,
  yBytes: usize,
  startPtr: usize,
  startBytes: usize,
  xPtr: usize,
  xBytes: usize,
  K: i32,
  wPtr: usize,
): void {
  for (; rows > 0; rows -= 6) {
    let s = startPtr;
    let c00 = v128.load(s),
      c01 = v128.load(s, VECTOR_BYTES);
    let c02 = v128.load(s, 2 * VECTOR_BYTES),
      c03 = v128.load(s, 3 * VECTOR_BYTES);
    s += startBytes;
    let c10 = v128.load(s),
      c11 = v128.load(s, VECTOR_BYTES);
    let c12 = v128.load(s, 2 * VECTOR_BYTES),
      c13 = v128.load(s, 3 * VECTOR_BYTES);
    s += startBytes;
    let c20 = v128.load(s),
      c21 = v128.load(s, VECTOR_BYTES);
    let c22 = v128.load(s, 2 * VECTOR_BYTES),
      c23 = v128.load(s, 3 * VECTOR_BYTES);
    s += startBytes;
    let c30 = v128.load(s),
      c31 = v128.load(s, VECTOR_BYTES);
    let c32 = v128.load(s, 2 * VECTOR_BYTES),
      c33 = v128.load(s, 3 * VECTOR_BYTES);
    s += startBytes;
    let c40 = v128.load(s),
      c41 = v128.load(s, VECTOR_BYTES);
    let c42 = v128.load(s, 2 * VECTOR_BYTES),
      c43 = v128.load(s, 3 * VECTOR_BYTES);
    s += startBytes;
    let c50 = v128.load(s),
      c51 = v128.load(s, VECTOR_BYTES);
    let c52 = v128.load(s, 2 * VECTOR_BYTES),
      c53 = v128.load(s, 3 * VECTOR_BYTES);
    let x0 = xPtr;
    let x1 = x0 + xBytes;
    let x2 = x1 + xBytes;
    let x3 = x2 + xBytes;
    let x4 = x3 + xBytes;
    let x5 = x4 + xBytes;
    const end = wPtr + <usize>K * PANEL_ROW_BYTES;
    for (let b = wPtr; b < end; b += PANEL_ROW_BYTES) {
      const b0 = v128.load(b);
      const b1 = v128.load(b, VECTOR_BYTES);
      const b2 = v128.load(b, 2 * VECTOR_BYTES);
      const b3 = v128.load(b, 3 * VECTOR_BYTES);
      let a = v128.load32_splat(x0);
      c00 = Vector.madd(c00, a, b0);
      c01 = Vector.madd(c01, a, b1);
      c02 = Vector.madd(c02, a, b2);
      c03 = Vector.madd(c03, a, b3);
      a = v128.load32_splat(x1);
      c10 = Vector.madd(c10, a, b0);
      c11 = Vector.madd(c11, a, b1);
      c12 = Vector.madd(c12, a, b2);
      c13 = Vector.madd(c13, a, b3);
      a = v128.load32_splat(x2);
      c20 = Vector.madd(c20, a, b0);
      c21 = Vector.madd(c21, a, b1);
      c22 = Vector.madd(c22, a, b2);
      c23 = Vector.madd(c23, a, b3);
      a = v128.load32_splat(x3);
      c30 = Vector.madd(c30, a, b0);
      c31 = Vector.madd(c31, a, b1);
      c32 = Vector.madd(c32, a, b2);
      c33 = Vector.madd(c33, a, b3);
      a = v128.load32_splat(x4);
      c40 = Vector.madd(c40, a, b0);
      c41 = Vector.madd(c41, a, b1);
      c42 = Vector.madd(c42, a, b2);
      c43 = Vector.madd(c43, a, b3);
      a = v128.load32_splat(x5);
      c50 = Vector.madd(c50, a, b0);
      c51 = Vector.madd(c51, a, b1);
      c52 = Vector.madd(c52, a, b2);
      c53 = Vector.madd(c53, a, b3);
      x0 += 4;
      x1 += 4;
      x2 += 4;
      x3 += 4;
      x4 += 4;
      x5 += 4;
    }
    let y = yPtr;
    v128.store(y, c00);
    v128.store(y, c01, VECTOR_BYTES);
    v128.store(y, c02, 2 * VECTOR_BYTES);
    v128.store(y, c03, 3 * VECTOR_BYTES);
    y += yBytes;
    v128.store(y, c10);
    v128.store(y, c11, VECTOR_BYTES);
    v128.store(y, c12, 2 * VECTOR_BYTES);
    v128.store(y, c13, 3 * VECTOR_BYTES);
    y += yBytes;
    v128.store(y, c20);
    v128.store(y, c21, VECTOR_BYTES);
    v128.store(y, c22, 2 * VECTOR_BYTES);
    v128.store(y, c23, 3 * VECTOR_BYTES);
    y += yBytes;
    v128.store(y, c30);
    v128.store(y, c31, VECTOR_BYTES);
    v128.store(y, c32, 2 * VECTOR_BYTES);
    v128.store(y, c33, 3 * VECTOR_BYTES);
    y += yBytes;
    v128.store(y, c40);
    v128.store(y, c41, VECTOR_BYTES);
    v128.store(y, c42, 2 * VECTOR_BYTES);
    v128.store(y, c43, 3 * VECTOR_BYTES);
    y += yBytes;
    v128.store(y, c50);
    v128.store(y, c51, VECTOR_BYTES);
    v128.store(y, c52, 2 * VECTOR_BYTES);
    v128.store(y, c53, 3 * VECTOR_BYTES);
    yPtr += 6 * yBytes;
    startPtr += 6 * startBytes;
    xPtr += 6 * xBytes;
  }
}
