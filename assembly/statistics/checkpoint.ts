/** Weights against their own values at initialisation: what training left alone, under a common decay factor. */

/** Width of a histogram bin in ln(w / w0): the tolerance of the ratio test. */
const BIN: f64 = 1e-4;

/**
 * Histogram of ln(w / w0) over pairs of equal sign; bin b holds [b, b + 1) * 1e-4 + ln(low).
 * Pairs outside of the bins' range are left out.
 * @param n  weights
 * @param wPtr  w [n], f32
 * @param initPtr  w0 [n], f32
 * @param low  smallest ratio
 * @param bins  number of bins
 * @param countPtr  u32 [bins], added to
 */
export function f32_ratio_histogram(n: usize, wPtr: usize, initPtr: usize, low: f64, bins: i32, countPtr: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const w = <f64>load<f32>(wPtr + (i << 2));
    const w0 = <f64>load<f32>(initPtr + (i << 2));
    if (w * w0 <= 0) continue;
    const place = Math.log(w / (w0 * low)) / BIN;
    if (place < 0 || place >= <f64>bins) continue;
    const count = countPtr + ((<usize>place) << 2);
    store<u32>(count, load<u32>(count) + 1);
  }
}

/**
 * Mean of w / w0 over the pairs whose ratio lies in [low, high]; NaN when there is none.
 */
export function f32_mean_ratio(n: usize, wPtr: usize, initPtr: usize, low: f64, high: f64): f64 {
  let sum: f64 = 0;
  let count: f64 = 0;
  for (let i: usize = 0; i < n; i++) {
    const ratio = <f64>load<f32>(wPtr + (i << 2)) / <f64>load<f32>(initPtr + (i << 2));
    if (ratio >= low && ratio <= high) {
      sum += ratio;
      count += 1;
    }
  }
  return sum / count;
}

/**
 * Counts the weights that training touched, in all and by row and column: those with |w / (c w0) - 1| > tolerance,
 * or, with tolerance 0 and c = 1, those that differ from w0 by a bit. Where w0 = 0, any w != 0 is touched.
 * @param M  rows
 * @param N  columns
 * @param wPtr  w [M, N], f32
 * @param initPtr  w0 [M, N], f32
 * @param c  decay factor
 * @param rowPtr  u32 [M], touched weights of each row
 * @param columnPtr  u32 [N], touched weights of each column
 * @returns touched weights
 */
export function f32_count_touched(
  M: usize,
  N: usize,
  wPtr: usize,
  initPtr: usize,
  c: f64,
  tolerance: f64,
  rowPtr: usize,
  columnPtr: usize,
): f64 {
  memory.fill(columnPtr, 0, N << 2);
  let total: f64 = 0;
  for (let i: usize = 0; i < M; i++) {
    let row: u32 = 0;
    for (let j: usize = 0; j < N; j++) {
      const at = (i * N + j) << 2;
      const w = <f64>load<f32>(wPtr + at);
      const expected = c * <f64>load<f32>(initPtr + at);
      if (abs(w - expected) <= tolerance * abs(expected)) continue;
      row++;
      const column = columnPtr + (j << 2);
      store<u32>(column, load<u32>(column) + 1);
    }
    store<u32>(rowPtr + (i << 2), row);
    total += <f64>row;
  }
  return total;
}
