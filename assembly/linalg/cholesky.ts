/** Cholesky factor of a symmetric positive definite matrix, and the triangular solves that use it. f64, row-major. */
import { axpy, dot } from './vectors';

/**
 * Factors A = L L^T in place; reads and writes the lower triangle only.
 * @param aPtr  f64 [n, lda]
 * @returns -1, or the first row whose pivot is not positive (the matrix is then half written)
 */
export function f64_cholesky(n: i32, aPtr: usize, lda: i32): i32 {
  for (let i = 0; i < n; i++) {
    const rowI = aPtr + ((<usize>i * <usize>lda) << 3);
    for (let j = 0; j < i; j++) {
      const rowJ = aPtr + ((<usize>j * <usize>lda) << 3);
      const at = (<usize>j) << 3;
      store<f64>(rowI + at, (load<f64>(rowI + at) - dot(j, rowI, rowJ)) / load<f64>(rowJ + at));
    }
    const at = rowI + ((<usize>i) << 3);
    const pivot = load<f64>(at) - dot(i, rowI, rowI);
    if (!(pivot > 0)) return i;
    store<f64>(at, sqrt(pivot));
  }
  return -1;
}

/** Solves L z = b in place. */
function solveLower(n: i32, lPtr: usize, ldl: i32, bPtr: usize): void {
  for (let i = 0; i < n; i++) {
    const row = lPtr + ((<usize>i * <usize>ldl) << 3);
    const at = (<usize>i) << 3;
    store<f64>(bPtr + at, (load<f64>(bPtr + at) - dot(i, row, bPtr)) / load<f64>(row + at));
  }
}

/** Solves L^T x = z in place. */
function solveLowerTransposed(n: i32, lPtr: usize, ldl: i32, bPtr: usize): void {
  for (let i = n - 1; i >= 0; i--) {
    const row = lPtr + ((<usize>i * <usize>ldl) << 3);
    const at = (<usize>i) << 3;
    const value = load<f64>(bPtr + at) / load<f64>(row + at);
    store<f64>(bPtr + at, value);
    axpy(i, -value, row, bPtr);
  }
}

/**
 * Solves L L^T x = b for each row b of B, in place.
 * @param lPtr  f64 [n, ldl], lower factor
 * @param bPtr  f64 [count, ldb], one right-hand side a row
 */
export function f64_cholesky_solve_rows(n: i32, lPtr: usize, ldl: i32, count: i32, bPtr: usize, ldb: i32): void {
  for (let r = 0; r < count; r++) {
    const b = bPtr + ((<usize>r * <usize>ldb) << 3);
    solveLower(n, lPtr, ldl, b);
    solveLowerTransposed(n, lPtr, ldl, b);
  }
}

/**
 * Ridge regression on a subset S of the inputs: solves (A_SS + ridge I) x = b_S for one right-hand side.
 * @param aPtr  f64 [n, lda], full symmetric (lower half read)
 * @param subsetPtr  i32 [count], ascending
 * @param bPtr  f64 [n], the full right-hand side
 * @param scratchPtr  f64 [count, count]
 * @param xPtr  f64 [count], solution
 * @returns -1, or the row whose pivot failed
 */
export function f64_subset_solve(
  aPtr: usize,
  lda: i32,
  ridge: f64,
  count: i32,
  subsetPtr: usize,
  bPtr: usize,
  scratchPtr: usize,
  xPtr: usize,
): i32 {
  for (let i = 0; i < count; i++) {
    const row = <usize>load<i32>(subsetPtr + ((<usize>i) << 2));
    const target = scratchPtr + ((<usize>i * <usize>count) << 3);
    for (let j = 0; j <= i; j++) {
      const column = <usize>load<i32>(subsetPtr + ((<usize>j) << 2));
      const value = load<f64>(aPtr + ((row * <usize>lda + column) << 3));
      store<f64>(target + ((<usize>j) << 3), i == j ? value + ridge : value);
    }
    store<f64>(xPtr + ((<usize>i) << 3), load<f64>(bPtr + (row << 3)));
  }
  const failed = f64_cholesky(count, scratchPtr, count);
  if (failed >= 0) return failed;
  f64_cholesky_solve_rows(count, scratchPtr, count, 1, xPtr, count);
  return -1;
}
