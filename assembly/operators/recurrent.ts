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
import { f32_unary_core } from './unary-core';
import { Unary } from './unary-vector';

/** What a pass over rows does with y and the rows a, b, c, d. */
const enum Pass {
  /** y + a */
  SUM,
  /** y a */
  PRODUCT,
  /** y + a b */
  PEEPHOLE,
  /** a b + c d */
  CELL,
  /** (1 - a) y + a b */
  BLEND,
}

/**
 * Passes over rows of `count` elements, each a loop of its own: gates computed all at once, vector by vector, wait for one
 * another and are spilled. Methods, since TypeScript's grammar allows decorators only in classes.
 */
class Rows {
  @inline
  static load(ptr: usize, lanes: i32): v128 {
    return lanes == 4 ? v128.load(ptr) : loadLanes(ptr, lanes);
  }

  /** One vector; p is a literal, so only its branch is left. */
  @inline
  static value(p: Pass, yPtr: usize, aPtr: usize, bPtr: usize, cPtr: usize, dPtr: usize, lanes: i32): v128 {
    const a = Rows.load(aPtr, lanes);
    if (p == Pass.SUM) return f32x4.add(Rows.load(yPtr, lanes), a);
    if (p == Pass.PRODUCT) return f32x4.mul(Rows.load(yPtr, lanes), a);
    const ab = f32x4.mul(a, Rows.load(bPtr, lanes));
    if (p == Pass.PEEPHOLE) return f32x4.add(Rows.load(yPtr, lanes), ab);
    if (p == Pass.CELL) return f32x4.add(ab, f32x4.mul(Rows.load(cPtr, lanes), Rows.load(dPtr, lanes)));
    return f32x4.add(f32x4.mul(f32x4.sub(f32x4.splat(1), a), Rows.load(yPtr, lanes)), ab);
  }

  @inline
  static each(p: Pass, yPtr: usize, aPtr: usize, bPtr: usize, cPtr: usize, dPtr: usize, count: i32): void {
    let at: usize = 0;
    for (const end = (<usize>(count & -4)) << 2; at < end; at += 16) {
      v128.store(yPtr + at, Rows.value(p, yPtr + at, aPtr + at, bPtr + at, cPtr + at, dPtr + at, 4));
    }
    const rest = count & 3;
    if (rest == 0) return;
    storeLanes(yPtr + at, Rows.value(p, yPtr + at, aPtr + at, bPtr + at, cPtr + at, dPtr + at, rest), rest);
  }
}

function addTo(yPtr: usize, aPtr: usize, count: i32): void {
  Rows.each(Pass.SUM, yPtr, aPtr, 0, 0, 0, count);
}

function multiplyBy(yPtr: usize, aPtr: usize, count: i32): void {
  Rows.each(Pass.PRODUCT, yPtr, aPtr, 0, 0, 0, count);
}

function addPeephole(yPtr: usize, pPtr: usize, cPtr: usize, count: i32): void {
  Rows.each(Pass.PEEPHOLE, yPtr, pPtr, cPtr, 0, 0, count);
}

function sigmoid(ptr: usize, count: i32): void {
  f32_unary_core(Unary.SIGMOID, ptr, ptr, count, 0, 0);
}

function tanh(xPtr: usize, yPtr: usize, count: i32): void {
  f32_unary_core(Unary.TANH, xPtr, yPtr, count, 0, 0);
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

/** The gates of one row, | i | o | f | c |, in place. */
function lstmRow(zPtr: usize, gatePtr: usize, cPtr: usize, pPtr: usize, yPtr: usize, cellPtr: usize, H: i32): void {
  const gateBytes = (<usize>H) << 2;
  const outPtr = gatePtr + gateBytes;
  const forgetPtr = outPtr + gateBytes;
  const freshPtr = forgetPtr + gateBytes;
  addTo(gatePtr, zPtr, 4 * H);
  if (pPtr) {
    addPeephole(gatePtr, pPtr, cPtr, H);
    addPeephole(forgetPtr, pPtr + 2 * gateBytes, cPtr, H);
    sigmoid(gatePtr, H);
    sigmoid(forgetPtr, H);
  } else sigmoid(gatePtr, 3 * H);
  tanh(freshPtr, freshPtr, H);
  Rows.each(Pass.CELL, cellPtr, forgetPtr, cPtr, gatePtr, freshPtr, H);
  if (pPtr) {
    addPeephole(outPtr, pPtr + gateBytes, cellPtr, H);
    sigmoid(outPtr, H);
  }
  tanh(cellPtr, yPtr, H);
  multiplyBy(yPtr, outPtr, H);
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
  addTo(gatePtr, zPtr, 2 * H);
  sigmoid(gatePtr, 2 * H);
  if (!isAfter) multiplyBy(gatePtr + ((<usize>H) << 2), hPtr, H);
}

function gruState(zPtr: usize, gatePtr: usize, nPtr: usize, hPtr: usize, yPtr: usize, H: i32, isAfter: bool): void {
  if (isAfter) multiplyBy(nPtr, gatePtr + ((<usize>H) << 2), H);
  addTo(nPtr, zPtr, H);
  tanh(nPtr, yPtr, H);
  Rows.each(Pass.BLEND, yPtr, gatePtr, hPtr, 0, 0, H);
}
