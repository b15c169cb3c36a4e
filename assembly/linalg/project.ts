/** Products of f64 vectors with f32 matrices. */

/**
 * out[r, j] = sum over i of u[r, i] w[i, j], in f64, i ascending.
 * @param R  vectors
 * @param M  rows of w
 * @param N  columns of w
 * @param uPtr  u [R, M], f64, rows `ldu` apart
 * @param wPtr  w [M, N], f32, rows `ldw` apart
 * @param outPtr  out [R, N], f64
 */
export function f64_f32_project(
  R: usize,
  M: usize,
  N: usize,
  uPtr: usize,
  ldu: usize,
  wPtr: usize,
  ldw: usize,
  outPtr: usize,
): void {
  const N2 = N & ~1;
  for (let r: usize = 0; r < R; r++) {
    const out = outPtr + ((r * N) << 3);
    memory.fill(out, 0, N << 3);
    for (let i: usize = 0; i < M; i++) {
      const u = load<f64>(uPtr + ((r * ldu + i) << 3));
      const uu = f64x2.splat(u);
      const row = wPtr + ((i * ldw) << 2);
      for (let j: usize = 0; j < N2; j += 2) {
        const w = f64x2.promote_low_f32x4(v128.load64_zero(row + (j << 2)));
        v128.store(out + (j << 3), f64x2.add(v128.load(out + (j << 3)), f64x2.mul(uu, w)));
      }
      if (N2 < N) {
        const at = out + (N2 << 3);
        store<f64>(at, load<f64>(at) + u * <f64>load<f32>(row + (N2 << 2)));
      }
    }
  }
}
