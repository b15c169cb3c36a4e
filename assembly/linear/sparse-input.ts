/**
 * The linear layer on inputs with many zeros: of each panel only the rows of the non-zero inputs are read.
 *
 * Leaving out a term changes no bit of f32_gemm's sums. The term is x w with x = +-0 and w finite, so it is +0 or -0,
 * and adding a zero changes only a sum that is itself a zero: +0 stays +0 with either, but -0 + +0 is +0. No sum is
 * ever -0: the first is not (a bias is stored as bias + 0), and s + t is -0 only if s and t both are (x - x is +0, and
 * sums of f32 do not underflow: those below the normal range are exact). So both preconditions are needed: finite
 * weights, since 0 Inf is NaN, and no bias of -0. `f32_panels_skippable` tells; NaN and Inf inputs are non-zero.
 */
import { NR, NR_HALF, PANEL_ROW_BYTES } from '../tile';
import { f32_gather_1x8, f32_gather_1x16, f32_gather_1x32 } from './gather-tiles';
import { f32_gemm } from './gemm';

/** Rows that are listed together, so that a panel stays in a near cache for all of them. */
const MB: i32 = 64;

/**
 * Share of non-zero inputs, in 256ths, up to which skipping pays for one row, and for more; less for few outputs, which
 * listing an input costs as much as multiplying it.
 */
function densityLimit(M: i32, N: i32): i32 {
  return M === 1 ? min(6 * N + 16, 128 + min(N >> 2, 48)) : min(4 * N + 16, 88 + min(N >> 2, 56));
}

/**
 * {@link f32_gemm}, with the same bits, faster where few inputs of x are non-zero; which way is taken is decided for
 * each block of rows by counting.
 * @param scratchPtr  4 MB + 8 (K + R) min(M, 4) bytes, a multiple of 8; the null pointer where nothing may be skipped
 */
export function f32_gemm_sparse_input(
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
  const limit = densityLimit(M, N);
  const entriesPtr = scratchPtr + 4 * MB;
  const capacity = (K + R) * min(M, 4);
  while (scratchPtr !== 0 && M > 0 && sampleDensity(xPtr, ldx, M, K) <= limit) {
    // row m: | entries of the non-zero inputs of x, then of z |, its end in ends[m]
    let rows = 0;
    let endPtr = entriesPtr;
    const lastPtr = entriesPtr + ((<usize>(capacity - K - R)) << 3);
    for (; rows < min(M, MB) && endPtr <= lastPtr; rows++) {
      endPtr = listNonZeros(xPtr + ((<usize>rows * <usize>ldx) << 2), K, 0, endPtr);
      if (R > 0) endPtr = listNonZeros(zPtr + ((<usize>rows * <usize>ldz) << 2), R, K, endPtr);
      store<u32>(scratchPtr + ((<usize>rows) << 2), <u32>endPtr);
    }
    if ((<i64>((endPtr - entriesPtr) >> 3)) << 8 > <i64>limit * rows * (K + R)) break;
    gatherRows(yPtr, ldy, scratchPtr, entriesPtr, panelPtr, rows, N, 1 + K + R, lo, hi);
    M -= rows;
    yPtr += (<usize>rows * <usize>ldy) << 2;
    xPtr += (<usize>rows * <usize>ldx) << 2;
    zPtr += (<usize>rows * <usize>ldz) << 2;
  }
  if (M > 0) f32_gemm(yPtr, ldy, xPtr, ldx, panelPtr, M, N, K, zPtr, ldz, R, lo, hi);
}

/** The share of non-zero inputs, in 256ths, in 16 vectors along the diagonal of x: all that a dense x costs. */
function sampleDensity(xPtr: usize, ldx: i32, M: i32, K: i32): i32 {
  if (K < 4) return 256;
  let zeros = i32x4.splat(0);
  for (let spot: usize = 0; spot < 16; spot++) {
    const at = ((<usize>M * spot) >> 4) * <usize>ldx + ((<usize>(K - 4) * spot) >> 4);
    zeros = i32x4.sub(zeros, f32x4.eq(v128.load(xPtr + (at << 2)), f32x4.splat(0)));
  }
  const pairs = i32x4.add(zeros, v128.shuffle<i32>(zeros, zeros, 2, 3, 0, 1));
  return 256 - ((i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1)) << 2);
}

/**
 * Appends an entry `| 64 (row + k): i32 | x[k]: f32 |` for each non-zero input, k ascending: where its weights stand
 * in a full panel, and the input.
 * @returns end of the list
 */
function listNonZeros(xPtr: usize, count: i32, row: i32, entryPtr: usize): usize {
  let offset = row * PANEL_ROW_BYTES;
  const endPtr = xPtr + ((<usize>count) << 2);
  for (; xPtr + 256 <= endPtr; xPtr += 256) {
    let mask = mask16(xPtr) | (mask16(xPtr + 64) << 16) | (mask16(xPtr + 128) << 32) | (mask16(xPtr + 192) << 48);
    for (; mask !== 0; mask &= mask - 1) {
      const k = <i32>ctz(mask);
      store<i32>(entryPtr, offset + k * PANEL_ROW_BYTES);
      store<u32>(entryPtr, load<u32>(xPtr + ((<usize>k) << 2)), 4);
      entryPtr += 8;
    }
    offset += 64 * PANEL_ROW_BYTES;
  }
  for (; xPtr < endPtr; xPtr += 4) {
    store<i32>(entryPtr, offset);
    store<u32>(entryPtr, load<u32>(xPtr), 4);
    entryPtr += load<f32>(xPtr) !== 0 ? 8 : 0;
    offset += PANEL_ROW_BYTES;
  }
  return entryPtr;
}

/** Bit k is set where x[k] is not zero, k = 0..15. */
function mask16(xPtr: usize): u64 {
  const zero = f32x4.splat(0);
  const low = i16x8.narrow_i32x4_s(f32x4.ne(v128.load(xPtr), zero), f32x4.ne(v128.load(xPtr, 16), zero));
  const high = i16x8.narrow_i32x4_s(f32x4.ne(v128.load(xPtr, 32), zero), f32x4.ne(v128.load(xPtr, 48), zero));
  return <u64>(<u32>i8x16.bitmask(i8x16.narrow_i16x8_s(low, high)));
}

/** All outputs of the listed rows, two panels at a time; within them the rows, so that weights are found near. */
function gatherRows(
  yPtr: usize,
  ldy: i32,
  endsPtr: usize,
  entriesPtr: usize,
  panelPtr: usize,
  rows: i32,
  N: i32,
  panelRows: i32,
  lo: f32,
  hi: f32,
): void {
  const panelBytes = <usize>panelRows * PANEL_ROW_BYTES;
  for (let n = 0; n < N; ) {
    const nr = N - n;
    let y = yPtr;
    let from = entriesPtr;
    for (let m = 0; m < rows; m++) {
      const end = <usize>load<u32>(endsPtr + ((<usize>m) << 2));
      if (nr >= 2 * NR) f32_gather_1x32(y, from, end, panelPtr, panelBytes, lo, hi);
      else if (nr > NR_HALF) f32_gather_1x16(y, min(nr, NR), from, end, panelPtr, lo, hi);
      else f32_gather_1x8(y, nr, from, end, panelPtr, lo, hi);
      from = end;
      y += (<usize>ldy) << 2;
    }
    const step = nr >= 2 * NR ? 2 * NR : NR;
    n += step;
    yPtr += (<usize>step) << 2;
    panelPtr += nr >= 2 * NR ? 2 * panelBytes : panelBytes;
  }
}
