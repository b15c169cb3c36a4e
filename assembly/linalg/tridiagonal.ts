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

/**
 * A row whose squares sum to less is zero: what is left of a matrix without rank shrinks with every step, and the
 * reciprocal of its square would be infinite. Products of f32 are far larger.
 */
const NO_LENGTH: f64 = 1e-250;

/** Makes x [n] a reflector in place and returns the element that H x leaves in its last place. */
function makeReflector(n: usize, xPtr: usize): f64 {
  let rest: f64 = 0;
  for (let k: usize = 0; k + 1 < n; k++) {
    const x = load<f64>(xPtr + (k << 3));
    rest += x * x;
  }
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

/** row[0..n) -= a q + b v, elementwise. */
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

/**
 * One row of the fused pass: row -= a q + b v, then with the next reflector w: p[0..n) += w_n row, returns row . w.
 * Everything that touches the row happens while it is in registers.
 */
function updateAndMultiply(
  n: usize,
  rowPtr: usize,
  a: f64,
  qPtr: usize,
  b: f64,
  vPtr: usize,
  wPtr: usize,
  wn: f64,
  pPtr: usize,
): f64 {
  const aa = f64x2.splat(a);
  const bb = f64x2.splat(b);
  const ww = f64x2.splat(wn);
  let dot = f64x2.splat(0);
  const n2 = n & ~1;
  for (let k: usize = 0; k < n2; k += 2) {
    const at = k << 3;
    const change = f64x2.add(f64x2.mul(aa, v128.load(qPtr + at)), f64x2.mul(bb, v128.load(vPtr + at)));
    const row = f64x2.sub(v128.load(rowPtr + at), change);
    v128.store(rowPtr + at, row);
    dot = f64x2.add(dot, f64x2.mul(row, v128.load(wPtr + at)));
    v128.store(pPtr + at, f64x2.add(v128.load(pPtr + at), f64x2.mul(ww, row)));
  }
  let sum = f64x2.extract_lane(dot, 0) + f64x2.extract_lane(dot, 1);
  if (n2 < n) {
    const at = n2 << 3;
    const row = load<f64>(rowPtr + at) - (a * load<f64>(qPtr + at) + b * load<f64>(vPtr + at));
    store<f64>(rowPtr + at, row);
    sum += row * load<f64>(wPtr + at);
    store<f64>(pPtr + at, load<f64>(pPtr + at) + wn * row);
  }
  return sum;
}

/** q = p - (v . p / 2) v, in place in p: then H A H = A - v q^T - q v^T. */
function makeCompanion(n: usize, vPtr: usize, pPtr: usize): void {
  let dot: f64 = 0;
  for (let k: usize = 0; k < n; k++) dot += load<f64>(vPtr + (k << 3)) * load<f64>(pPtr + (k << 3));
  const half = 0.5 * dot;
  for (let k: usize = 0; k < n; k++) {
    const at = k << 3;
    store<f64>(pPtr + at, load<f64>(pPtr + at) - half * load<f64>(vPtr + at));
  }
}

/**
 * Reduces symmetric A to tridiagonal form T = Q^T A Q.
 * The rank-two update of step i and the product with the reflector of step i - 1 share one pass over A.
 * @param n  order, >= 1
 * @param aPtr  A [n, n], f64, lower half; row i holds its reflector afterwards, the upper half is not touched
 * @param dPtr  diagonal [n]
 * @param ePtr  off-diagonal [n], e[0] = 0
 * @param scratchPtr  2 n f64
 * @complexity 2/3 n^3 multiply-adds
 */
export function f64_tridiagonalise(n: usize, aPtr: usize, dPtr: usize, ePtr: usize, scratchPtr: usize): void {
  let qPtr = scratchPtr;
  let pPtr = scratchPtr + (n << 3);
  const stride = n << 3;
  memory.fill(scratchPtr, 0, n << 4);
  // v of the step before; q = 0 makes the first pass a plain product.
  let vPtr = aPtr + (n - 1) * stride;
  for (let i = n - 1; i > 0; i--) {
    const row = aPtr + i * stride;
    // Row i is not yet updated by the step before: v and q have i + 1 elements there.
    if (i + 1 < n) updateRow(i + 1, row, load<f64>(vPtr + (i << 3)), qPtr, load<f64>(qPtr + (i << 3)), vPtr);
    store<f64>(dPtr + (i << 3), load<f64>(row + (i << 3)));
    store<f64>(ePtr + (i << 3), makeReflector(i, row));
    memory.fill(pPtr, 0, i << 3);
    for (let j: usize = 0; j < i; j++) {
      const w = load<f64>(row + (j << 3));
      const a = i + 1 < n ? load<f64>(vPtr + (j << 3)) : 0;
      const b = i + 1 < n ? load<f64>(qPtr + (j << 3)) : 0;
      const rowJ = aPtr + j * stride;
      const dot = updateAndMultiply(j, rowJ, a, qPtr, b, vPtr, row, w, pPtr);
      const diagonalPtr = rowJ + (j << 3);
      const diagonal = load<f64>(diagonalPtr) - 2 * a * b;
      store<f64>(diagonalPtr, diagonal);
      const p = pPtr + (j << 3);
      store<f64>(p, load<f64>(p) + dot + diagonal * w);
    }
    makeCompanion(i, row, pPtr);
    vPtr = row;
    const swap = qPtr;
    qPtr = pPtr;
    pPtr = swap;
  }
  // Row 0 was updated by the last pass (i = 1).
  const last = n > 1 ? 2 * load<f64>(vPtr) * load<f64>(qPtr) : 0;
  store<f64>(dPtr, load<f64>(aPtr) - last);
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
