/** The macro-kernel of the f32 linear layer: which block of rows, inputs and outputs comes when. */
import { BLOCK_STEP, HALF_PANEL_ROW_BYTES, KC, MC, MR, MR_HALF, NR, NR_HALF, PANEL_ROW_BYTES } from '../tile';
import { f32_gemm_tiles } from './gemm-tiles';
import { f32_gemv } from './gemv';
import { f32_gemm_tall } from './relaxed-tiles';

/**
 * y[m, n] = clamp(b[n] + sum_k x[m, k] W[n, k] + sum_r z[m, r] U[n, r], lo, hi), NaN kept.
 *
 * Each output is one sum: the bias, then k ascending, then r ascending, rounded after each step; the bits depend neither
 * on M nor on how rows, inputs or outputs are split over calls. lo = -inf and hi = inf change no bit.
 *
 * @param yPtr  [M, N], ldy elements between rows; may not overlap the inputs
 * @param xPtr  [M, K], ldx elements between rows
 * @param panelPtr  panels of 1 + K + R rows, made by `f32_pack_linear` of [W, U] and b
 * @param zPtr  [M, R], ldz elements between rows; unused when R is 0
 * @complexity O(M N (K + R)) multiply-adds; no scratch; nothing beyond N of a row of y is written
 */
export function f32_gemm(
  yPtr: usize,
  ldy: i32,
  xPtr: usize,
  ldx: i32,
  panelPtr: usize,
  M: i32,
  N: i32,
  K: i32,
  zPtr: usize,
  ldz: i32,
  R: i32,
  lo: f32,
  hi: f32,
): void {
  if (M === 1) {
    f32_gemv(yPtr, xPtr, panelPtr, N, K, zPtr, R, lo, hi);
    return;
  }
  const yBytes = (<usize>ldy) << 2;
  const xBytes = (<usize>ldx) << 2;
  const zBytes = (<usize>ldz) << 2;
  const mc = evenBlock(M, MC);
  for (let m = 0; m < M; m += mc) {
    const rows = min(mc, M - m);
    rowBlock(yPtr, yBytes, xPtr, xBytes, panelPtr, rows, N, K, zPtr, zBytes, R, lo, hi);
    yPtr += <usize>mc * yBytes;
    xPtr += <usize>mc * xBytes;
    zPtr += <usize>mc * zBytes;
  }
}

/** Size of the blocks that cut `size` evenly into pieces of about `limit` at most, a multiple of every tile's height. */
function evenBlock(size: i32, limit: i32): i32 {
  const blocks = max(1, (size + limit - 1) / limit);
  const block = (size + blocks - 1) / blocks + BLOCK_STEP - 1;
  return block - (block % BLOCK_STEP);
}

/** At most MC rows, all outputs: KC inputs at a time, sums carried through y; the last inputs together with z. */
function rowBlock(
  yPtr: usize,
  yBytes: usize,
  xPtr: usize,
  xBytes: usize,
  panelPtr: usize,
  rows: i32,
  N: i32,
  K: i32,
  zPtr: usize,
  zBytes: usize,
  R: i32,
  lo: f32,
  hi: f32,
): void {
  const panelRows = 1 + K + R;
  const kc = evenBlock(K, KC);
  let k = 0;
  for (; k + kc < K; k += kc) {
    panelLoop(yPtr, yBytes, xPtr, xBytes, panelPtr, panelRows, k, rows, N, kc, 0, 0, 0, -Infinity, Infinity);
    xPtr += (<usize>kc) << 2;
  }
  panelLoop(yPtr, yBytes, xPtr, xBytes, panelPtr, panelRows, k, rows, N, K - k, zPtr, zBytes, R, lo, hi);
}

/** One block of inputs, from k0 on, for every panel: the panel's KC rows stay near while all rows of x pass by. */
function panelLoop(
  yPtr: usize,
  yBytes: usize,
  xPtr: usize,
  xBytes: usize,
  panelPtr: usize,
  panelRows: i32,
  k0: i32,
  rows: i32,
  N: i32,
  K: i32,
  zPtr: usize,
  zBytes: usize,
  R: i32,
  lo: f32,
  hi: f32,
): void {
  for (let n = 0; n < N; n += NR) {
    const nr = min(NR, N - n);
    const rowBytes: usize = nr <= NR_HALF ? HALF_PANEL_ROW_BYTES : PANEL_ROW_BYTES;
    const weightPtr = panelPtr + <usize>(1 + k0) * rowBytes;
    const startPtr = k0 === 0 ? panelPtr : yPtr;
    const startBytes = k0 === 0 ? <usize>0 : yBytes;
    rowLoop(nr, rows, yPtr, yBytes, startPtr, startBytes, xPtr, xBytes, K, zPtr, zBytes, R, weightPtr, lo, hi);
    panelPtr += <usize>panelRows * rowBytes;
    yPtr += NR * 4;
  }
}

/** One panel: as many rows as fill the tallest tile, then the rest by lower ones. */
function rowLoop(
  nr: i32,
  rows: i32,
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
  weightPtr: usize,
  lo: f32,
  hi: f32,
): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    const part = f32_gemm_tall(
      nr,
      rows,
      yPtr,
      yBytes,
      startPtr,
      startBytes,
      xPtr,
      xBytes,
      K,
      zPtr,
      zBytes,
      R,
      weightPtr,
      lo,
      hi,
    );
    rows -= part;
    yPtr += <usize>part * yBytes;
    startPtr += <usize>part * startBytes;
    xPtr += <usize>part * xBytes;
    zPtr += <usize>part * zBytes;
  }
  for (let mr = nr <= NR_HALF ? MR_HALF : MR; rows > 0; mr >>= 1) {
    const part = rows & -mr;
    if (part === 0) continue;
    f32_gemm_tiles(
      mr,
      nr,
      part,
      yPtr,
      yBytes,
      startPtr,
      startBytes,
      xPtr,
      xBytes,
      K,
      zPtr,
      zBytes,
      R,
      weightPtr,
      lo,
      hi,
    );
    rows -= part;
    yPtr += <usize>part * yBytes;
    startPtr += <usize>part * startBytes;
    xPtr += <usize>part * xBytes;
    zPtr += <usize>part * zBytes;
  }
}
