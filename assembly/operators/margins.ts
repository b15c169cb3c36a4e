/** How sure a network is of its decisions. */

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
    if (x > top) {
      second = top;
      top = x;
    } else if (x > second) second = x;
    else if (isNaN(x)) return NaN;
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
