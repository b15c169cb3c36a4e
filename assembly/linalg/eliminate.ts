/** Backward elimination of the inputs of a least-squares fit. f64, row-major. */
import { axpy, dot } from './vectors';

/** Position in the active list of the input whose removal costs least: ||b_j||^2 / h_jj; the first of equals. */
function cheapest(n: i32, hPtr: usize, k: i32, bPtr: usize, count: i32, activePtr: usize, costPtr: usize): i32 {
  let best = -1;
  let least: f64 = 0;
  for (let at = 0; at < count; at++) {
    const j = <usize>load<i32>(activePtr + ((<usize>at) << 2));
    const b = bPtr + ((j * <usize>k) << 3);
    const cost = dot(k, b, b) / load<f64>(hPtr + ((j * <usize>(n + 1)) << 3));
    if (best >= 0 && !(cost < least)) continue;
    best = at;
    least = cost;
  }
  store<f64>(costPtr, least);
  return best;
}

/** The active inputs take over what input j did. */
function takeOut(n: i32, hPtr: usize, k: i32, bPtr: usize, j: usize, count: i32, activePtr: usize): void {
  const hRow = hPtr + ((j * <usize>n) << 3);
  const bRow = bPtr + ((j * <usize>k) << 3);
  const pivot = load<f64>(hRow + (j << 3));
  for (let other = 0; other < count; other++) {
    const i = <usize>load<i32>(activePtr + ((<usize>other) << 2));
    const factor = -load<f64>(hRow + (i << 3)) / pivot;
    axpy(k, factor, bRow, bPtr + ((i * <usize>k) << 3));
    axpy(n, factor, hRow, hPtr + ((i * <usize>n) << 3));
  }
}

/**
 * Removes the inputs of y = B x one by one, always the one that the others replace best, who then take over its part:
 *
 *     cost_j = ||b_j||^2 / h_jj,    b_i -= (h_ij / h_jj) b_j,    H -= h_j h_j^T / h_jj,    H = E[x x^T]^-1
 *
 * cost_j is the squared error E ||y - y'||^2 that the removal adds.
 * @param hPtr  f64 [n, n], symmetric positive definite; overwritten
 * @param bPtr  f64 [n, k], the columns of B as rows; overwritten
 * @param activePtr  scratch, i32 [n]
 * @param orderPtr  i32 [n], inputs in the order of their removal
 * @param costPtr  f64 [n], what each removal adds
 * @complexity O(n^2 (n + k))
 */
export function f64_eliminate_inputs(
  n: i32,
  hPtr: usize,
  k: i32,
  bPtr: usize,
  activePtr: usize,
  orderPtr: usize,
  costPtr: usize,
): void {
  for (let j = 0; j < n; j++) store<i32>(activePtr + ((<usize>j) << 2), j);
  for (let step = 0, count = n; step < n; step++) {
    const at = cheapest(n, hPtr, k, bPtr, count, activePtr, costPtr + ((<usize>step) << 3));
    const place = activePtr + ((<usize>at) << 2);
    const j = <usize>load<i32>(place);
    store<i32>(orderPtr + ((<usize>step) << 2), <i32>j);
    count--;
    memory.copy(place, place + 4, (<usize>(count - at)) << 2);
    takeOut(n, hPtr, k, bPtr, j, count, activePtr);
  }
}

/**
 * What the removal of a group of inputs costs: tr(B_S^T H_SS^-1 B_S), one input after the other on copies.
 * @param scratchPtr  f64 [size (size + k)]
 */
function groupCost(n: i32, hPtr: usize, k: i32, bPtr: usize, first: usize, size: i32, scratchPtr: usize): f64 {
  const h = scratchPtr;
  const b = scratchPtr + ((<usize>(size * size)) << 3);
  for (let i = 0; i < size; i++) {
    const row = hPtr + (((first + <usize>i) * <usize>n + first) << 3);
    memory.copy(h + ((<usize>(i * size)) << 3), row, (<usize>size) << 3);
  }
  memory.copy(b, bPtr + ((first * <usize>k) << 3), (<usize>(size * k)) << 3);
  let cost: f64 = 0;
  for (let i = 0; i < size; i++) {
    const hRow = h + ((<usize>(i * size)) << 3);
    const bRow = b + ((<usize>(i * k)) << 3);
    const pivot = load<f64>(hRow + ((<usize>i) << 3));
    cost += dot(k, bRow, bRow) / pivot;
    for (let other = i + 1; other < size; other++) {
      const factor = -load<f64>(hRow + ((<usize>other) << 3)) / pivot;
      axpy(k, factor, bRow, b + ((<usize>(other * k)) << 3));
      axpy(size, factor, hRow, h + ((<usize>(other * size)) << 3));
    }
  }
  return cost;
}

/**
 * {@link f64_eliminate_inputs} for inputs that go together, `size` in a row: the channels of a convolution's input.
 * @param n  inputs, a multiple of `size`
 * @param activePtr  scratch, i32 [n]
 * @param orderPtr  i32 [n / size], groups in the order of their removal
 * @param costPtr  f64 [n / size], what each removal adds
 * @param scratchPtr  f64 [size (size + k)]
 * @complexity O(n^2 (n + k) + (n / size)^2 size^2 (size + k))
 */
export function f64_eliminate_groups(
  n: i32,
  size: i32,
  hPtr: usize,
  k: i32,
  bPtr: usize,
  activePtr: usize,
  orderPtr: usize,
  costPtr: usize,
  scratchPtr: usize,
): void {
  for (let j = 0; j < n; j++) store<i32>(activePtr + ((<usize>j) << 2), j);
  let count = n;
  for (let step = 0; count > 0; step++) {
    let best = 0;
    let least: f64 = 0;
    for (let at = 0; at < count; at += size) {
      const first = <usize>load<i32>(activePtr + ((<usize>at) << 2));
      const cost = groupCost(n, hPtr, k, bPtr, first, size, scratchPtr);
      if (at > 0 && !(cost < least)) continue;
      best = at;
      least = cost;
    }
    const place = activePtr + ((<usize>best) << 2);
    const first = load<i32>(place);
    store<i32>(orderPtr + ((<usize>step) << 2), first / size);
    store<f64>(costPtr + ((<usize>step) << 3), least);
    for (let i = 0; i < size; i++) {
      count--;
      memory.copy(place, place + 4, (<usize>(count - best)) << 2);
      takeOut(n, hPtr, k, bPtr, <usize>(first + i), count, activePtr);
    }
  }
}
