/** Sorting: f32 by radix (weights, scores), f64 by heap (p-values). */

/** The order-preserving integer of an f32: negative numbers reversed, below the positive ones. */
function keyOf(bits: u32): u32 {
  return bits ^ (<u32>(<i32>bits >> 31) | 0x80000000);
}

function bitsOf(key: u32): u32 {
  return key ^ (<u32>(~(<i32>key) >> 31) | 0x80000000);
}

/** One stable pass by eleven bits of the key. */
function radixPass(n: usize, fromPtr: usize, toPtr: usize, countsPtr: usize, shift: u32): void {
  memory.fill(countsPtr, 0, 2048 * 4);
  for (let i: usize = 0; i < n; i++) {
    const digit = (load<u32>(fromPtr + (i << 2)) >> shift) & 2047;
    const count = countsPtr + ((<usize>digit) << 2);
    store<u32>(count, load<u32>(count) + 1);
  }
  let start: u32 = 0;
  for (let digit: usize = 0; digit < 2048; digit++) {
    const count = countsPtr + (digit << 2);
    const size = load<u32>(count);
    store<u32>(count, start);
    start += size;
  }
  for (let i: usize = 0; i < n; i++) {
    const key = load<u32>(fromPtr + (i << 2));
    const place = countsPtr + ((<usize>((key >> shift) & 2047)) << 2);
    const at = load<u32>(place);
    store<u32>(place, at + 1);
    store<u32>(toPtr + ((<usize>at) << 2), key);
  }
}

/**
 * Sorts x ascending; -0 before +0. NaN is not allowed.
 * @param n  elements
 * @param xPtr  x [n], f32
 * @param scratchPtr  n + 2048 elements of 4 bytes, not overlapping x; undefined afterwards
 * @complexity 3 passes of O(n)
 */
export function f32_sort(n: usize, xPtr: usize, scratchPtr: usize): void {
  const countsPtr = scratchPtr + (n << 2);
  for (let ptr = xPtr, end = xPtr + (n << 2); ptr < end; ptr += 4) store<u32>(ptr, keyOf(load<u32>(ptr)));
  radixPass(n, xPtr, scratchPtr, countsPtr, 0);
  radixPass(n, scratchPtr, xPtr, countsPtr, 11);
  radixPass(n, xPtr, scratchPtr, countsPtr, 22);
  for (let i: usize = 0; i < n; i++) store<u32>(xPtr + (i << 2), bitsOf(load<u32>(scratchPtr + (i << 2))));
}

/** Moves x[root] down until the heap [root, end) is ordered, largest on top. */
function siftDown(xPtr: usize, root: usize, end: usize): void {
  const value = load<f64>(xPtr + (root << 3));
  for (;;) {
    let child = (root << 1) + 1;
    if (child >= end) break;
    if (child + 1 < end && load<f64>(xPtr + ((child + 1) << 3)) > load<f64>(xPtr + (child << 3))) child++;
    const larger = load<f64>(xPtr + (child << 3));
    if (value >= larger) break;
    store<f64>(xPtr + (root << 3), larger);
    root = child;
  }
  store<f64>(xPtr + (root << 3), value);
}

/** Sorts x [n], f64, ascending, in place. NaN is not allowed. */
export function f64_sort(n: usize, xPtr: usize): void {
  if (n < 2) return;
  for (let root = n >> 1; root > 0; root--) siftDown(xPtr, root - 1, n);
  for (let end = n - 1; end > 0; end--) {
    const largest = load<f64>(xPtr);
    store<f64>(xPtr, load<f64>(xPtr + (end << 3)));
    store<f64>(xPtr + (end << 3), largest);
    siftDown(xPtr, 0, end);
  }
}
