/** Paths through a block of two layers: what joins an input to an output, whatever the hidden units are called. */

/**
 * z[i, j] = factor * sum over k of b[i, k] a[k, j], summed in f64, k ascending.
 * @param rows  outputs
 * @param m  hidden units
 * @param columns  inputs
 * @param bPtr  b [rows, m], f32: the second layer
 * @param aPtr  a [m, columns], f32: the first layer
 * @param scratchPtr  [columns], f64
 * @param zPtr  z [rows, columns], f32
 */
export function f32_path_scores(
  rows: usize,
  m: usize,
  columns: usize,
  bPtr: usize,
  aPtr: usize,
  factor: f64,
  scratchPtr: usize,
  zPtr: usize,
): void {
  const even = columns & ~1;
  for (let i: usize = 0; i < rows; i++) {
    memory.fill(scratchPtr, 0, columns << 3);
    for (let k: usize = 0; k < m; k++) {
      const b = <f64>load<f32>(bPtr + ((i * m + k) << 2));
      const bb = f64x2.splat(b);
      const row = aPtr + ((k * columns) << 2);
      for (let j: usize = 0; j < even; j += 2) {
        const a = f64x2.promote_low_f32x4(v128.load64_zero(row + (j << 2)));
        const at = scratchPtr + (j << 3);
        v128.store(at, f64x2.add(v128.load(at), f64x2.mul(bb, a)));
      }
      if (even < columns) {
        const at = scratchPtr + (even << 3);
        store<f64>(at, load<f64>(at) + b * <f64>load<f32>(row + (even << 2)));
      }
    }
    const out = zPtr + ((i * columns) << 2);
    for (let j: usize = 0; j < columns; j++) {
      store<f32>(out + (j << 2), <f32>(factor * load<f64>(scratchPtr + (j << 3))));
    }
  }
}
