/** GEMV: one row of inputs. Bound by the reading of the weights, so it takes two panels at a time. */
import { HALF_PANEL_ROW_BYTES, NR, NR_HALF, PANEL_ROW_BYTES } from '../tile';
import { f32_gemm_tiles } from './gemm-tiles';
import { Vector } from './vector';

/**
 * y[n] = clamp(b[n] + sum_k x[k] W[n, k] + sum_r z[r] U[n, r], lo, hi), the row kernel of {@link f32_gemm}.
 * The same bits as the row of any batch.
 * @param yPtr  [N]; may not overlap x, z or the panels
 * @param panelPtr  panels of 1 + K + R rows
 * @complexity O(N (K + R)) multiply-adds; reads every weight once
 */
export function f32_gemv(
  yPtr: usize,
  xPtr: usize,
  panelPtr: usize,
  N: i32,
  K: i32,
  zPtr: usize,
  R: i32,
  lo: f32,
  hi: f32,
): void {
  const panelBytes = <usize>(1 + K + R) * PANEL_ROW_BYTES;
  let n = 0;
  for (; n + 2 * NR <= N; n += 2 * NR) {
    f32_gemv_1x32(yPtr, xPtr, K, zPtr, R, panelPtr, panelBytes, lo, hi);
    panelPtr += 2 * panelBytes;
    yPtr += 2 * NR * 4;
  }
  for (; n < N; n += NR) {
    const nr = min(NR, N - n);
    const rowBytes: usize = nr <= NR_HALF ? HALF_PANEL_ROW_BYTES : PANEL_ROW_BYTES;
    f32_gemm_tiles(1, nr, 1, yPtr, 0, panelPtr, 0, xPtr, 0, K, zPtr, 0, R, panelPtr + rowBytes, lo, hi);
    panelPtr += panelBytes;
    yPtr += NR * 4;
  }
}

/** 32 outputs: two full panels side by side, `panelBytes` apart. */
export function f32_gemv_1x32(
  yPtr: usize,
  xPtr: usize,
  K: i32,
  zPtr: usize,
  R: i32,
  panelPtr: usize,
  panelBytes: usize,
  lo: f32,
  hi: f32,
): void {
  let p = panelPtr;
  let q = panelPtr + panelBytes;
  let c0 = v128.load(p),
    c1 = v128.load(p, 16),
    c2 = v128.load(p, 32),
    c3 = v128.load(p, 48);
  let c4 = v128.load(q),
    c5 = v128.load(q, 16),
    c6 = v128.load(q, 32),
    c7 = v128.load(q, 48);
  p += PANEL_ROW_BYTES;
  q += PANEL_ROW_BYTES;
  let x = xPtr;
  let end = p + <usize>K * PANEL_ROW_BYTES;
  let rest = R;
  for (;;) {
    while (p < end) {
      const a = v128.load32_splat(x);
      c0 = Vector.madd(c0, a, v128.load(p));
      c1 = Vector.madd(c1, a, v128.load(p, 16));
      c2 = Vector.madd(c2, a, v128.load(p, 32));
      c3 = Vector.madd(c3, a, v128.load(p, 48));
      p += PANEL_ROW_BYTES;
      if (q === 0) break; // never: parts the blocks, else V8 hoists eight loads and spills
      c4 = Vector.madd(c4, a, v128.load(q));
      c5 = Vector.madd(c5, a, v128.load(q, 16));
      c6 = Vector.madd(c6, a, v128.load(q, 32));
      c7 = Vector.madd(c7, a, v128.load(q, 48));
      q += PANEL_ROW_BYTES;
      x += 4;
    }
    if (rest === 0) break;
    end += <usize>rest * PANEL_ROW_BYTES;
    rest = 0;
    x = zPtr;
  }
  v128.store(yPtr, Vector.clamp(c0, lo, hi));
  v128.store(yPtr, Vector.clamp(c1, lo, hi), 16);
  v128.store(yPtr, Vector.clamp(c2, lo, hi), 32);
  v128.store(yPtr, Vector.clamp(c3, lo, hi), 48);
  v128.store(yPtr, Vector.clamp(c4, lo, hi), 64);
  v128.store(yPtr, Vector.clamp(c5, lo, hi), 80);
  v128.store(yPtr, Vector.clamp(c6, lo, hi), 96);
  v128.store(yPtr, Vector.clamp(c7, lo, hi), 112);
}
