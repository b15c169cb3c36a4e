/**
 * Attention: y = softmax(scale q k^T + mask) v for every head, a few rows of scores at a time, so that these and the
 * packed keys and values of the head stay in cache.
 *
 *     scratch  | panels of k [T, D] | panels of v^T [E, T] | scores [rows, T] | sums [rows] |
 *
 * Rows of scores are whole vectors long.
 */
import { f32_gemm } from '../linear/gemm';
import { loadLanes, storeLanes } from '../linear/lanes';
import { f32_pack_linear } from '../linear/pack';
import { Word } from '../step-word';
import { NR, NR_HALF } from '../tile';
import { f32_row_sum, f32_row_top } from './axis-rows';
import { Exp } from './f32x4-exp';

/** Rows of scores at a time; mirrored by src/runtime/step-kinds/attention.ts. */
const ROWS = 24;

/** Words of the shape: sizes, then strides in elements. */
const enum Shape {
  B,
  H,
  M,
  T,
  D,
  E,
  Q_B,
  Q_H,
  Q_M,
  K_B,
  K_H,
  K_T,
  K_D,
  V_B,
  V_H,
  V_T,
  V_E,
  Y_B,
  Y_H,
  Y_M,
  MASK_B,
  MASK_H,
  MASK_M,
}

/** Passes over a row of scores. */
class Scores {
  /** s = scale s + mask. */
  @inline
  static mask(sPtr: usize, maskPtr: usize, T: i32, scale: v128): void {
    for (; T > 0; T -= 4) {
      const lanes = min(4, T);
      storeLanes(sPtr, f32x4.add(f32x4.mul(loadLanes(sPtr, lanes), scale), loadLanes(maskPtr, lanes)), lanes);
      sPtr += 16;
      maskPtr += 16;
    }
  }

  @inline
  static powerOf(s: v128, scale: v128, top: v128): v128 {
    return Exp.expNegative(f32x4.sub(f32x4.mul(s, scale), top));
  }

  /** s = e^(scale s - top), in whole vectors: what stands behind the row is of no use to anyone. */
  @inline
  static power(sPtr: usize, endPtr: usize, scale: v128, top: v128): void {
    if (!isDefined(KERF_SMALL)) {
      // Two vectors do not wait for one another as the steps of one do.
      for (; sPtr + 16 < endPtr; sPtr += 32) {
        const first = Scores.powerOf(v128.load(sPtr), scale, top);
        const second = Scores.powerOf(v128.load(sPtr, 16), scale, top);
        v128.store(sPtr, first);
        v128.store(sPtr, second, 16);
      }
    }
    for (; sPtr < endPtr; sPtr += 16) v128.store(sPtr, Scores.powerOf(v128.load(sPtr), scale, top));
  }

  /** y = y / sum. */
  @inline
  static divide(yPtr: usize, E: i32, sum: v128): void {
    for (; E > 0; E -= 4) {
      const lanes = min(4, E);
      storeLanes(yPtr, f32x4.div(loadLanes(yPtr, lanes), sum), lanes);
      yPtr += 16;
    }
  }
}

/** Elements between rows of scores. */
function scoreStride(T: i32): i32 {
  return (T + 3) & -4;
}

/** Bytes of the panels of an [N, K] layer. */
function panelBytes(N: i32, K: i32): usize {
  const rest = N % NR;
  const width = N - rest + (rest == 0 ? 0 : rest <= NR_HALF ? NR_HALF : NR);
  return (<usize>width * <usize>(1 + K)) << 2;
}

/** Scores to powers, row by row; `sumsPtr` gets the sum of each row. */
function powerRows(scoresPtr: usize, maskPtr: usize, sumsPtr: usize, rows: i32, T: i32, w: usize, scale: f32): void {
  for (let r = 0; r < rows; r++) {
    let factor = f32x4.splat(scale);
    if (maskPtr) {
      Scores.mask(scoresPtr, maskPtr, T, factor);
      factor = f32x4.splat(1);
      maskPtr += (<usize>Word.size(w, Shape.MASK_M)) << 2;
    }
    // A NaN that the maximum misses makes its own power NaN, and so the sum.
    const top = f32x4.mul(f32x4.splat(f32_row_top(scoresPtr, T)), factor);
    Scores.power(scoresPtr, scoresPtr + ((<usize>T) << 2), factor, top);
    store<f32>(sumsPtr, f32_row_sum(scoresPtr, T));
    scoresPtr += (<usize>scoreStride(T)) << 2;
    sumsPtr += 4;
  }
}

/** All rows of one head. */
function head(qPtr: usize, maskPtr: usize, yPtr: usize, scratchPtr: usize, w: usize, scale: f32): void {
  const M = Word.size(w, Shape.M);
  const T = Word.size(w, Shape.T);
  const D = Word.size(w, Shape.D);
  const E = Word.size(w, Shape.E);
  const valuePtr = scratchPtr + panelBytes(T, D);
  const scoresPtr = valuePtr + panelBytes(E, T);
  const lds = scoreStride(T);
  const sumsPtr = scoresPtr + ((<usize>ROWS * <usize>lds) << 2);
  const ldq = Word.size(w, Shape.Q_M);
  const ldy = Word.size(w, Shape.Y_M);
  for (let m = 0; m < M; m += ROWS) {
    const rows = min(ROWS, M - m);
    f32_gemm(scoresPtr, lds, qPtr, ldq, scratchPtr, rows, T, D, 0, 0, 0, -Infinity, Infinity);
    powerRows(scoresPtr, maskPtr, sumsPtr, rows, T, w, scale);
    f32_gemm(yPtr, ldy, scoresPtr, lds, valuePtr, rows, E, T, 0, 0, 0, -Infinity, Infinity);
    for (let r: usize = 0; r < <usize>rows; r++) {
      Scores.divide(yPtr + ((r * <usize>ldy) << 2), E, v128.load32_splat(sumsPtr + (r << 2)));
    }
    qPtr += (<usize>ROWS * <usize>ldq) << 2;
    yPtr += (<usize>ROWS * <usize>ldy) << 2;
    if (maskPtr) maskPtr += (<usize>ROWS * <usize>Word.size(w, Shape.MASK_M)) << 2;
  }
}

/** Bytes from the first element to that of batch b and head h; `at` is the word of the batch's stride. */
function offsetOf(w: usize, at: usize, b: i32, h: i32): usize {
  return (<usize>b * <usize>Word.size(w, at) + <usize>h * <usize>Word.size(w, at + 1)) << 2;
}

/**
 * y[b, h] = softmax(scale q[b, h] k[b, h]^T + mask[b, h]) v[b, h], q [M, D], k [T, D], v [T, E], mask [M, T], y [M, E].
 * Scores and results are sums in the order of f32_gemm, the sum of powers in that of reduce.ts; the results are divided
 * by that sum. A row of scores with NaN or +Inf, or of -Inf only, gives NaN.
 * @param maskPtr  the null pointer for none
 * @param scratchPtr  as drawn above
 * @param w  address of the words of {@link Shape}; rows of q, of the mask and of y are contiguous
 * @param scale  above 0
 * @complexity O(B H M T (D + E)) multiply-adds
 */
export function f32_attention(
  qPtr: usize,
  kPtr: usize,
  vPtr: usize,
  maskPtr: usize,
  yPtr: usize,
  scratchPtr: usize,
  w: usize,
  scale: f32,
): void {
  const T = Word.size(w, Shape.T);
  const D = Word.size(w, Shape.D);
  const E = Word.size(w, Shape.E);
  const valuePtr = scratchPtr + panelBytes(T, D);
  if (Word.size(w, Shape.M) == 0) return;
  for (let b = 0; b < Word.size(w, Shape.B); b++) {
    for (let h = 0; h < Word.size(w, Shape.H); h++) {
      const kHead = kPtr + offsetOf(w, Shape.K_B, b, h);
      const vHead = vPtr + offsetOf(w, Shape.V_B, b, h);
      f32_pack_linear(scratchPtr, kHead, Word.size(w, Shape.K_T), Word.size(w, Shape.K_D), 0, 0, T, D);
      f32_pack_linear(valuePtr, vHead, Word.size(w, Shape.V_E), Word.size(w, Shape.V_T), 0, 0, E, T);
      const maskHead = maskPtr ? maskPtr + offsetOf(w, Shape.MASK_B, b, h) : 0;
      const yHead = yPtr + offsetOf(w, Shape.Y_B, b, h);
      head(qPtr + offsetOf(w, Shape.Q_B, b, h), maskHead, yHead, scratchPtr, w, scale);
    }
  }
}
