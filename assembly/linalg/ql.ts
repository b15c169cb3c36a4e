/** Eigenvalues, and on demand eigenvectors, of a symmetric tridiagonal matrix: QL with implicit Wilkinson shifts. */

/** Rotates two rows of n elements: (x, y) -> (c x + s y, c y - s x). */
function rotateRows(n: usize, xPtr: usize, yPtr: usize, c: f64, s: f64): void {
  const cc = f64x2.splat(c);
  const ss = f64x2.splat(s);
  const n2 = n & ~1;
  for (let k: usize = 0; k < n2; k += 2) {
    const at = k << 3;
    const x = v128.load(xPtr + at);
    const y = v128.load(yPtr + at);
    v128.store(xPtr + at, f64x2.add(f64x2.mul(cc, x), f64x2.mul(ss, y)));
    v128.store(yPtr + at, f64x2.sub(f64x2.mul(cc, y), f64x2.mul(ss, x)));
  }
  if (n2 < n) {
    const at = n2 << 3;
    const x = load<f64>(xPtr + at);
    const y = load<f64>(yPtr + at);
    store<f64>(xPtr + at, c * x + s * y);
    store<f64>(yPtr + at, c * y - s * x);
  }
}

/** First index m >= l whose coupling to m + 1 is negligible. */
function blockEnd(n: usize, l: usize, dPtr: usize, ePtr: usize): usize {
  let m = l;
  while (m + 1 < n) {
    const size = abs(load<f64>(dPtr + (m << 3))) + abs(load<f64>(dPtr + ((m + 1) << 3)));
    if (abs(load<f64>(ePtr + ((m + 1) << 3))) <= 1.1102230246251565e-16 * size) break;
    m++;
  }
  return m;
}

/** One implicit QL sweep over rows l..m, chasing the bulge upwards. */
function sweep(l: usize, m: usize, dPtr: usize, ePtr: usize, vectorsPtr: usize, n: usize): void {
  // Wilkinson's shift: the eigenvalue of the leading 2 x 2 block that is nearer to d[l].
  const dl = load<f64>(dPtr + (l << 3));
  const el = load<f64>(ePtr + ((l + 1) << 3));
  const half = (load<f64>(dPtr + ((l + 1) << 3)) - dl) / (2 * el);
  const shift = dl - el / (half + copysign<f64>(Math.sqrt(half * half + 1), half));
  let x = load<f64>(dPtr + (m << 3)) - shift;
  let z = load<f64>(ePtr + (m << 3));
  for (let i = m; i > l; i--) {
    // The rotation of planes (i - 1, i) that clears z against x.
    const r = Math.sqrt(x * x + z * z);
    const c = r > 0 ? x / r : 1;
    const s = r > 0 ? z / r : 0;
    if (i < m) store<f64>(ePtr + ((i + 1) << 3), r);
    const di = load<f64>(dPtr + (i << 3));
    const dj = load<f64>(dPtr + ((i - 1) << 3));
    const e = load<f64>(ePtr + (i << 3));
    const c2 = c * c;
    const s2 = s * s;
    const mixed = 2 * c * s * e;
    store<f64>(dPtr + (i << 3), c2 * di + s2 * dj + mixed);
    store<f64>(dPtr + ((i - 1) << 3), s2 * di + c2 * dj - mixed);
    const off = (c2 - s2) * e + c * s * (dj - di);
    store<f64>(ePtr + (i << 3), off);
    if (i - 1 > l) {
      const next = load<f64>(ePtr + ((i - 1) << 3));
      z = s * next;
      store<f64>(ePtr + ((i - 1) << 3), c * next);
      x = off;
    }
    if (vectorsPtr) rotateRows(n, vectorsPtr + ((i * n) << 3), vectorsPtr + (((i - 1) * n) << 3), c, s);
  }
}

/**
 * Eigenvalues of the tridiagonal matrix (d, e), in place in d, not sorted.
 * @param n  order
 * @param dPtr  diagonal [n], f64
 * @param ePtr  off-diagonal [n], e[i] couples i - 1 and i; destroyed
 * @param vectorsPtr  0, or Q^T [n, n] f64 with A = Q T Q^T: row k becomes the eigenvector of d[k]
 * @returns 1 when all converged, 0 when one did not within 60 n sweeps in all: where rank is lacking, the
 *   first may take many and the others almost none
 * @complexity O(n^2), with vectors about 3 n^3 multiply-adds
 */
export function f64_tridiagonal_ql(n: usize, dPtr: usize, ePtr: usize, vectorsPtr: usize): i32 {
  let sweeps: usize = 0;
  for (let l: usize = 0; l < n; l++) {
    for (;;) {
      const m = blockEnd(n, l, dPtr, ePtr);
      if (m === l) break;
      if (sweeps++ === 60 * n) return 0;
      sweep(l, m, dPtr, ePtr, vectorsPtr, n);
    }
  }
  return 1;
}
