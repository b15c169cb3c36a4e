/** How sure a network is of its decisions, and which rows are not sure enough. */

/** What decides: the largest element along the last axis, or whether an element reaches a threshold. */
const enum Decision {
  ARGMAX,
  THRESHOLD,
}

/** Largest minus second largest of `columns` elements; NaN where one is NaN, Infinity for a single element. */
function topTwoMargin(xPtr: usize, columns: i32): f32 {
  let top: f32 = -Infinity;
  let second: f32 = -Infinity;
  for (const endPtr = xPtr + ((<usize>columns) << 2); xPtr < endPtr; xPtr += 4) {
    const x = load<f32>(xPtr);
    second = max<f32>(second, min<f32>(top, x));
    top = max<f32>(top, x);
  }
  return top - second;
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
