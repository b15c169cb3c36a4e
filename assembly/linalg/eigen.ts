/** Eigenvalues and eigenvectors of a symmetric matrix: Householder to tridiagonal form, then implicit QL. f64. */
import { axpy, dot, rotate } from './vectors';

/**
 * Largest number of QL sweeps, per eigenvalue on average; two or three are usual. Where rank is lacking and tiny
 * elements stand before large ones, the first eigenvalues take many sweeps and the others almost none.
 */
const MAX_SWEEPS: i32 = 60;

/**
 * A vector whose squares sum to less is zero: what is left of a matrix without rank shrinks with every step, and the
 * reciprocal of its square would be infinite. Products of f32 are far larger.
 */
const NO_LENGTH: f64 = 1e-250;

function at(base: usize, index: i32): usize {
  return base + ((<usize>index) << 3);
}

/**
 * Householder vector of x [n]: x becomes v with (I - beta v v^T) x = alpha e_0.
 * @returns beta (0 when x is already a multiple of e_0); alpha is stored at alphaPtr
 */
function reflect(n: i32, xPtr: usize, alphaPtr: usize): f64 {
  const first = load<f64>(xPtr);
  const rest = dot(n - 1, xPtr + 8, xPtr + 8);
  if (rest < NO_LENGTH) {
    store<f64>(alphaPtr, first);
    return 0;
  }
  const alpha = first > 0 ? -sqrt(first * first + rest) : sqrt(first * first + rest);
  store<f64>(alphaPtr, alpha);
  store<f64>(xPtr, first - alpha);
  return 2.0 / ((first - alpha) * (first - alpha) + rest);
}

/**
 * One Householder step on the trailing block: A22 becomes H A22 H with H = I - beta v v^T.
 * @param aPtr  f64, first element of A22 [n, lda], full symmetric storage
 * @param wPtr  scratch f64 [n]
 */
function reflectBlock(n: i32, aPtr: usize, lda: i32, vPtr: usize, beta: f64, wPtr: usize): void {
  const rowBytes = (<usize>lda) << 3;
  for (let i = 0; i < n; i++) store<f64>(at(wPtr, i), beta * dot(n, aPtr + <usize>i * rowBytes, vPtr));
  axpy(n, -0.5 * beta * dot(n, wPtr, vPtr), vPtr, wPtr);
  for (let i = 0; i < n; i++) {
    const row = aPtr + <usize>i * rowBytes;
    axpy(n, -load<f64>(at(vPtr, i)), wPtr, row);
    axpy(n, -load<f64>(at(wPtr, i)), vPtr, row);
  }
}

/**
 * Reduces a full symmetric A to tridiagonal form; row k of A keeps the Householder vector of step k right of its
 * diagonal, betaPtr its factor.
 *
 *     row k after step k:  | untouched | d_k | v_k (n-1-k elements) |
 */
function tridiagonalise(n: i32, aPtr: usize, dPtr: usize, ePtr: usize, betaPtr: usize, wPtr: usize): void {
  const rowBytes = (<usize>n) << 3;
  for (let k = 0; k < n - 1; k++) {
    const v = aPtr + <usize>k * rowBytes + ((<usize>(k + 1)) << 3);
    const beta = reflect(n - 1 - k, v, at(ePtr, k));
    store<f64>(at(betaPtr, k), beta);
    store<f64>(at(dPtr, k), load<f64>(v - 8));
    if (beta != 0) reflectBlock(n - 1 - k, v + rowBytes, n, v, beta, wPtr);
  }
  store<f64>(at(dPtr, n - 1), load<f64>(aPtr + <usize>(n - 1) * rowBytes + ((<usize>(n - 1)) << 3)));
  store<f64>(at(ePtr, n - 1), 0);
}

/**
 * Q^T of A = Q T Q^T: the identity times H_{n-2}, ..., H_0. Before step k only rows and columns beyond k + 1 differ from
 * the identity, so the loops start there.
 */
function accumulate(n: i32, aPtr: usize, betaPtr: usize, qPtr: usize): void {
  const rowBytes = (<usize>n) << 3;
  memory.fill(qPtr, 0, <usize>n * rowBytes);
  for (let i = 0; i < n; i++) store<f64>(qPtr + <usize>i * rowBytes + ((<usize>i) << 3), 1);
  for (let k = n - 2; k >= 0; k--) {
    const beta = load<f64>(at(betaPtr, k));
    if (beta == 0) continue;
    const v = aPtr + <usize>k * rowBytes + ((<usize>(k + 1)) << 3);
    for (let i = k + 1; i < n; i++) {
      const row = qPtr + <usize>i * rowBytes + ((<usize>(k + 1)) << 3);
      axpy(n - 1 - k, -beta * dot(n - 1 - k, row, v), v, row);
    }
  }
}

/** sqrt(a^2 + b^2) without overflow. */
function hypotenuse(a: f64, b: f64): f64 {
  const x = abs(a);
  const y = abs(b);
  const large = max(x, y);
  if (large == 0) return 0;
  const ratio = min(x, y) / large;
  return large * sqrt(1 + ratio * ratio);
}

/** One implicit QL sweep over rows l..m of the tridiagonal (d, e); the rotations go to rows of Q^T. */
function sweep(n: i32, l: i32, m: i32, dPtr: usize, ePtr: usize, qPtr: usize): void {
  const rowBytes = (<usize>n) << 3;
  const dl = load<f64>(at(dPtr, l));
  const el = load<f64>(at(ePtr, l));
  let g = (load<f64>(at(dPtr, l + 1)) - dl) / (2 * el);
  const root = hypotenuse(g, 1);
  g = load<f64>(at(dPtr, m)) - dl + el / (g + (g >= 0 ? root : -root));
  let s: f64 = 1;
  let c: f64 = 1;
  let p: f64 = 0;
  for (let i = m - 1; i >= l; i--) {
    const f = s * load<f64>(at(ePtr, i));
    const b = c * load<f64>(at(ePtr, i));
    const r = hypotenuse(f, g);
    store<f64>(at(ePtr, i + 1), r);
    if (r == 0) {
      store<f64>(at(dPtr, i + 1), load<f64>(at(dPtr, i + 1)) - p);
      store<f64>(at(ePtr, m), 0);
      return;
    }
    s = f / r;
    c = g / r;
    g = load<f64>(at(dPtr, i + 1)) - p;
    const t = (load<f64>(at(dPtr, i)) - g) * s + 2 * c * b;
    p = s * t;
    store<f64>(at(dPtr, i + 1), g + p);
    g = c * t - b;
    if (qPtr) rotate(n, qPtr + <usize>i * rowBytes, qPtr + <usize>(i + 1) * rowBytes, c, s);
  }
  store<f64>(at(dPtr, l), load<f64>(at(dPtr, l)) - p);
  store<f64>(at(ePtr, l), g);
  store<f64>(at(ePtr, m), 0);
}

/** First m >= l at which the tridiagonal splits: |e_m| is negligible beside its neighbours. */
function splitAt(n: i32, l: i32, dPtr: usize, ePtr: usize): i32 {
  let m = l;
  for (; m < n - 1; m++) {
    const scale = abs(load<f64>(at(dPtr, m))) + abs(load<f64>(at(dPtr, m + 1)));
    if (abs(load<f64>(at(ePtr, m))) <= f64.EPSILON * scale) break;
  }
  return m;
}

/**
 * Eigenvalues and orthonormal eigenvectors of a symmetric matrix, unsorted.
 * @param aPtr  f64 [n, n], full symmetric; overwritten
 * @param valuesPtr  f64 [n]
 * @param vectorsPtr  f64 [n, n], row i is the eigenvector of value i; 0 for values alone
 * @param scratchPtr  f64 [3 n]
 * @returns 0, or 1 when an eigenvalue did not settle (never seen on finite input)
 * @complexity 4/3 n^3 for values, about 6 n^3 with vectors
 */
export function f64_eigen_symmetric(n: i32, aPtr: usize, valuesPtr: usize, vectorsPtr: usize, scratchPtr: usize): i32 {
  const ePtr = scratchPtr;
  const betaPtr = at(scratchPtr, n);
  tridiagonalise(n, aPtr, valuesPtr, ePtr, betaPtr, at(scratchPtr, 2 * n));
  if (vectorsPtr) accumulate(n, aPtr, betaPtr, vectorsPtr);
  let sweeps: i32 = 0;
  for (let l = 0; l < n; l++) {
    let m = splitAt(n, l, valuesPtr, ePtr);
    for (; m != l; sweeps++) {
      if (sweeps == MAX_SWEEPS * n) return 1;
      sweep(n, l, m, valuesPtr, ePtr, vectorsPtr);
      m = splitAt(n, l, valuesPtr, ePtr);
    }
  }
  return 0;
}
