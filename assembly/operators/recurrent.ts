/**
 * Recurrent layers, one direction. The products with the inputs of all times come in as z; each time takes one product
 * with the state before it (f32_gemm, whose order of sums is fixed) and one pass over the gates.
 *
 *     z      [T, B, gates * H]    W x + biases
 *     y      [T, B, H]            strideT elements between times; the state of time t
 *     gates  [B, gates * H]       scratch: R h of the time before
 */

import { f32_gemm } from '../linear/gemm';
import { loadLanes, storeLanes } from '../linear/lanes';
import { Exp } from './f32x4-exp';

/** Vectors of a row of gates; methods, since TypeScript's grammar allows decorators only in classes. */
class Gate {
  /** z + R h of gate g at element j: sum of what stands there in both. */
  @inline
  static sum(zPtr: usize, gatePtr: usize, offset: usize, lanes: i32): v128 {
    return f32x4.add(loadLanes(zPtr + offset, lanes), loadLanes(gatePtr + offset, lanes));
  }
}

/**
 * What R is multiplied with: the state h [B, H] itself, or V h [B, rank], written to `innerPtr`, where R = U V.
 * @returns where it stands
 */
function innerState(hPtr: usize, vPtr: usize, innerPtr: usize, B: i32, H: i32, rank: i32): usize {
  if (!rank) return hPtr;
  f32_gemm(innerPtr, rank, hPtr, H, vPtr, B, rank, H, 0, 0, 0, -Infinity, Infinity);
  return innerPtr;
}

/**
 * LSTM: i, o, f = sigmoid(sums + p c), c' = f c + i tanh(sum), h = o tanh(c'); o sees c', the others c.
 * @param rPtr  panels of R [4H, H] without bias; gates in the order i, o, f, c. Of U [4H, rank] where R = U V
 * @param hPtr, cPtr  state before the first time, [B, H]
 * @param pPtr  peepholes [3, H] in the order i, o, f; the null pointer for none
 * @param vPtr  panels of V [rank, H] without bias; not read where rank is 0
 * @param cellPtr  [B, H]: c after the last time
 * @param gatesPtr  scratch [B, 4H] and [B, rank]
 * @param rank  inner rank of R; 0 where it is whole
 * @complexity O(T B H^2) multiply-adds, O(T B H rank) where there is a rank
 */
export function f32_lstm(
  zPtr: usize,
  rPtr: usize,
  hPtr: usize,
  cPtr: usize,
  pPtr: usize,
  vPtr: usize,
  yPtr: usize,
  cellPtr: usize,
  gatesPtr: usize,
  isReverse: bool,
  T: i32,
  B: i32,
  H: i32,
  strideT: i32,
  rank: i32,
): void {
  if (B * H === 0) return;
  const innerPtr = gatesPtr + ((<usize>B * <usize>H) << 4);
  const K = rank ? rank : H;
  for (let s = 0; s < T; s++) {
    const t = <usize>(isReverse ? T - 1 - s : s);
    const toPtr = yPtr + ((t * <usize>strideT) << 2);
    const state = innerState(hPtr, vPtr, innerPtr, B, H, rank);
    f32_gemm(gatesPtr, 4 * H, state, K, rPtr, B, 4 * H, K, 0, 0, 0, -Infinity, Infinity);
    const timePtr = zPtr + ((t * <usize>B * <usize>H) << 4);
    for (let b: usize = 0; b < <usize>B; b++) {
      const row = (b * <usize>H) << 2;
      lstmRow(timePtr + (row << 2), gatesPtr + (row << 2), cPtr + row, pPtr, toPtr + row, cellPtr + row, H);
    }
    hPtr = toPtr;
    cPtr = cellPtr;
  }
}

/** The gates of one row. */
function lstmRow(zPtr: usize, gatePtr: usize, cPtr: usize, pPtr: usize, yPtr: usize, cellPtr: usize, H: i32): void {
  const gateBytes = (<usize>H) << 2;
  const zero = f32x4.splat(0);
  for (let j: usize = 0; j < gateBytes; j += 16) {
    const lanes = min(4, <i32>((gateBytes - j) >> 2));
    const c = loadLanes(cPtr + j, lanes);
    let pi = zero;
    let po = zero;
    let pf = zero;
    if (pPtr) {
      pi = loadLanes(pPtr + j, lanes);
      po = loadLanes(pPtr + gateBytes + j, lanes);
      pf = loadLanes(pPtr + 2 * gateBytes + j, lanes);
    }
    let input = Gate.sum(zPtr, gatePtr, j, lanes);
    let forget = Gate.sum(zPtr, gatePtr, 2 * gateBytes + j, lanes);
    if (pPtr) {
      input = f32x4.add(input, f32x4.mul(pi, c));
      forget = f32x4.add(forget, f32x4.mul(pf, c));
    }
    const fresh = f32x4.mul(sigmoid(input), tanh(Gate.sum(zPtr, gatePtr, 3 * gateBytes + j, lanes)));
    const cell = f32x4.add(f32x4.mul(sigmoid(forget), c), fresh);
    let output = Gate.sum(zPtr, gatePtr, gateBytes + j, lanes);
    if (pPtr) output = f32x4.add(output, f32x4.mul(po, cell));
    storeLanes(cellPtr + j, cell, lanes);
    storeLanes(yPtr + j, f32x4.mul(sigmoid(output), tanh(cell)), lanes);
  }
}

/** Not inlined: three of each in a row would be long. */
function sigmoid(x: v128): v128 {
  return Exp.sigmoid(x);
}

function tanh(x: v128): v128 {
  return Exp.tanh(x);
}

/**
 * GRU: z, r = sigmoid(sums), n = tanh(W x + r (R h)) or, with the reset before the product, tanh(W x + R (r h));
 * h' = (1 - z) n + z h.
 * @param rPtr  panels of R [2H, H] without bias, gates z, r; in zPtr's rows z, r, n
 * @param nPtr  panels of R [H, H] of n, with its bias where the reset comes after the product
 * @param vPtr  panels of V [rank, H] without bias, where all three are U V; not read where rank is 0
 * @param scratchPtr  [B, 2H], [B, H] and [B, rank]
 * @param rank  inner rank, only with the reset after the product; 0 where R is whole
 */
export function f32_gru(
  zPtr: usize,
  rPtr: usize,
  nPtr: usize,
  hPtr: usize,
  vPtr: usize,
  yPtr: usize,
  scratchPtr: usize,
  isReverse: bool,
  isAfter: bool,
  T: i32,
  B: i32,
  H: i32,
  strideT: i32,
  rank: i32,
): void {
  if (B * H === 0) return;
  const hiddenPtr = scratchPtr + ((<usize>B * <usize>H) << 3);
  const innerPtr = hiddenPtr + ((<usize>B * <usize>H) << 2);
  const K = rank ? rank : H;
  const gateBytes = (<usize>H) << 2;
  for (let s = 0; s < T; s++) {
    const t = <usize>(isReverse ? T - 1 - s : s);
    const toPtr = yPtr + ((t * <usize>strideT) << 2);
    const timePtr = zPtr + ((t * <usize>B * <usize>H * 3) << 2);
    const state = innerState(hPtr, vPtr, innerPtr, B, H, rank);
    f32_gemm(scratchPtr, 2 * H, state, K, rPtr, B, 2 * H, K, 0, 0, 0, -Infinity, Infinity);
    for (let b: usize = 0; b < <usize>B; b++) {
      gruGates(timePtr + 3 * b * gateBytes, scratchPtr + 2 * b * gateBytes, hPtr + b * gateBytes, H, isAfter);
    }
    // Rows of r h stand in the scratch, behind those of z.
    if (isAfter) f32_gemm(hiddenPtr, H, state, K, nPtr, B, H, K, 0, 0, 0, -Infinity, Infinity);
    else f32_gemm(hiddenPtr, H, scratchPtr + gateBytes, 2 * H, nPtr, B, H, H, 0, 0, 0, -Infinity, Infinity);
    for (let b: usize = 0; b < <usize>B; b++) {
      const row = b * gateBytes;
      const gatesPtr = scratchPtr + 2 * row;
      gruState(timePtr + 3 * row + 2 * gateBytes, gatesPtr, hiddenPtr + row, hPtr + row, toPtr + row, H, isAfter);
    }
    hPtr = toPtr;
  }
}

/** gates = | z | r |, or | z | r h | where the reset comes before the product. */
function gruGates(zPtr: usize, gatePtr: usize, hPtr: usize, H: i32, isAfter: bool): void {
  const gateBytes = (<usize>H) << 2;
  for (let j: usize = 0; j < gateBytes; j += 16) {
    const lanes = min(4, <i32>((gateBytes - j) >> 2));
    storeLanes(gatePtr + j, sigmoid(Gate.sum(zPtr, gatePtr, j, lanes)), lanes);
    const reset = sigmoid(Gate.sum(zPtr, gatePtr, gateBytes + j, lanes));
    storeLanes(gatePtr + gateBytes + j, isAfter ? reset : f32x4.mul(reset, loadLanes(hPtr + j, lanes)), lanes);
  }
}

function gruState(zPtr: usize, gatePtr: usize, nPtr: usize, hPtr: usize, yPtr: usize, H: i32, isAfter: bool): void {
  const gateBytes = (<usize>H) << 2;
  for (let j: usize = 0; j < gateBytes; j += 16) {
    const lanes = min(4, <i32>((gateBytes - j) >> 2));
    let back = loadLanes(nPtr + j, lanes);
    if (isAfter) back = f32x4.mul(loadLanes(gatePtr + gateBytes + j, lanes), back);
    const fresh = tanh(f32x4.add(loadLanes(zPtr + j, lanes), back));
    const update = loadLanes(gatePtr + j, lanes);
    const old = f32x4.mul(update, loadLanes(hPtr + j, lanes));
    storeLanes(yPtr + j, f32x4.add(f32x4.mul(f32x4.sub(f32x4.splat(1), update), fresh), old), lanes);
  }
}
