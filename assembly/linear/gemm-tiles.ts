/** The tiles that exist, and which of them computes what. */
import { HALF_PANEL_ROW_BYTES, PANEL_ROW_BYTES } from '../tile';
import { Tile } from './gemm-ukernel';

/**
 * Computes `rows` rows, a multiple of mr, by the tile of mr rows and nr outputs, nr rounded up to a vector of 4.
 * Parameters as in {@link Tile.run}.
 */
export function f32_gemm_tiles(
  mr: i32,
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
): void {
  const count = ((nr - 1) & 3) + 1;
  if (nr > 12) {
    if (mr === 2)
      f32_gemm_2x16(rows, count, yPtr, yBytes, startPtr, startBytes, xPtr, xBytes, K, zPtr, zBytes, R, wPtr, lo, hi);
    else f32_gemm_1x16(rows, count, yPtr, yBytes, startPtr, startBytes, xPtr, xBytes, K, zPtr, zBytes, R, wPtr, lo, hi);
  } else if (nr > 8) {
    if (mr === 2)
      f32_gemm_2x12(rows, count, yPtr, yBytes, startPtr, startBytes, xPtr, xBytes, K, zPtr, zBytes, R, wPtr, lo, hi);
    else f32_gemm_1x12(rows, count, yPtr, yBytes, startPtr, startBytes, xPtr, xBytes, K, zPtr, zBytes, R, wPtr, lo, hi);
  } else if (nr > 4) {
    if (mr === 4)
      f32_gemm_4x8(rows, count, yPtr, yBytes, startPtr, startBytes, xPtr, xBytes, K, zPtr, zBytes, R, wPtr, lo, hi);
    else if (mr === 2)
      f32_gemm_2x8(rows, count, yPtr, yBytes, startPtr, startBytes, xPtr, xBytes, K, zPtr, zBytes, R, wPtr, lo, hi);
    else f32_gemm_1x8(rows, count, yPtr, yBytes, startPtr, startBytes, xPtr, xBytes, K, zPtr, zBytes, R, wPtr, lo, hi);
  } else {
    if (mr === 4)
      f32_gemm_4x4(rows, count, yPtr, yBytes, startPtr, startBytes, xPtr, xBytes, K, zPtr, zBytes, R, wPtr, lo, hi);
    else if (mr === 2)
      f32_gemm_2x4(rows, count, yPtr, yBytes, startPtr, startBytes, xPtr, xBytes, K, zPtr, zBytes, R, wPtr, lo, hi);
    else f32_gemm_1x4(rows, count, yPtr, yBytes, startPtr, startBytes, xPtr, xBytes, K, zPtr, zBytes, R, wPtr, lo, hi);
  }
}

function f32_gemm_2x16(
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
    2,
    4,
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

function f32_gemm_1x16(
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
    1,
    4,
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

function f32_gemm_2x12(
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
    2,
    3,
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

function f32_gemm_1x12(
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
    1,
    3,
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

function f32_gemm_4x8(
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
    4,
    2,
    HALF_PANEL_ROW_BYTES,
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

function f32_gemm_2x8(
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
    2,
    2,
    HALF_PANEL_ROW_BYTES,
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

function f32_gemm_1x8(
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
    1,
    2,
    HALF_PANEL_ROW_BYTES,
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

function f32_gemm_4x4(
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
    4,
    1,
    HALF_PANEL_ROW_BYTES,
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

function f32_gemm_2x4(
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
    2,
    1,
    HALF_PANEL_ROW_BYTES,
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

function f32_gemm_1x4(
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
    1,
    1,
    HALF_PANEL_ROW_BYTES,
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
