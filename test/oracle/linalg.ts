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

/**
 * Forward selection by its definition: adds the column with which least squares for all rows leaves the least error.
 * @param M  [n, n], symmetric
 * @param W  rows of n
 * @returns for each step the error with every column that could be added, chosen ones excepted, and the choice
 */
export function chooseOracle(M: ArrayLike<number>, W: readonly ArrayLike<number>[], n: number, count: number) {
  const at = (i: number, j: number) => M[i * n + j];
  const errorWith = (set: readonly number[]) => {
    const gram = set.flatMap((i) => set.map((j) => at(i, j)));
    return W.reduce((sum, w) => {
      const product = Array.from({ length: n }, (_, j) =>
        Array.from({ length: n }, (_, i) => w[i] * at(i, j)).reduce((a, b) => a + b),
      );
      const whole = product.reduce((total, value, j) => total + value * w[j], 0);
      const right = set.map((j) => product[j]);
      const b = solveOracle(gram, right);
      return sum + whole - b.reduce((total, value, i) => total + value * right[i], 0);
    }, 0);
  };
  const chosen: number[] = [];
  const errors: ReadonlyMap<number, number>[] = [];
  for (let step = 0; step < count; step++) {
    const free = Array.from({ length: n }, (_, j) => j).filter((j) => !chosen.includes(j));
    const left = new Map(free.map((j) => [j, errorWith([...chosen, j])]));
    errors.push(left);
    chosen.push(free.reduce((best, j) => ((left.get(j) as number) < (left.get(best) as number) ? j : best)));
  }
  return { chosen, errors };
}
