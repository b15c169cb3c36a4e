/** Singular values by one-sided Jacobi rotations, f64: slow, and accurate for small values too. */

/** @param rows  the matrix as rows of numbers; returns min(rows, columns) values, descending */
export function singularValuesOracle(rows: readonly (readonly number[])[]): number[] {
  const wide = rows.length <= rows[0].length;
  // Orthogonalise the shorter side's vectors against each other.
  const vectors = wide ? rows.map((row) => [...row]) : rows[0].map((_, j) => rows.map((row) => row[j]));
  const dot = (x: number[], y: number[]) => x.reduce((sum, value, k) => sum + value * y[k], 0);
  for (let sweep = 0; sweep < 60; sweep++) {
    let largest = 0;
    for (let i = 0; i < vectors.length; i++) {
      for (let j = i + 1; j < vectors.length; j++) {
        const [x, y] = [vectors[i], vectors[j]];
        const [xx, yy, xy] = [dot(x, x), dot(y, y), dot(x, y)];
        if (xy === 0) continue;
        largest = Math.max(largest, Math.abs(xy) / Math.sqrt(xx * yy));
        const zeta = (yy - xx) / (2 * xy);
        const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
        const c = 1 / Math.sqrt(1 + t * t);
        const s = c * t;
        for (let k = 0; k < x.length; k++) [x[k], y[k]] = [c * x[k] - s * y[k], s * x[k] + c * y[k]];
      }
    }
    if (largest < 1e-15) break;
  }
  return vectors.map((vector) => Math.sqrt(dot(vector, vector))).sort((a, b) => b - a);
}
