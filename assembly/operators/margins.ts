/** How sure a network is of its decisions, and which rows are not sure enough. */
import { loadLanes } from '../linear/lanes';

/** What decides: the largest element along the last axis, or whether an element reaches a threshold. */
const enum Decision {
  ARGMAX,
  THRESHOLD,
}

/** Largest minus second largest of `columns` elements; NaN where one is NaN, Infinity for a single element. */
function topTwoMargin(xPtr: usize, columns: i32): f32 {
  const none = f32x4.splat(-Infinity);
  // By lane: the largest and the second largest so far, and whether there was a NaN, which pmin and pmax do not keep.
  let top = none;
  let second = none;
  let isNan = i32x4.splat(0);
  for (let rest = columns; rest > 0; rest -= 4) {
    const missing = i32x4.le_s(i32x4.splat(rest), i32x4(0, 1, 2, 3));
    const x = v128.bitselect(none, loadLanes(xPtr, min(rest, 4)), missing);
    isNan = v128.or(isNan, f32x4.ne(x, x));
    second = f32x4.pmax(second, f32x4.pmin(top, x));
    top = f32x4.pmax(top, x);
    xPtr += 16;
  }
  if (v128.any_true(isNan)) return NaN;
  for (let pass = 0; pass < 2; pass++) {
    const otherTop = pass === 0 ? v128.shuffle<i32>(top, top, 2, 3, 0, 1) : v128.shuffle<i32>(top, top, 1, 0, 3, 2);
    const otherSecond =
      pass === 0 ? v128.shuffle<i32>(second, second, 2, 3, 0, 1) : v128.shuffle<i32>(second, second, 1, 0, 3, 2);
    second = f32x4.pmax(f32x4.pmax(second, otherSecond), f32x4.pmin(top, otherTop));
    top = f32x4.pmax(top, otherTop);
  }
  return f32x4.extract_lane(top, 0) - f32x4.extract_lane(second, 0);
}

/** The least |x - at| of `columns` elements; NaN where one is NaN. */
function thresholdMargin(xPtr: usize, columns: i32, at: f32): f32 {
  let least: f32 = Infinity;
  for (const endPtr = xPtr + ((<usize>columns) << 2); xPtr < endPtr; xPtr += 4) {
    least = min<f32>(least, abs<f32>(load<f32>(xPtr) - at));
  }
  return least;
}

/**
 * margins[m] = min(margins[m], margins of the decisions at all positions of row m of x [rows, positions, columns]).
 * @param decision  0: largest minus second largest along the columns; 1: distance of each element from `at`
 * @param marginPtr  float32 [rows]; updated, so that several outputs of a network give one margin; NaN stays NaN
 */
export function f32_margins(
  decision: i32,
  rows: i32,
  positions: i32,
  columns: i32,
  at: f32,
  xPtr: usize,
  marginPtr: usize,
): void {
  const strideBytes = (<usize>columns) << 2;
  for (let m = 0; m < rows; m++) {
    let margin = load<f32>(marginPtr);
    for (let p = 0; p < positions; p++) {
      const own = decision == Decision.ARGMAX ? topTwoMargin(xPtr, columns) : thresholdMargin(xPtr, columns, at);
      margin = min<f32>(margin, own);
      xPtr += strideBytes;
    }
    store<f32>(marginPtr, margin);
    marginPtr += 4;
  }
}

/**
 * Lists the rows whose margin does not reach tau, in ascending order; NaN reaches nothing.
 * @param marginPtr  float32 [rows]
 * @param rowsPtr  int32 [rows]; the first elements are written
 * @returns how many rows are listed
 */
export function f32_rows_below(rows: i32, tau: f32, marginPtr: usize, rowsPtr: usize): i32 {
  let count = 0;
  for (let m = 0; m < rows; m++) {
    if (load<f32>(marginPtr + ((<usize>m) << 2)) >= tau) continue;
    store<i32>(rowsPtr + ((<usize>count) << 2), m);
    count++;
  }
  return count;
}
