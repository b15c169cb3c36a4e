/** Gathers: addresses come from data, so every index is checked first, in release builds too. */

/** Whether every index of i32 [count] is in first..end-1. */
function areIndicesIn(indicesPtr: usize, count: i32, first: i32, end: i32): bool {
  for (let j = 0; j < count; j++) {
    const index = load<i32>(indicesPtr + ((<usize>j) << 2));
    if (index < first || index >= end) return false;
  }
  return true;
}

/**
 * y[m, j] = x[m, indices[j]]; x [M, columns], y [M, N] with row strides ldx, ldy in elements.
 * @param indicesPtr  int32 [N]
 * @returns false, with nothing written, when an index is not in 0..columns-1
 */
export function x32_gather_columns(
  xPtr: usize,
  indicesPtr: usize,
  yPtr: usize,
  M: i32,
  N: i32,
  columns: i32,
  ldx: i32,
  ldy: i32,
): bool {
  if (M == 0 || N == 0) return true;
  if (!areIndicesIn(indicesPtr, N, 0, columns)) return false;
  for (let m = 0; m < M; m++) {
    for (let j: usize = 0; j < <usize>N; j++) {
      const index = <usize>load<i32>(indicesPtr + (j << 2));
      store<u32>(yPtr + (j << 2), load<u32>(xPtr + (index << 2)));
    }
    xPtr += (<usize>ldx) << 2;
    yPtr += (<usize>ldy) << 2;
  }
  return true;
}

/** One slice of a gather: count blocks of `blockBytes` picked from x [axis, blockBytes]. */
function gatherSlice(blockBytes: usize, xPtr: usize, indicesPtr: usize, yPtr: usize, axis: i32, count: i32): void {
  for (let j = 0; j < count; j++) {
    let index = load<i32>(indicesPtr + ((<usize>j) << 2));
    if (index < 0) index += axis;
    const fromPtr = xPtr + <usize>index * blockBytes;
    if (blockBytes == 4) store<u32>(yPtr, load<u32>(fromPtr));
    else memory.copy(yPtr, fromPtr, blockBytes);
    yPtr += blockBytes;
  }
}

/** Single elements of 4 bytes picked from four slices of x, so that an index is read once for all of them. */
function gatherFour(xPtr: usize, indicesPtr: usize, yPtr: usize, axis: i32, count: i32): void {
  const xBytes = (<usize>axis) << 2;
  const yBytes = (<usize>count) << 2;
  for (let j = 0; j < count; j++) {
    let index = load<i32>(indicesPtr + ((<usize>j) << 2));
    if (index < 0) index += axis;
    const x = xPtr + ((<usize>index) << 2);
    store<u32>(yPtr, load<u32>(x));
    store<u32>(yPtr + yBytes, load<u32>(x + xBytes));
    store<u32>(yPtr + 2 * yBytes, load<u32>(x + 2 * xBytes));
    store<u32>(yPtr + 3 * yBytes, load<u32>(x + 3 * xBytes));
    yPtr += 4;
  }
}

/**
 * y[o, j, i] = x[o, indices[j], i]; x [outer, axis, inner], y [outer, count, inner]; an index below 0 counts from the end.
 * @param bytes  bytes of an element
 * @param indicesPtr  int32 [count]
 * @returns false, with nothing written, when an index is not in -axis..axis-1
 */
export function gather_axis(
  bytes: i32,
  xPtr: usize,
  indicesPtr: usize,
  yPtr: usize,
  outer: i32,
  axis: i32,
  inner: i32,
  count: i32,
): bool {
  if (outer == 0 || inner == 0 || count == 0) return true;
  if (!areIndicesIn(indicesPtr, count, -axis, axis)) return false;
  const blockBytes = <usize>inner * <usize>bytes;
  let o = 0;
  for (; blockBytes == 4 && o + 4 <= outer; o += 4) {
    gatherFour(xPtr, indicesPtr, yPtr, axis, count);
    xPtr += (<usize>axis) << 4;
    yPtr += (<usize>count) << 4;
  }
  for (; o < outer; o++) {
    gatherSlice(blockBytes, xPtr, indicesPtr, yPtr, axis, count);
    xPtr += <usize>axis * blockBytes;
    yPtr += <usize>count * blockBytes;
  }
  return true;
}
