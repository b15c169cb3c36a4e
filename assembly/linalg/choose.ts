/** Forward selection of columns: orthogonal least squares for many rows at once. */
import { axpy } from './vectors';

/** Share of a column's own size below which what is left of it is rounding. */
const LEAST_SHARE: f64 = 1e-10;

function at(base: usize, i: i32): usize {
  return base + ((<usize>i) << 3);
}

/** Adds the squares of a row of R to `scores`. */
function addSquares(n: i32, rowPtr: usize, scoresPtr: usize): void {
  for (let j = 0; j < n; j++) {
    const value = load<f64>(at(rowPtr, j));
    store<f64>(at(scoresPtr, j), load<f64>(at(scoresPtr, j)) + value * value);
  }
}

/** The column that lowers the error most, sum_i R[i, j]^2 / S[j, j]; -1 when none is left. */
function bestColumn(n: i32, sPtr: usize, scoresPtr: usize, sizesPtr: usize): i32 {
  let best = -1;
  let most: f64 = -1;
  for (let j = 0; j < n; j++) {
    const left = load<f64>(at(sPtr, j * (n + 1)));
    if (!(left > LEAST_SHARE * load<f64>(at(sizesPtr, j)))) continue;
    const score = load<f64>(at(scoresPtr, j)) / left;
    if (score > most) {
      most = score;
      best = j;
    }
  }
  return best;
}

/** Takes column j out of the rows of A: A[i, :] -= A[i, j] / pivot S[j, :]. */
function deflate(rows: i32, n: i32, aPtr: usize, j: i32, pivotRowPtr: usize, pivot: f64): void {
  for (let i = 0; i < rows; i++) {
    const row = at(aPtr, i * n);
    axpy(n, -load<f64>(at(row, j)) / pivot, pivotRowPtr, row);
  }
}

/**
 * Chooses columns one by one, each the one with which least squares on those chosen leaves the least error
 *
 *     sum_i min_b (w_i - b)^T M (w_i - b),  b zero outside the chosen columns
 *
 * @param n  columns
 * @param m  rows
 * @param sPtr  M [n, n], f64, symmetric positive semidefinite; destroyed
 * @param rPtr  W M [m, n], f64; destroyed
 * @param count  columns wanted, 0..n
 * @param chosenPtr  out, i32 [count], in the order of choice
 * @param scratchPtr  f64 [3 n]
 * @returns columns chosen; fewer than wanted where the rest add nothing that rounding does not
 * @complexity O(count n (n + m))
 */
export function f64_choose_columns(
  n: i32,
  m: i32,
  sPtr: usize,
  rPtr: usize,
  count: i32,
  chosenPtr: usize,
  scratchPtr: usize,
): i32 {
  const sizesPtr = scratchPtr;
  const scoresPtr = at(sizesPtr, n);
  const pivotRowPtr = at(scoresPtr, n);
  for (let j = 0; j < n; j++) store<f64>(at(sizesPtr, j), load<f64>(at(sPtr, j * (n + 1))));
  for (let step = 0; step < count; step++) {
    memory.fill(scoresPtr, 0, (<usize>n) << 3);
    for (let i = 0; i < m; i++) addSquares(n, at(rPtr, i * n), scoresPtr);
    const j = bestColumn(n, sPtr, scoresPtr, sizesPtr);
    if (j < 0) return step;
    store<i32>(chosenPtr + ((<usize>step) << 2), j);
    memory.copy(pivotRowPtr, at(sPtr, j * n), (<usize>n) << 3);
    const pivot = load<f64>(at(pivotRowPtr, j));
    deflate(m, n, rPtr, j, pivotRowPtr, pivot);
    deflate(n, n, sPtr, j, pivotRowPtr, pivot);
    store<f64>(at(sPtr, j * (n + 1)), 0);
  }
  return count;
}
