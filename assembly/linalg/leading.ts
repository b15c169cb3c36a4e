/**
 * Leading eigenvectors of a reduced symmetric matrix: inverse iteration on the tridiagonal form, then the reflectors.
 * For a few of many vectors this costs O(n^2) each, where the full basis costs O(n^3).
 */

/** Row i of the factored T - x I after partial pivoting: three upper diagonals, the multiplier, and the swap. */
// Layout of the scratch: | u0 [n] | u1 [n] | u2 [n] | l [n] | swapped [n] |, f64 each.

function at(base: usize, i: usize): usize {
  return base + (i << 3);
}

/** LU of T - x I with partial pivoting; a pivot of zero is replaced by `tiny`. */
function factor(n: usize, dPtr: usize, ePtr: usize, x: f64, tiny: f64, scratchPtr: usize): void {
  const u1Ptr = at(scratchPtr, n);
  const u2Ptr = at(u1Ptr, n);
  const lPtr = at(u2Ptr, n);
  const swapPtr = at(lPtr, n);
  let diagonal = load<f64>(dPtr) - x;
  let upper = n > 1 ? load<f64>(at(ePtr, 1)) : 0;
  for (let i: usize = 0; i + 1 < n; i++) {
    const below = load<f64>(at(ePtr, i + 1));
    const nextDiagonal = load<f64>(at(dPtr, i + 1)) - x;
    const nextUpper = i + 2 < n ? load<f64>(at(ePtr, i + 2)) : 0;
    if (abs(below) > abs(diagonal)) {
      const l = diagonal / below;
      store<f64>(at(scratchPtr, i), below);
      store<f64>(at(u1Ptr, i), nextDiagonal);
      store<f64>(at(u2Ptr, i), nextUpper);
      store<f64>(at(lPtr, i), l);
      store<f64>(at(swapPtr, i), 1);
      diagonal = upper - l * nextDiagonal;
      upper = -l * nextUpper;
    } else {
      if (diagonal == 0) diagonal = tiny;
      const l = below / diagonal;
      store<f64>(at(scratchPtr, i), diagonal);
      store<f64>(at(u1Ptr, i), upper);
      store<f64>(at(u2Ptr, i), 0);
      store<f64>(at(lPtr, i), l);
      store<f64>(at(swapPtr, i), 0);
      diagonal = nextDiagonal - l * upper;
      upper = nextUpper;
    }
  }
  store<f64>(at(scratchPtr, n - 1), diagonal == 0 ? tiny : diagonal);
}

/** Solves (T - x I) y = y in place, from the factors. */
function solve(n: usize, scratchPtr: usize, yPtr: usize): void {
  const u1Ptr = at(scratchPtr, n);
  const u2Ptr = at(u1Ptr, n);
  const lPtr = at(u2Ptr, n);
  const swapPtr = at(lPtr, n);
  for (let i: usize = 0; i + 1 < n; i++) {
    const a = load<f64>(at(yPtr, i));
    const b = load<f64>(at(yPtr, i + 1));
    const isSwapped = load<f64>(at(swapPtr, i)) != 0;
    const first = isSwapped ? b : a;
    const second = isSwapped ? a : b;
    store<f64>(at(yPtr, i), first);
    store<f64>(at(yPtr, i + 1), second - load<f64>(at(lPtr, i)) * first);
  }
  for (let i = n; i > 0; i--) {
    const k = i - 1;
    let sum = load<f64>(at(yPtr, k));
    if (k + 1 < n) sum -= load<f64>(at(u1Ptr, k)) * load<f64>(at(yPtr, k + 1));
    if (k + 2 < n) sum -= load<f64>(at(u2Ptr, k)) * load<f64>(at(yPtr, k + 2));
    store<f64>(at(yPtr, k), sum / load<f64>(at(scratchPtr, k)));
  }
}

function dot(n: usize, xPtr: usize, yPtr: usize): f64 {
  let sum: f64 = 0;
  for (let k: usize = 0; k < n; k++) sum += load<f64>(at(xPtr, k)) * load<f64>(at(yPtr, k));
  return sum;
}

/** y += a x. */
function addMultiple(n: usize, a: f64, xPtr: usize, yPtr: usize): void {
  for (let k: usize = 0; k < n; k++) {
    store<f64>(at(yPtr, k), load<f64>(at(yPtr, k)) + a * load<f64>(at(xPtr, k)));
  }
}

/** Scales y to norm 1. */
function normalise(n: usize, yPtr: usize): void {
  let largest: f64 = 0;
  for (let k: usize = 0; k < n; k++) largest = max<f64>(largest, abs(load<f64>(at(yPtr, k))));
  for (let k: usize = 0; k < n; k++) store<f64>(at(yPtr, k), load<f64>(at(yPtr, k)) / largest);
  const scale = 1 / Math.sqrt(dot(n, yPtr, yPtr));
  for (let k: usize = 0; k < n; k++) store<f64>(at(yPtr, k), load<f64>(at(yPtr, k)) * scale);
}

/**
 * Eigenvectors of the tridiagonal (d, e) for given eigenvalues, by three steps of inverse iteration each; every vector
 * is kept orthogonal to those before it, so that equal eigenvalues get different vectors.
 * @param n  order
 * @param dPtr  diagonal [n]; ePtr off-diagonal [n], e[i] couples i - 1 and i
 * @param count  vectors
 * @param valuesPtr  eigenvalues [count], f64, to full accuracy
 * @param vectorsPtr  out [count, n], f64, one vector a row
 * @param scratchPtr  5 n f64
 * @complexity O(count n + count^2 n)
 */
export function f64_tridiagonal_vectors(
  n: usize,
  dPtr: usize,
  ePtr: usize,
  count: usize,
  valuesPtr: usize,
  vectorsPtr: usize,
  scratchPtr: usize,
): void {
  let norm: f64 = 0;
  for (let i: usize = 0; i < n; i++) norm = max<f64>(norm, abs(load<f64>(at(dPtr, i))) + abs(load<f64>(at(ePtr, i))));
  const tiny = max<f64>(norm * 2.220446049250313e-16, 1e-290);
  for (let v: usize = 0; v < count; v++) {
    const y = vectorsPtr + ((v * n) << 3);
    // A start without symmetry, so that it is orthogonal to no eigenvector; different for every vector.
    for (let k: usize = 0; k < n; k++) {
      const phase = <f64>(k + 1) * 0.6180339887498949 * <f64>(v + 1);
      store<f64>(at(y, k), 0.5 + phase - Math.floor(phase));
    }
    factor(n, dPtr, ePtr, load<f64>(at(valuesPtr, v)), tiny, scratchPtr);
    for (let step = 0; step < 3; step++) {
      solve(n, scratchPtr, y);
      normalise(n, y);
      for (let u: usize = 0; u < v; u++) {
        const other = vectorsPtr + ((u * n) << 3);
        addMultiple(n, -dot(n, other, y), other, y);
      }
      normalise(n, y);
    }
  }
}

/**
 * Turns eigenvectors of T into those of A = Q T Q^T, in place, by the reflectors that f64_tridiagonalise left in A.
 * @param n  order
 * @param aPtr  A [n, n] after the reduction
 * @param count  vectors
 * @param vectorsPtr  [count, n], f64
 * @complexity count n^2 multiply-adds
 */
export function f64_apply_reflectors(n: usize, aPtr: usize, count: usize, vectorsPtr: usize): void {
  for (let v: usize = 0; v < count; v++) {
    const y = vectorsPtr + ((v * n) << 3);
    // Q = H_(n-1) .. H_1, the reflector of row i acting on the first i coordinates.
    for (let i: usize = 1; i < n; i++) {
      const row = aPtr + ((i * n) << 3);
      addMultiple(i, -dot(i, row, y), row, y);
    }
  }
}
