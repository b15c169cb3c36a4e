/** Copies of f32 matrices into the layout that the linear algebra reads: rows padded with zeros. */

/**
 * y[i, j] = r[i] x[i, j] c[j], rows padded with zeros up to `ldy`.
 * @param M  rows
 * @param N  columns
 * @param xPtr  x [M, N], f32, dense
 * @param rowPtr  r [M], f64; 0 for ones
 * @param columnPtr  c [N], f64; 0 for ones
 * @param yPtr  y [M, ldy], f32
 * @param ldy  elements per row of y, >= N
 */
export function f32_scale_rows_columns(
  M: usize,
  N: usize,
  xPtr: usize,
  rowPtr: usize,
  columnPtr: usize,
  yPtr: usize,
  ldy: usize,
): void {
  for (let i: usize = 0; i < M; i++) {
    const r: f64 = rowPtr ? load<f64>(rowPtr + (i << 3)) : 1;
    const x = xPtr + ((i * N) << 2);
    const y = yPtr + ((i * ldy) << 2);
    for (let j: usize = 0; j < N; j++) {
      const c: f64 = columnPtr ? load<f64>(columnPtr + (j << 3)) : 1;
      store<f32>(y + (j << 2), <f32>(r * c * <f64>load<f32>(x + (j << 2))));
    }
    memory.fill(y + (N << 2), 0, (ldy - N) << 2);
  }
}

/** Side of the square that is transposed at a time: 16 rows of 64 bytes stay in the first-level cache. */
const TILE: usize = 16;

/**
 * y[j, i] = x[i, j].
 * @param M  rows of x
 * @param N  columns of x
 * @param xPtr  x [M, N], f32, rows `ldx` apart
 * @param yPtr  y [N, M], f32, rows `ldy` apart, not overlapping x; elements beyond M are not written
 */
export function f32_transpose(M: usize, N: usize, xPtr: usize, ldx: usize, yPtr: usize, ldy: usize): void {
  for (let i0: usize = 0; i0 < M; i0 += TILE) {
    const i1 = min<usize>(i0 + TILE, M);
    for (let j0: usize = 0; j0 < N; j0 += TILE) {
      const j1 = min<usize>(j0 + TILE, N);
      for (let j = j0; j < j1; j++) {
        for (let i = i0; i < i1; i++) {
          store<f32>(yPtr + ((j * ldy + i) << 2), load<f32>(xPtr + ((i * ldx + j) << 2)));
        }
      }
    }
  }
}
