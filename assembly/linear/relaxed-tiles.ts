/** Tall tiles of the relaxed build, where a product and its sum are one instruction and leave registers free. */
import { NR, NR_HALF, PANEL_ROW_BYTES, VECTOR_BYTES } from '../tile';
import { tiles } from './env';
import { Tile } from './gemm-ukernel';
import { Vector } from './vector';
import { f32_gemm_6x16 } from './wide-tile';

/** Outputs of a panel below which the tall tiles would compute padding. */
const leastOutputs = 13;

/**
 * Computes as many rows of a panel of `nr` outputs as tall tiles can; parameters as in {@link Tile.run}.
 * @returns rows that were computed
 */
export function f32_gemm_tall(
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
  wPtr: usize,
  lo: f32,
  hi: f32,
): i32 {
  if (nr < leastOutputs || tiles === 0) return 0;
  const part = rows - (rows % 6);
  if (nr === NR && tiles === 2) {
    f32_gemm_6x16(part, yPtr, yBytes, startPtr, startBytes, xPtr, xBytes, K, wPtr);
    wPtr += <usize>K * PANEL_ROW_BYTES;
    if (R > 0) f32_gemm_6x16(part, yPtr, yBytes, yPtr, yBytes, zPtr, zBytes, R, wPtr);
    if (lo > -Infinity || hi < Infinity) clampRows(part, yPtr, yBytes, lo, hi);
    return part;
  }
  const count = ((nr - 1) & 3) + 1;
  f32_gemm_6x8(part, 4, yPtr, yBytes, startPtr, startBytes, xPtr, xBytes, K, zPtr, zBytes, R, wPtr, lo, hi);
  yPtr += NR_HALF * 4;
  startPtr += NR_HALF * 4;
  wPtr += 2 * VECTOR_BYTES;
  f32_gemm_6x8(part, count, yPtr, yBytes, startPtr, startBytes, xPtr, xBytes, K, zPtr, zBytes, R, wPtr, lo, hi);
  return part;
}

/** Clamps the 16 outputs of each row; NaN stays. */
function clampRows(rows: i32, yPtr: usize, yBytes: usize, lo: f32, hi: f32): void {
  for (; rows > 0; rows--) {
    for (let v = 0; v < PANEL_ROW_BYTES; v += VECTOR_BYTES) {
      const y = v128.load(yPtr + <usize>v);
      v128.store(yPtr + <usize>v, Vector.clamp(y, lo, hi));
    }
    yPtr += yBytes;
  }
}

/** Half of a full panel's outputs. */
function f32_gemm_6x8(
  rows: i32,
  count: i32,
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
  wPtr: usize,
  lo: f32,
  hi: f32,
): void {
  Tile.run(
    6,
    2,
    PANEL_ROW_BYTES,
    rows,
    count,
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
    wPtr,
    lo,
    hi,
  );
}
