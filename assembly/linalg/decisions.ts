/** Comparisons of network outputs, row by row: f32 [rows, columns]. */

/** Index of the largest element of each row, the first of equals; -1 for a row with a NaN. */
export function f32_argmax_rows(rows: i32, columns: i32, xPtr: usize, outPtr: usize): void {
  for (let r = 0; r < rows; r++) {
    let best = 0;
    let value = load<f32>(xPtr);
    let isNumber = true;
    for (let j = 0; j < columns; j++, xPtr += 4) {
      const x = load<f32>(xPtr);
      if (isNaN(x)) isNumber = false;
      if (x > value) {
        value = x;
        best = j;
      }
    }
    store<i32>(outPtr + ((<usize>r) << 2), isNumber ? best : -1);
  }
}

/**
 * Distances between rows of a and b.
 *
 *     out, f64 [rows][4]:  | sum (a - b)^2 | sum a^2 | max |a - b| | elements whose bits differ |
 *
 * Two NaN count as equal, whatever their bits; +0 and -0 differ.
 */
export function f32_row_distances(rows: i32, columns: i32, aPtr: usize, bPtr: usize, outPtr: usize): void {
  for (let r = 0; r < rows; r++, outPtr += 32) {
    let squares: f64 = 0;
    let norm: f64 = 0;
    let largest: f64 = 0;
    let unequal: f64 = 0;
    for (let j = 0; j < columns; j++, aPtr += 4, bPtr += 4) {
      const a = <f64>load<f32>(aPtr);
      const b = <f64>load<f32>(bPtr);
      if (load<u32>(aPtr) == load<u32>(bPtr) || (isNaN(a) && isNaN(b))) {
        if (isFinite(a)) norm += a * a;
        continue;
      }
      unequal += 1;
      squares += (a - b) * (a - b);
      norm += a * a;
      largest = max(largest, abs(a - b));
    }
    store<f64>(outPtr, squares);
    store<f64>(outPtr, norm, 8);
    store<f64>(outPtr, largest, 16);
    store<f64>(outPtr, unequal, 24);
  }
}

/** log sum exp of a row, from its largest element on. */
function logSumExp(columns: i32, xPtr: usize): f64 {
  let largest: f64 = -Infinity;
  for (let j = 0; j < columns; j++) largest = max(largest, <f64>load<f32>(xPtr + ((<usize>j) << 2)));
  let sum: f64 = 0;
  for (let j = 0; j < columns; j++) sum += Math.exp(<f64>load<f32>(xPtr + ((<usize>j) << 2)) - largest);
  return largest + Math.log(sum);
}

/** Smallest positive f32: what a probability of zero may have been. */
const LEAST: f64 = 1.401298464324817e-45;

/**
 * Kullback-Leibler divergence KL(p || q) = sum_j p_j log(p_j / q_j) of each row: p and q are the softmax of the rows of a
 * and b, or these rows themselves; a q_j of zero then counts as the smallest f32. NaN where a number is not finite.
 * @param areProbabilities  1 where a and b hold probabilities, 0 for logits
 * @param outPtr  f64 [rows]
 */
export function f32_row_divergences(
  areProbabilities: i32,
  rows: i32,
  columns: i32,
  aPtr: usize,
  bPtr: usize,
  outPtr: usize,
): void {
  const strideBytes = (<usize>columns) << 2;
  for (let r = 0; r < rows; r++) {
    const aSum = areProbabilities ? 0 : logSumExp(columns, aPtr);
    const bSum = areProbabilities ? 0 : logSumExp(columns, bPtr);
    let divergence: f64 = 0;
    for (let j: usize = 0; j < strideBytes; j += 4) {
      const a = <f64>load<f32>(aPtr + j);
      const b = <f64>load<f32>(bPtr + j);
      if (areProbabilities) divergence += a == 0 ? 0 : a * (Math.log(a) - Math.log(b == 0 ? LEAST : b));
      else divergence += Math.exp(a - aSum) * (a - aSum - (b - bSum));
    }
    store<f64>(outPtr, divergence);
    aPtr += strideBytes;
    bPtr += strideBytes;
    outPtr += 8;
  }
}
