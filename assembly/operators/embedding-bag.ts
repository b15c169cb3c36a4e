/** Sums and means of table rows that ids name. */
import { loadLanes, storeLanes } from '../linear/lanes';

/** Number of ids >= 0, or -1 if one is >= V. */
function countIds(idsPtr: usize, L: i32, V: i32): i32 {
  let count = 0;
  for (let l = 0; l < L; l++) {
    const id = load<i32>(idsPtr + ((<usize>l) << 2));
    if (id >= V) return -1;
    count += id >= 0 ? 1 : 0;
  }
  return count;
}

/** Sixteen columns at a time. */
class Bag {
  /** Sixteen columns of the sum of table rows, l ascending; strides in bytes. */
  @inline
  static sum16(
    idsPtr: usize,
    tablePtr: usize,
    biasPtr: usize,
    yPtr: usize,
    L: i32,
    rowBytes: usize,
    scale: v128,
  ): void {
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    for (let l = 0; l < L; l++) {
      const id = load<i32>(idsPtr + ((<usize>l) << 2));
      if (id < 0) continue;
      const rowPtr = tablePtr + <usize>id * rowBytes;
      s0 = f32x4.add(s0, v128.load(rowPtr));
      s1 = f32x4.add(s1, v128.load(rowPtr, 16));
      s2 = f32x4.add(s2, v128.load(rowPtr, 32));
      s3 = f32x4.add(s3, v128.load(rowPtr, 48));
    }
    finish(s0, biasPtr, yPtr, 4, scale);
    finish(s1, biasPtr ? biasPtr + 16 : 0, yPtr + 16, 4, scale);
    finish(s2, biasPtr ? biasPtr + 32 : 0, yPtr + 32, 4, scale);
    finish(s3, biasPtr ? biasPtr + 48 : 0, yPtr + 48, 4, scale);
  }
}

/** y = sum / scale + bias. */
function finish(sum: v128, biasPtr: usize, yPtr: usize, lanes: i32, scale: v128): void {
  let y = f32x4.div(sum, scale);
  if (biasPtr) y = f32x4.add(y, loadLanes(biasPtr, lanes));
  storeLanes(yPtr, y, lanes);
}

/** One to four columns, in the same order. */
function bag4(
  idsPtr: usize,
  tablePtr: usize,
  biasPtr: usize,
  yPtr: usize,
  L: i32,
  rowBytes: usize,
  lanes: i32,
  scale: v128,
): void {
  let sum = f32x4.splat(0);
  for (let l = 0; l < L; l++) {
    const id = load<i32>(idsPtr + ((<usize>l) << 2));
    if (id >= 0) sum = f32x4.add(sum, loadLanes(tablePtr + <usize>id * rowBytes, lanes));
  }
  finish(sum, biasPtr, yPtr, lanes, scale);
}

/**
 * y[m] = sum of table[ids[m, l]] over the ids >= 0, l ascending from +0, for `mean` divided by their number, plus bias.
 * Ids below 0 are padding and change no bit, wherever they stand; a row of padding gives 0 plus bias.
 * @param mode  0 sum, 1 mean
 * @param idsPtr  int32 [M, L]
 * @param tablePtr  float32 [V, D]
 * @param biasPtr  float32 [D], or 0 for none
 * @param yPtr  float32 [M, D] with row stride ldy, disjoint from the others
 * @returns false when an id is >= V; rows before it are then written
 */
export function f32_embedding_bag(
  mode: i32,
  idsPtr: usize,
  tablePtr: usize,
  biasPtr: usize,
  yPtr: usize,
  M: i32,
  L: i32,
  V: i32,
  D: i32,
  ldy: i32,
): bool {
  if (D == 0) return true;
  const rowBytes = (<usize>D) << 2;
  for (let m = 0; m < M; m++) {
    const count = countIds(idsPtr, L, V);
    if (count < 0) return false;
    const scale = f32x4.splat(mode == 1 && count > 0 ? <f32>count : 1);
    let d = 0;
    for (; d + 16 <= D; d += 16) {
      const at = (<usize>d) << 2;
      Bag.sum16(idsPtr, tablePtr + at, biasPtr ? biasPtr + at : 0, yPtr + at, L, rowBytes, scale);
    }
    for (; d < D; d += 4) {
      const at = (<usize>d) << 2;
      bag4(idsPtr, tablePtr + at, biasPtr ? biasPtr + at : 0, yPtr + at, L, rowBytes, min(4, D - d), scale);
    }
    idsPtr += (<usize>L) << 2;
    yPtr += (<usize>ldy) << 2;
  }
  return true;
}
