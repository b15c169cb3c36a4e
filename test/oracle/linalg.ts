/** Plain f64 linear algebra: the slow truth beside assembly/linalg and assembly/statistics/binomial. */

/** A^T B for row-major A [depth, m], B [depth, n]. */
export function productOracle(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  depth: number,
  m: number,
  n: number,
): Float64Array {
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let r = 0; r < depth; r++) sum += a[r * m + i] * b[r * n + j];
      c[i * n + j] = sum;
    }
  }
  return c;
}

/** Solves A x = b by Gaussian elimination with partial pivoting. */
export function solveOracle(a: ArrayLike<number>, b: ArrayLike<number>): number[] {
  const n = b.length;
  const rows = Array.from({ length: n }, (_, i) => [...Array.from({ length: n }, (_, j) => a[i * n + j]), b[i]]);
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(rows[i][k]) > Math.abs(rows[pivot][k])) pivot = i;
    [rows[k], rows[pivot]] = [rows[pivot], rows[k]];
    for (let i = k + 1; i < n; i++) {
      const factor = rows[i][k] / rows[k][k];
      for (let j = k; j <= n; j++) rows[i][j] -= factor * rows[k][j];
    }
  }
  const x = new Array<number>(n).fill(0);
  for (let i = n - 1; i >= 0; i--) {
    let sum = rows[i][n];
    for (let j = i + 1; j < n; j++) sum -= rows[i][j] * x[j];
    x[i] = sum / rows[i][i];
  }
  return x;
}

/** P(X <= seen) of Binomial(n, p), by summing the terms from the ratio of neighbours. */
export function binomialCdfOracle(seen: number, n: number, p: number): number {
  let logTerm = n * Math.log1p(-p);
  let sum = Math.exp(logTerm);
  for (let k = 1; k <= seen; k++) {
    logTerm += Math.log((n - k + 1) / k) + Math.log(p) - Math.log1p(-p);
    sum += Math.exp(logTerm);
  }
  return sum;
}
