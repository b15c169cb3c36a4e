/** The orthogonal matrix of a reduction to tridiagonal form, from the reflectors that it left behind. */

/** x -= (x . v) v over n elements. */
function reflect(n: usize, xPtr: usize, vPtr: usize): void {
  const n2 = n & ~1;
  let lanes = f64x2.splat(0);
  for (let k: usize = 0; k < n2; k += 2) {
    lanes = f64x2.add(lanes, f64x2.mul(v128.load(xPtr + (k << 3)), v128.load(vPtr + (k << 3))));
  }
  let dot = f64x2.extract_lane(lanes, 0) + f64x2.extract_lane(lanes, 1);
  if (n2 < n) dot += load<f64>(xPtr + (n2 << 3)) * load<f64>(vPtr + (n2 << 3));
  const dots = f64x2.splat(dot);
  for (let k: usize = 0; k < n2; k += 2) {
    const x = xPtr + (k << 3);
    v128.store(x, f64x2.sub(v128.load(x), f64x2.mul(dots, v128.load(vPtr + (k << 3)))));
  }
  if (n2 < n) {
    const x = xPtr + (n2 << 3);
    store<f64>(x, load<f64>(x) - dot * load<f64>(vPtr + (n2 << 3)));
  }
}

/**
 * Turns the reflectors that f64_tridiagonalise left in A into Q^T [n, n], in place; A was Q T Q^T.
 * Step i multiplies the leading i x i block by the reflector in row i, which then becomes a unit row.
 * @complexity 2/3 n^3 multiply-adds
 */
export function f64_form_basis(n: usize, aPtr: usize): void {
  const stride = n << 3;
  for (let i: usize = 0; i < n; i++) {
    const row = aPtr + i * stride;
    for (let r: usize = 0; r < i; r++) {
      const target = aPtr + r * stride;
      reflect(i, target, row);
      store<f64>(target + (i << 3), 0);
    }
    memory.fill(row, 0, i << 3);
    store<f64>(row + (i << 3), 1);
  }
}
