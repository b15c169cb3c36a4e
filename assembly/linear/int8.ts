/**
 * Linear layers whose weights are int8 with a scale for each output:
 *
 *     panel p:  | add[W] | scale[W] | k=0,1: W x 2 weights | k=2,3: .. |     W = 16; 8 for a last panel of 1..8 outputs
 *
 * A block of rows becomes int16 in scratch; then panel by panel, so that each stays near for all rows of the block.
 */
import { NR, NR_HALF } from '../tile';
import { byteAt, quantizeRow, widenRow } from './int8-rows';
import { i8_gemm_1x8, i8_gemm_1x16, i16_gemm_4x8 } from './int8-tiles';

/** Rows that are turned into integers together; as in src/runtime/step-kinds/int8.ts. */
const MB: i32 = 64;

/** What the inputs are, as in src/runtime/step-kinds/int8.ts: numbers, or bytes that are quantised already. */
const FLOAT32: i32 = 0;
const INT8: i32 = 2;

/**
 * The product of rows with int8 weights. Of numbers (dtype 0):
 *
 *     y[m, n] = clamp(bias[n] + (sum_k q[m, k] w[n, k]) (s[m] scale[n]), lo, hi), float32
 *
 * where q[m] = nearest([x, z][m] / s[m]): each row of inputs is rounded to the int16 range that keeps all sums inside i32
 * (see i16_limit), so it loses far less than the weights did. A row with an input that is not finite gives NaN; one below
 * 1e-30 throughout counts as zero. Of bytes (dtype 1: uint8, 2: int8):
 *
 *     y[m, n] = sum_k (x[m, k] - zero) (w[n, k] + add[n]), int32, modulo 2^32
 *
 * The sum is exact, so the bits depend on neither the build nor how rows are split over calls.
 *
 * @param yPtr  [M, N] words, ldy between rows; may not overlap the inputs
 * @param xPtr  [M, K], ldx elements between rows
 * @param panelPtr  panels of K + R inputs; `add` is the bias, or what the stored weights of an output lack of the true ones
 * @param zPtr  [M, R] numbers, ldz elements between rows, unused when R is 0; of bytes, which have R = 0, the zero point, or
 *   the null pointer for 0
 * @param scratchPtr  min(M, 64) rows of 4 + 2 (K + R rounded up to even) bytes, a multiple of 4; from M = 4 on 16 rows of
 *   inputs more
 * @complexity O(M N (K + R)) multiply-adds; nothing beyond N of a row of y is written
 */
export function i8_gemm(
  dtype: i32,
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
  const isReal = dtype === FLOAT32;
  const isSigned = dtype === INT8;
  const zero = isReal || zPtr === 0 ? 0 : byteAt(zPtr, isSigned);
  for (; M > 0; M -= MB) {
    const rows = min(M, MB);
    let qPtr = scratchPtr + ((<usize>rows) << 2);
    for (let m: usize = 0; m < <usize>rows; m++) {
      const infoPtr = scratchPtr + (m << 2);
      if (isReal) {
        store<f32>(infoPtr, quantizeRow(qPtr, xPtr, K, zPtr, R));
        zPtr += (<usize>ldz) << 2;
      } else store<i32>(infoPtr, widenRow(qPtr, xPtr, K, isSigned, zero));
      xPtr += (<usize>ldx) << (isReal ? 2 : 0);
      qPtr += rowBytes;
    }
    panelLoop(isReal, yPtr, ldy, scratchPtr, rowBytes, panelPtr, rows, N, lo, hi);
    yPtr += (<usize>rows * <usize>ldy) << 2;
  }
}

/** Weights as int16, `count` of them, a multiple of 8. */
function widen(dstPtr: usize, srcPtr: usize, count: usize): void {
  for (const endPtr = srcPtr + count; srcPtr < endPtr; srcPtr += 8) {
    v128.store(dstPtr, v128.load8x8_s(srcPtr));
    dstPtr += 16;
  }
}

/** All outputs of a block of rows: four rows at a time, then one. */
function panelLoop(
  isReal: bool,
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
  const widePtr = xPtr + <usize>rows * rowBytes;
  for (let n = 0; n < N; n += NR) {
    const nr = min(NR, N - n);
    const width: usize = nr <= NR_HALF ? NR_HALF : NR;
    const weightPtr = panelPtr + (width << 3);
    const weights = (rowBytes >> 1) * width;
    if (four > 0) widen(widePtr, weightPtr, weights);
    for (let first = 0; first < nr; first += 8) {
      const y = yPtr + ((<usize>first) << 2);
      i16_gemm_4x8(
        isReal,
        four,
        nr - first,
        y,
        yBytes,
        infoPtr,
        xPtr,
        rowBytes,
        panelPtr,
        widePtr,
        width,
        first,
        lo,
        hi,
      );
    }
    const y = yPtr + <usize>four * yBytes;
    if (width === NR)
      i8_gemm_1x16(isReal, rest, nr, y, yBytes, infoRest, xRest, rowBytes, panelPtr, weightPtr, width, 0, lo, hi);
    else i8_gemm_1x8(isReal, rest, nr, y, yBytes, infoRest, xRest, rowBytes, panelPtr, weightPtr, width, 0, lo, hi);
    panelPtr = weightPtr + weights;
    yPtr += NR * 4;
  }
}
