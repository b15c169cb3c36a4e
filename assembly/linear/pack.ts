/** Packs the weights of a linear layer into panels. */
import { NR, NR_HALF } from '../tile';

/**
 * Packs W [N, K] and its bias [N] into panels, the layout of every linear kernel; bias + 0 is stored, so that no sum
 * starts from -0. Outputs beyond N are zero.
 *
 *     panel p:  | bias[16] | k=0: 16 weights | k=1: 16 weights | ... |   outputs 16p .. 16p+15
 *     last:     | bias[8]  | k=0:  8 weights | ...                       if N mod 16 is 1..8
 *
 * @param dstPtr  panels, (1 + K) * (N rounded up to 16, or to 8) floats; must not overlap the sources
 * @param wPtr  W[n, k] stands at n * strideN + k * strideK
 * @param biasPtr  bias[n] stands at n * biasStride (0 for a scalar); the null pointer for zeros
 * @complexity O(N K)
 */
export function f32_pack_linear(
  dstPtr: usize,
  wPtr: usize,
  strideN: i32,
  strideK: i32,
  biasPtr: usize,
  biasStride: i32,
  N: i32,
  K: i32,
): void {
  const outputBytes = (<usize>strideN) << 2;
  for (let n = 0; n < N; n += NR) {
    const nr = min(N - n, NR);
    const width = nr <= NR_HALF ? NR_HALF : NR;
    const bias = biasPtr === 0 ? <usize>0 : biasPtr + ((<usize>n * <usize>biasStride) << 2);
    packBias(dstPtr, bias, biasStride, nr, width);
    dstPtr += (<usize>width) << 2;
    packWeights(dstPtr, wPtr, outputBytes, (<usize>strideK) << 2, nr, width, K);
    dstPtr += (<usize>width * <usize>K) << 2;
    wPtr += <usize>NR * outputBytes;
  }
}

function packBias(dstPtr: usize, biasPtr: usize, stride: i32, nr: i32, width: i32): void {
  for (let n = 0; n < width; n++) {
    const value: f32 = n < nr && biasPtr !== 0 ? load<f32>(biasPtr + ((<usize>n * <usize>stride) << 2)) + 0 : 0;
    store<f32>(dstPtr + ((<usize>n) << 2), value);
  }
}

/** One panel: rows of `width` weights, of which nr are real. */
function packWeights(
  dstPtr: usize,
  wPtr: usize,
  outputBytes: usize,
  inputBytes: usize,
  nr: i32,
  width: i32,
  K: i32,
): void {
  if (nr === NR && outputBytes === 4) copyRows(dstPtr, wPtr, inputBytes, K);
  else if (inputBytes === 4) packOutputs(dstPtr, wPtr, outputBytes, nr, width, K);
  else packElements(dstPtr, wPtr, outputBytes, inputBytes, nr, width, K);
}

/** Weights in any other order, one by one. */
function packElements(
  dstPtr: usize,
  wPtr: usize,
  outputBytes: usize,
  inputBytes: usize,
  nr: i32,
  width: i32,
  K: i32,
): void {
  for (let k = 0; k < K; k++) {
    for (let n = 0; n < nr; n++) store<f32>(dstPtr + ((<usize>n) << 2), load<f32>(wPtr + <usize>n * outputBytes));
    for (let n = nr; n < width; n++) store<f32>(dstPtr + ((<usize>n) << 2), 0);
    dstPtr += (<usize>width) << 2;
    wPtr += inputBytes;
  }
}

/** Weights stored [K, N]: a panel row is 16 neighbours. */
function copyRows(dstPtr: usize, wPtr: usize, inputBytes: usize, K: i32): void {
  for (let k = 0; k < K; k++) {
    v128.store(dstPtr, v128.load(wPtr));
    v128.store(dstPtr, v128.load(wPtr, 16), 16);
    v128.store(dstPtr, v128.load(wPtr, 32), 32);
    v128.store(dstPtr, v128.load(wPtr, 48), 48);
    dstPtr += NR * 4;
    wPtr += inputBytes;
  }
}

/** Weights stored [N, K]: one output after the other is spread over the rows, groups of four by a 4x4 transpose. */
function packOutputs(dstPtr: usize, wPtr: usize, outputBytes: usize, nr: i32, width: i32, K: i32): void {
  const rowBytes = (<usize>width) << 2;
  let n = 0;
  for (; n + 4 <= nr; n += 4) {
    spreadFour(dstPtr + ((<usize>n) << 2), wPtr, outputBytes, rowBytes, K);
    wPtr += 4 * outputBytes;
  }
  for (; n < width; n++) {
    const column = dstPtr + ((<usize>n) << 2);
    if (n < nr) spreadOne(column, wPtr, rowBytes, K);
    else for (let k = 0; k < K; k++) store<f32>(column + <usize>k * rowBytes, 0);
    wPtr += outputBytes;
  }
}

function spreadOne(dstPtr: usize, wPtr: usize, rowBytes: usize, K: i32): void {
  for (let k = 0; k < K; k++) {
    store<f32>(dstPtr, load<f32>(wPtr));
    dstPtr += rowBytes;
    wPtr += 4;
  }
}

function spreadFour(dstPtr: usize, wPtr: usize, outputBytes: usize, rowBytes: usize, K: i32): void {
  let k = 0;
  for (; k + 4 <= K; k += 4) {
    const w0 = v128.load(wPtr);
    const w1 = v128.load(wPtr + outputBytes);
    const w2 = v128.load(wPtr + 2 * outputBytes);
    const w3 = v128.load(wPtr + 3 * outputBytes);
    const low01 = v128.shuffle<f32>(w0, w1, 0, 4, 1, 5);
    const low23 = v128.shuffle<f32>(w2, w3, 0, 4, 1, 5);
    const high01 = v128.shuffle<f32>(w0, w1, 2, 6, 3, 7);
    const high23 = v128.shuffle<f32>(w2, w3, 2, 6, 3, 7);
    v128.store(dstPtr, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
    v128.store(dstPtr + rowBytes, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
    v128.store(dstPtr + 2 * rowBytes, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
    v128.store(dstPtr + 3 * rowBytes, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
    dstPtr += 4 * rowBytes;
    wPtr += 16;
  }
  for (; k < K; k++) {
    for (let n: usize = 0; n < 4; n++) store<f32>(dstPtr + (n << 2), load<f32>(wPtr + n * outputBytes));
    dstPtr += rowBytes;
    wPtr += 4;
  }
}
