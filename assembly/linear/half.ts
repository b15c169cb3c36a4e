/** Weights stored as IEEE 754 binary16. */

/** 2^112: what half bits, moved to the place of float32's, lack in their exponent. */
const REBIAS: f32 = 5.192296858534828e33;

/**
 * y[i] = x[i] as float32, exactly.
 * @param yPtr  [count] float32; x may stand in its second half: each x is read before its place is written
 * @param xPtr  [count] half bits
 */
export function f16_widen(yPtr: usize, xPtr: usize, count: i32): void {
  const endPtr = xPtr + ((<usize>count) << 1);
  for (; xPtr < endPtr; xPtr += 2) {
    const bits = <u32>load<u16>(xPtr);
    const magnitude = reinterpret<f32>((bits & 0x7fff) << 13) * REBIAS;
    // Infinities and NaN arrive with half's largest exponent.
    const special: u32 = magnitude >= 65536 ? 0x7f800000 : 0;
    store<u32>(yPtr, reinterpret<u32>(magnitude) | special | ((bits & 0x8000) << 16));
    yPtr += 4;
  }
}

/**
 * y[i] = the half nearest to x[i], ties to even; from 65520 on infinity.
 * @param yPtr  [count] half bits
 * @param xPtr  [count] float32
 */
export function f32_narrow(yPtr: usize, xPtr: usize, count: i32): void {
  const endPtr = xPtr + ((<usize>count) << 2);
  for (; xPtr < endPtr; xPtr += 4) {
    const bits = load<u32>(xPtr);
    const magnitude = bits & 0x7fffffff;
    let half: u32;
    if (magnitude > 0x7f800000) half = 0x7e00;
    else if (reinterpret<f32>(magnitude) >= 65520) half = 0x7c00;
    else if (reinterpret<f32>(magnitude) < 2 ** -14) half = <u32>nearest(reinterpret<f32>(magnitude) * 2 ** 24);
    else half = ((magnitude + 0xfff + ((magnitude >> 13) & 1)) >> 13) - (112 << 10);
    store<u16>(yPtr, <u16>(half | ((bits >> 16) & 0x8000)));
    yPtr += 2;
  }
}
