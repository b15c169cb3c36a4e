/** Which panels allow that zero inputs are skipped. */
import { HALF_PANEL_ROW_BYTES, NR, NR_HALF, PANEL_ROW_BYTES, VECTOR_BYTES } from '../tile';

/**
 * Whether all numbers of the panels of an [N, K] layer are finite, and none of its biases is -0: then a term of a zero
 * input changes no bit of a sum, see sparse-input.ts.
 * @complexity O(N K), one pass
 */
export function f32_panels_skippable(panelPtr: usize, N: i32, K: i32): bool {
  // The bits of a number without its sign grow with it, up to infinity and then NaN.
  let largest = i32x4.splat(0);
  let negativeZeros = i32x4.splat(0);
  for (let n = 0; n < N; n += NR) {
    const rowBytes: usize = N - n <= NR_HALF ? HALF_PANEL_ROW_BYTES : PANEL_ROW_BYTES;
    const weightPtr = panelPtr + rowBytes;
    for (; panelPtr < weightPtr; panelPtr += VECTOR_BYTES) {
      const bias = v128.load(panelPtr);
      largest = i32x4.max_u(largest, i32x4.shl(bias, 1));
      negativeZeros = v128.or(negativeZeros, i32x4.eq(bias, i32x4.splat(i32.MIN_VALUE)));
    }
    for (const end = weightPtr + <usize>K * rowBytes; panelPtr < end; panelPtr += 2 * VECTOR_BYTES) {
      largest = i32x4.max_u(largest, i32x4.shl(v128.load(panelPtr), 1));
      largest = i32x4.max_u(largest, i32x4.shl(v128.load(panelPtr, VECTOR_BYTES), 1));
    }
  }
  return !v128.any_true(v128.or(negativeZeros, i32x4.ge_u(largest, i32x4.splat(0xff000000))));
}
