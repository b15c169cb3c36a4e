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
 * Solves L^T x = b for each row b of B, in place: X L = B.
 * @param lPtr  f64 [n, ldl], lower factor
 * @param bPtr  f64 [count, ldb], one right-hand side a row
 */
export function f64_solve_lower_transposed_rows(
  n: i32,
  lPtr: usize,
  ldl: i32,
  count: i32,
  bPtr: usize,
  ldb: i32,
): void {
  for (let r = 0; r < count; r++) solveLowerTransposed(n, lPtr, ldl, bPtr + ((<usize>r * <usize>ldb) << 3));
}

/** Copies the rows and columns `subset` of a symmetric matrix, adding `ridge` to the diagonal. Lower half only. */
function copySubset(aPtr: usize, lda: i32, ridge: f64, count: i32, subsetPtr: usize, outPtr: usize): void {
  for (let i = 0; i < count; i++) {
    const row = aPtr + ((<usize>load<i32>(subsetPtr + ((<usize>i) << 2)) * <usize>lda) << 3);
    const out = outPtr + ((<usize>i * <usize>count) << 3);
    for (let j = 0; j <= i; j++) {
      const column = <usize>load<i32>(subsetPtr + ((<usize>j) << 2));
      store<f64>(out + ((<usize>j) << 3), load<f64>(row + (column << 3)) + (i == j ? ridge : 0));
    }
  }
}

/**
 * Refits each row of a sparse W on its own non-zero columns S: w_S += (C_SS + ridge I)^-1 r_S.
 * @param cPtr  f64 [n, n], symmetric
 * @param wPtr  f64 [rows, n], zeros stay zeros; in and out
 * @param rPtr  f64 [rows, n], what W leaves unexplained: D - W C; overwritten in its first elements
 * @param subsetPtr  scratch, i32 [n]
 * @param scratchPtr  f64 [n, n]
 * @returns -1, or the first row of W whose system is not positive definite
 */
export function f64_sparse_refit_rows(
  rows: i32,
  n: i32,
  cPtr: usize,
  ridge: f64,
  wPtr: usize,
  rPtr: usize,
  subsetPtr: usize,
  scratchPtr: usize,
): i32 {
  const rowBytes = (<usize>n) << 3;
  for (let row = 0; row < rows; row++, wPtr += rowBytes, rPtr += rowBytes) {
    let count = 0;
    for (let j = 0; j < n; j++) {
      if (load<f64>(wPtr + ((<usize>j) << 3)) == 0) continue;
      store<i32>(subsetPtr + ((<usize>count) << 2), j);
      store<f64>(rPtr + ((<usize>count) << 3), load<f64>(rPtr + ((<usize>j) << 3)));
      count++;
    }
    copySubset(cPtr, n, ridge, count, subsetPtr, scratchPtr);
    if (f64_cholesky(count, scratchPtr, count) >= 0) return row;
    f64_cholesky_solve_rows(count, scratchPtr, count, 1, rPtr, count);
    for (let i = 0; i < count; i++) {
      const w = wPtr + ((<usize>load<i32>(subsetPtr + ((<usize>i) << 2))) << 3);
      store<f64>(w, load<f64>(w) + load<f64>(rPtr + ((<usize>i) << 3)));
    }
  }
  return -1;
}
