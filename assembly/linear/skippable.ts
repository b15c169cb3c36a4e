/** Which panels allow that zero inputs are skipped. */
import { HALF_PANEL_ROW_BYTES, NR, NR_HALF, PANEL_ROW_BYTES, VECTOR_BYTES } from '../tile';

/**
 * Whether all numbers of the panels of an [N, K] layer are finite, and none of its biases is -0: then a term of a zero
 * input changes no bit of a sum, see sparse-input.ts.
 * @complexity O(N K), one pass
 */
export function f32_panels_skippable(panelPtr: usize, N: i32, K: i32): bool {
  let products = f32x4.splat(0);
  let negativeZeros = i32x4.splat(0);
  for (let n = 0; n < N; n += NR) {
    const rowBytes: usize = N - n <= NR_HALF ? HALF_PANEL_ROW_BYTES : PANEL_ROW_BYTES;
    const weightPtr = panelPtr + rowBytes;
    for (; panelPtr < weightPtr; panelPtr += VECTOR_BYTES) {
      const bias = v128.load(panelPtr);
      products = f32x4.add(products, f32x4.mul(bias, f32x4.splat(0)));
      negativeZeros = v128.or(negativeZeros, i32x4.eq(bias, i32x4.splat(i32.MIN_VALUE)));
    }
    // 0 w is NaN where w is not finite, and a sum that is NaN stays it.
    for (const end = weightPtr + <usize>K * rowBytes; panelPtr < end; panelPtr += 2 * VECTOR_BYTES) {
      products = f32x4.add(products, f32x4.mul(v128.load(panelPtr), f32x4.splat(0)));
      products = f32x4.add(products, f32x4.mul(v128.load(panelPtr, VECTOR_BYTES), f32x4.splat(0)));
    }
  }
  return !v128.any_true(v128.or(negativeZeros, f32x4.ne(products, products)));
}
