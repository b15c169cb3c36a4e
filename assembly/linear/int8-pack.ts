/** Weights as int8: rounding them, and packing them into panels. For the tool alone. */
import { NR, NR_HALF } from '../tile';

/**
 * Packs int8 weights into the panels that `i8_gemm` reads, see int8.ts; what pads them is zero.
 * @param dstPtr  (8 + K rounded up to even) bytes for each of N outputs rounded up to 16, or to 8 where the last panel has
 *   at most 8
 * @param wPtr  bytes; w[n, k] stands at n * strideN + k * strideK
 * @param flip  exclusive-or of each byte: 0, or 128 where bytes are unsigned: 128 less is stored
 * @param addPtr  [N] words; scalePtr [N] float32
 * @complexity O(N K)
 */
export function i8_pack_linear(
  dstPtr: usize,
  wPtr: usize,
  strideN: i32,
  strideK: i32,
  flip: i32,
  addPtr: usize,
  scalePtr: usize,
  N: i32,
  K: i32,
): void {
  for (let n = 0; n < N; n += NR) {
    const nr = min(N - n, NR);
    const width = nr <= NR_HALF ? NR_HALF : NR;
    const bytes = (<usize>width) << 2;
    memory.fill(dstPtr, 0, 2 * bytes);
    memory.copy(dstPtr, addPtr + ((<usize>n) << 2), (<usize>nr) << 2);
    memory.copy(dstPtr + bytes, scalePtr + ((<usize>n) << 2), (<usize>nr) << 2);
    dstPtr += 2 * bytes;
    for (let k = 0; k < K; k += 2) {
      for (let i = 0; i < width; i++) {
        const at = wPtr + <usize>(n + i) * <usize>strideN + <usize>k * <usize>strideK;
        const isOutput = i < nr;
        store<u8>(dstPtr, isOutput ? load<u8>(at) ^ flip : 0);
        store<u8>(dstPtr, isOutput && k + 1 < K ? load<u8>(at + <usize>strideK) ^ flip : 0, 1);
        dstPtr += 2;
      }
    }
  }
}

/** Scales that are tried: the one at which the largest weight becomes 127, and smaller ones, which cut it off. */
const TRIES: i32 = 16;

/** w / scale as an integer of at most 127. */
function rounded(w: f64, scale: f64): f64 {
  return min(max(nearest(w / scale), -127), 127);
}

/**
 * Rounds each row of W [N, K] to w = scale q, with |q| <= 127: of several scales the one with the least
 * sum_k weight[k] (w[k] - scale q[k])^2, the error of the output where the inputs' second moments are `weight` and the
 * inputs do not correlate.
 * @param qPtr  [N, K] int8
 * @param scalePtr  [N] float32; 0 for a row of zeros
 * @param weightPtr  [K] f64 >= 0
 * @param meanPtr  [K] f64, means of the inputs
 * @param statsPtr  [N, 3] f64: | sum_k mean[k] (w[k] - scale q[k]), what the bias has to make up for | the error above |
 *   sum_k weight[k] w[k]^2, what it is an error of |
 * @complexity O(16 N K)
 */
export function i8_quantize_rows(
  qPtr: usize,
  scalePtr: usize,
  statsPtr: usize,
  wPtr: usize,
  weightPtr: usize,
  meanPtr: usize,
  N: i32,
  K: i32,
): void {
  for (let n = 0; n < N; n++) {
    const scale = bestScale(wPtr, weightPtr, K);
    let shift: f64 = 0;
    let size: f64 = 0;
    for (let k: usize = 0; k < <usize>K; k++) {
      const w = <f64>load<f32>(wPtr + (k << 2));
      const q = scale > 0 ? rounded(w, scale) : 0;
      store<i8>(qPtr + k, <i8>q);
      shift += load<f64>(meanPtr + (k << 3)) * (w - scale * q);
      size += load<f64>(weightPtr + (k << 3)) * w * w;
    }
    store<f32>(scalePtr, <f32>scale);
    store<f64>(statsPtr, shift);
    store<f64>(statsPtr, scale > 0 ? errorAt(scale, wPtr, weightPtr, K) : size, 8);
    store<f64>(statsPtr, size, 16);
    qPtr += <usize>K;
    scalePtr += 4;
    statsPtr += 24;
    wPtr += (<usize>K) << 2;
  }
}

/** The float32 scale of least error, 0 for a row of zeros. */
function bestScale(wPtr: usize, weightPtr: usize, K: i32): f64 {
  let most: f64 = 0;
  for (let k: usize = 0; k < <usize>K; k++) most = max(most, Math.abs(<f64>load<f32>(wPtr + (k << 2))));
  let best: f64 = 0;
  let least = f64.MAX_VALUE;
  if (most === 0) return 0;
  for (let i = 0; i < TRIES; i++) {
    const scale: f64 = <f32>((most / 127) * (1 - <f64>i / 40));
    const error = errorAt(scale, wPtr, weightPtr, K);
    if (error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}

function errorAt(scale: f64, wPtr: usize, weightPtr: usize, K: i32): f64 {
  let error: f64 = 0;
  for (let k: usize = 0; k < <usize>K; k++) {
    const w = <f64>load<f32>(wPtr + (k << 2));
    const rest = w - scale * rounded(w, scale);
    error += load<f64>(weightPtr + (k << 3)) * rest * rest;
  }
  return error;
}
