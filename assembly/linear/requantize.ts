/**
 * y[m, n] = saturate(nearest(f32(x[m, n] scale[n])) + zero), bytes: what a sum of products of bytes becomes.
 * @param yPtr  [M, N] of uint8 or int8
 * @param xPtr  [M, N] int32; scalePtr [N] f64
 */
export function i32_requantize(
  yPtr: usize,
  xPtr: usize,
  scalePtr: usize,
  M: i32,
  N: i32,
  isSigned: bool,
  zero: i32,
): void {
  const least: f64 = isSigned ? -128 : 0;
  const most: f64 = isSigned ? 127 : 255;
  for (let m = 0; m < M; m++) {
    for (let n: usize = 0; n < <usize>N; n++) {
      const scaled = <f64>nearest(<f32>(<f64>load<i32>(xPtr) * load<f64>(scalePtr + (n << 3))));
      const value = isNaN(scaled) ? 0 : scaled + <f64>zero;
      store<u8>(yPtr, <u8>(<i32>min(max(value, least), most)));
      xPtr += 4;
      yPtr++;
    }
  }
}
