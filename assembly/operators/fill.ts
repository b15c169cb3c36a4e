/** Constant memory contents. */

/** Writes the 4-byte pattern `bits` to y [count]. */
export function x32_fill(yPtr: usize, count: i32, bits: i32): void {
  const v = i32x4.splat(bits);
  while (count >= 4) {
    v128.store(yPtr, v);
    yPtr += 16;
    count -= 4;
  }
  while (count-- > 0) {
    store<i32>(yPtr, bits);
    yPtr += 4;
  }
}
