/**
 * Symmetric eigenvalues, f64: Householder's reduction to a tridiagonal matrix, then QL with implicit shifts.
 *
 * Only the lower half of A [n, n] is read. Row i becomes the reflector that clears it:
 *
 *     | d0                     |      d [n]  diagonal
 *     | e1 d1                  |      e [n]  e[i] couples i-1 and i; e[0] = 0
 *     | v2 v2 d2               |      v of row i: i elements in A[i, 0..i), H = I - v v^T, |v|^2 = 2 (or 0)
 *     | v3 v3 v3 d3            |
 */

import { axpy, dot } from './vectors';

/**
 * A row whose squares sum to less is zero: what is left of a matrix without rank shrinks with every step, and the
 * reciprocal of its square would be infinite. Products of f32 are far larger.
 */
const NO_LENGTH: f64 = 1e-250;

/** Makes x [n] a reflector in place and returns the element that H x leaves in its last place. */
function makeReflector(n: usize, xPtr: usize): f64 {
  const rest = dot(<i32>(n - 1), xPtr, xPtr);
  const lastPtr = xPtr + ((n - 1) << 3);
  const last = load<f64>(lastPtr);
  if (rest < NO_LENGTH) {
    memory.fill(xPtr, 0, n << 3);
    return last;
  }
  const norm = Math.sqrt(rest + last * last);
  // v = x + sign(last) norm e_last, scaled to |v|^2 = 2: no cancellation.
  const pivot = last + copysign<f64>(norm, last);
  const scale = Math.sqrt(2 / (rest + pivot * pivot));
  for (let k: usize = 0; k + 1 < n; k++) store<f64>(xPtr + (k << 3), scale * load<f64>(xPtr + (k << 3)));
  store<f64>(lastPtr, scale * pivot);
  return -copysign<f64>(norm, last);
}

/** Reflectors of a panel: their rank-two updates reach the rest of A together, so that most steps only read it. */
const PANEL: usize = 16;
/** Columns of the rows that a panel's updates pass through at a time: 32 vectors of them fit the L1. */
const COLUMNS: usize = 128;

/** Elements (f64) of scratch for order n. */
export function tridiagonaliseScratch(n: usize): usize {
  return (PANEL + 1) * (n + (n & 1));
}

/** One update: row[0..n) -= a q + b v, elementwise. */
function updateRow(n: usize, rowPtr: usize, a: f64, qPtr: usize, b: f64, vPtr: usize): void {
  const aa = f64x2.splat(a);
  const bb = f64x2.splat(b);
  const n2 = n & ~1;
  for (let k: usize = 0; k < n2; k += 2) {
    const row = rowPtr + (k << 3);
    const change = f64x2.add(f64x2.mul(aa, v128.load(qPtr + (k << 3))), f64x2.mul(bb, v128.load(vPtr + (k << 3))));
    v128.store(row, f64x2.sub(v128.load(row), change));
  }
  if (n2 < n) {
    const at = n2 << 3;
    const change = a * load<f64>(qPtr + at) + b * load<f64>(vPtr + at);
    store<f64>(rowPtr + at, load<f64>(rowPtr + at) - change);
  }
}

/** Two updates in one pass: row[0..n) -= a q + b v + c r + d w. */
function updateRowTwice(
  n: usize,
  rowPtr: usize,
  a: f64,
  qPtr: usize,
  b: f64,
  vPtr: usize,
  c: f64,
  rPtr: usize,
  d: f64,
  wPtr: usize,
): void {
  const aa = f64x2.splat(a);
  const bb = f64x2.splat(b);
  const cc = f64x2.splat(c);
  const dd = f64x2.splat(d);
  const n2 = n & ~1;
  for (let k: usize = 0; k < n2; k += 2) {
    const at = k << 3;
    const first = f64x2.add(f64x2.mul(aa, v128.load(qPtr + at)), f64x2.mul(bb, v128.load(vPtr + at)));
    const second = f64x2.add(f64x2.mul(cc, v128.load(rPtr + at)), f64x2.mul(dd, v128.load(wPtr + at)));
    v128.store(rowPtr + at, f64x2.sub(v128.load(rowPtr + at), f64x2.add(first, second)));
  }
  if (n2 < n) {
    const at = n2 << 3;
    const first = a * load<f64>(qPtr + at) + b * load<f64>(vPtr + at);
    const second = c * load<f64>(rPtr + at) + d * load<f64>(wPtr + at);
    store<f64>(rowPtr + at, load<f64>(rowPtr + at) - (first + second));
  }
}

/**
 * p = A w for the leading n x n block of A, of which the lower half is read, two rows at a time: a row gives a dot
 * product to its own element of p and a multiple of itself to those before it.
 */
function multiplySymmetric(n: usize, aPtr: usize, stride: usize, wPtr: usize, pPtr: usize): void {
  memory.fill(pPtr, 0, n << 3);
  for (let j: usize = 0; j + 1 < n; j += 2) {
    const row0 = aPtr + j * stride;
    const row1 = row0 + stride;
    const w0 = load<f64>(wPtr + (j << 3));
    const w1 = load<f64>(wPtr + (j << 3), 8);
    const ww0 = f64x2.splat(w0);
    const ww1 = f64x2.splat(w1);
    let sum0 = f64x2.splat(0);
    let sum1 = f64x2.splat(0);
    for (let k: usize = 0; k < j; k += 2) {
      const at = k << 3;
      const x0 = v128.load(row0 + at);
      const x1 = v128.load(row1 + at);
      const w = v128.load(wPtr + at);
      sum0 = f64x2.add(sum0, f64x2.mul(x0, w));
      sum1 = f64x2.add(sum1, f64x2.mul(x1, w));
      const change = f64x2.add(f64x2.mul(ww0, x0), f64x2.mul(ww1, x1));
      v128.store(pPtr + at, f64x2.add(v128.load(pPtr + at), change));
    }
    const at = j << 3;
    const off = load<f64>(row1 + at);
    const dot0 = f64x2.extract_lane(sum0, 0) + f64x2.extract_lane(sum0, 1);
    const dot1 = f64x2.extract_lane(sum1, 0) + f64x2.extract_lane(sum1, 1);
    store<f64>(pPtr + at, dot0 + load<f64>(row0 + at) * w0 + off * w1);
    store<f64>(pPtr + at, dot1 + off * w0 + load<f64>(row1 + at, 8) * w1, 8);
  }
  if (n & 1) {
    const j = n - 1;
    const row = aPtr + j * stride;
    const w = load<f64>(wPtr + (j << 3));
    axpy(<i32>j, w, row, pPtr);
    store<f64>(pPtr + (j << 3), dot(<i32>j, row, wPtr) + load<f64>(row + (j << 3)) * w);
  }
}

/**
 * Takes the panel's updates into rows 0..n of the lower half, a square of columns at a time.
 * @param first  row of the first reflector; the others stand in the rows before it
 * @param count  reflectors
 */
function updateRows(
  n: usize,
  aPtr: usize,
  stride: usize,
  first: usize,
  count: usize,
  qPtr: usize,
  qStride: usize,
): void {
  for (let c: usize = 0; c < n; c += COLUMNS) {
    const at = c << 3;
    for (let j = c; j < n; j++) {
      const row = aPtr + j * stride + at;
      const width = min<usize>(COLUMNS, j + 1 - c);
      let s: usize = 0;
      for (; s + 1 < count; s += 2) {
        const v = aPtr + (first - s) * stride;
        const w = v - stride;
        const q = qPtr + s * qStride;
        const r = q + qStride;
        updateRowTwice(
          width,
          row,
          load<f64>(v + (j << 3)),
          q + at,
          load<f64>(q + (j << 3)),
          v + at,
          load<f64>(w + (j << 3)),
          r + at,
          load<f64>(r + (j << 3)),
          w + at,
        );
      }
      if (s < count) {
        const v = aPtr + (first - s) * stride;
        const q = qPtr + s * qStride;
        updateRow(width, row, load<f64>(v + (j << 3)), q + at, load<f64>(q + (j << 3)), v + at);
      }
    }
  }
}

/** q = p - (v . p / 2) v, in place in p: then H A H = A - v q^T - q v^T. */
function makeCompanion(n: usize, vPtr: usize, pPtr: usize): void {
  axpy(<i32>n, -0.5 * dot(<i32>n, vPtr, pPtr), vPtr, pPtr);
}

/**
 * Reduces symmetric A to tridiagonal form T = Q^T A Q.
 * The updates of PANEL reflectors are kept back: a step makes up for them in the row that it turns into a reflector v
 * and in the product A v, and after the last they pass over A together (Dongarra, Sorensen, Hammarling 1989).
 * @param n  order, >= 1
 * @param aPtr  A [n, n], f64, lower half; row i holds its reflector afterwards, the upper half is not touched
 * @param dPtr  diagonal [n]
 * @param ePtr  off-diagonal [n], e[0] = 0
 * @param scratchPtr  tridiagonaliseScratch(n) f64
 * @complexity 2/3 n^3 multiply-adds; reads n^3 / 6 elements of A from memory, writes a PANELth of that
 */
export function f64_tridiagonalise(n: usize, aPtr: usize, dPtr: usize, ePtr: usize, scratchPtr: usize): void {
  const stride = n << 3;
  // q of each reflector of the panel, rows of even length.
  const qStride = (n + (n & 1)) << 3;
  let first = n - 1;
  let count: usize = 0;
  for (let i = n - 1; i > 0; i--) {
    const row = aPtr + i * stride;
    for (let s: usize = 0; s < count; s++) {
      const v = aPtr + (first - s) * stride;
      const q = scratchPtr + s * qStride;
      updateRow(i + 1, row, load<f64>(v + (i << 3)), q, load<f64>(q + (i << 3)), v);
    }
    store<f64>(dPtr + (i << 3), load<f64>(row + (i << 3)));
    store<f64>(ePtr + (i << 3), makeReflector(i, row));
    const p = scratchPtr + count * qStride;
    multiplySymmetric(i, aPtr, stride, row, p);
    for (let s: usize = 0; s < count; s++) {
      const v = aPtr + (first - s) * stride;
      const q = scratchPtr + s * qStride;
      updateRow(i, p, dot(<i32>i, v, row), q, dot(<i32>i, q, row), v);
    }
    makeCompanion(i, row, p);
    count++;
    if (count === PANEL || i === 1) {
      updateRows(i, aPtr, stride, first, count, scratchPtr, qStride);
      first = i - 1;
      count = 0;
    }
  }
  store<f64>(dPtr, load<f64>(aPtr));
  store<f64>(ePtr, 0);
}

/** How many eigenvalues of the tridiagonal matrix (d, e) are less than x: signs of the Sturm sequence. */
export function f64_sturm_count(n: usize, dPtr: usize, ePtr: usize, x: f64): usize {
  let count: usize = 0;
  let q: f64 = 1;
  for (let i: usize = 0; i < n; i++) {
    const e = load<f64>(ePtr + (i << 3));
    q = load<f64>(dPtr + (i << 3)) - x - (i > 0 ? (e * e) / q : 0);
    if (abs(q) < 1e-290) q = -1e-290;
    if (q < 0) count++;
  }
  return count;
}
