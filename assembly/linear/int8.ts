/**
 * Linear layers whose weights are int8 with a scale for each output:
 *
 *     panel p:  | add[W] | scale[W] | k=0,1: W x 2 weights | k=2,3: .. |     W = 16; 8 for a last panel of 1..8 outputs
 *
 * A block of rows becomes int16 in scratch; then panel by panel, so that each stays near for all rows of the block.
 */
import { NR, NR_HALF } from '../tile';
import { quantizeRow, widenRow } from './int8-rows';
import { i8_gemm_1x8, i8_gemm_1x16, i8_gemm_4x8 } from './int8-tiles';

/** Rows that are turned into integers together; as in src/runtime/step-kinds/int8.ts. */
const MB: i32 = 64;

/** What turns sums into outputs, see int8-tiles.ts. */
const REAL: i32 = 0;
const INTEGER: i32 = 1;

/**
 * y[m, n] = clamp(bias[n] + (sum_k q[m, k] w[n, k]) (s[m] scale[n]), lo, hi), where q[m] = nearest([x, z][m] / s[m]): each
 * row of inputs is rounded to the int16 range that keeps all sums inside i32 (see i16_limit), so it loses far less
 * than the weights did. The sum is exact, so the bits depend on neither the build nor how rows are split over calls.
 *
 * A row with an input that is not finite gives NaN; one below 1e-30 throughout counts as zero.
 *
 * @param yPtr  [M, N], ldy elements between rows; may not overlap the inputs
 * @param xPtr  [M, K], ldx elements between rows
 * @param panelPtr  panels of K + R inputs, `add` the bias
 * @param zPtr  [M, R], ldz elements between rows; unused when R is 0
 * @param scratchPtr  min(M, 64) rows of 4 + 2 (K + R rounded up to even) bytes, a multiple of 4
 * @complexity O(M N (K + R)) multiply-adds; nothing beyond N of a row of y is written
 */
export function i8_linear(
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
  scratchPtr: usize,
): void {
  const rowBytes = (<usize>(K + R + 1) & ~1) << 1;
  for (; M > 0; M -= MB) {
    const rows = min(M, MB);
    const qPtr = scratchPtr + ((<usize>rows) << 2);
    for (let m: usize = 0; m < <usize>rows; m++) {
      store<f32>(scratchPtr + (m << 2), quantizeRow(qPtr + m * rowBytes, xPtr, K, zPtr, R));
      xPtr += (<usize>ldx) << 2;
      zPtr += (<usize>ldz) << 2;
    }
    panelLoop(REAL, yPtr, ldy, scratchPtr, rowBytes, panelPtr, rows, N, lo, hi);
    yPtr += (<usize>rows * <usize>ldy) << 2;
  }
}

/**
 * y[m, n] = sum_k (x[m, k] - zero) (w[n, k] + add[n]), int32, modulo 2^32: the product of two quantised matrices.
 * @param yPtr  [M, N] int32
 * @param xPtr  [M, K] of uint8 or int8
 * @param zero  zero point of x
 * @param panelPtr  panels of K inputs; `add`, int32, is what the stored weights of an output lack of the true ones
 * @param scratchPtr  as in {@link i8_linear}
 */
export function i8_matmul_integer(
  yPtr: usize,
  xPtr: usize,
  panelPtr: usize,
  M: i32,
  N: i32,
  K: i32,
  isSigned: bool,
  zero: i32,
  scratchPtr: usize,
): void {
  const rowBytes = (<usize>(K + 1) & ~1) << 1;
  for (; M > 0; M -= MB) {
    const rows = min(M, MB);
    const qPtr = scratchPtr + ((<usize>rows) << 2);
    for (let m: usize = 0; m < <usize>rows; m++) {
      store<i32>(scratchPtr + (m << 2), widenRow(qPtr + m * rowBytes, xPtr, K, isSigned, zero));
      xPtr += <usize>K;
    }
    panelLoop(INTEGER, yPtr, N, scratchPtr, rowBytes, panelPtr, rows, N, 0, 0);
    yPtr += (<usize>rows * <usize>N) << 2;
  }
}

/** All outputs of a block of rows: four rows at a time, then one. */
function panelLoop(
  mode: i32,
  yPtr: usize,
  ldy: i32,
  infoPtr: usize,
  rowBytes: usize,
  panelPtr: usize,
  rows: i32,
  N: i32,
  lo: f32,
  hi: f32,
): void {
  const yBytes = (<usize>ldy) << 2;
  const xPtr = infoPtr + ((<usize>rows) << 2);
  const four = rows & ~3;
  const rest = rows - four;
  const infoRest = infoPtr + ((<usize>four) << 2);
  const xRest = xPtr + <usize>four * rowBytes;
  for (let n = 0; n < N; n += NR) {
    const nr = min(NR, N - n);
    const width: usize = nr <= NR_HALF ? NR_HALF : NR;
    for (let first = 0; first < nr; first += 8) {
      const y = yPtr + ((<usize>first) << 2);
      i8_gemm_4x8(mode, four, nr - first, y, yBytes, infoPtr, xPtr, rowBytes, panelPtr, width, first, lo, hi);
    }
    const y = yPtr + <usize>four * yBytes;
    if (width === NR) i8_gemm_1x16(mode, rest, nr, y, yBytes, infoRest, xRest, rowBytes, panelPtr, width, 0, lo, hi);
    else i8_gemm_1x8(mode, rest, nr, y, yBytes, infoRest, xRest, rowBytes, panelPtr, width, 0, lo, hi);
    panelPtr += width * 8 + (rowBytes >> 1) * width;
    yPtr += NR * 4;
  }
}
