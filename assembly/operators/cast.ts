/** Conversions between dtypes. */

/** The dtypes, in the order of `castDtypes` in src/runtime/step-kinds/elementwise.ts. */
const enum Dtype {
  FLOAT32,
  INT32,
  UINT8,
  INT8,
  BOOL,
  INT64,
  FLOAT64,
}

/** Bytes of an element of each dtype, as a power of two. */
function sizeShift(dtype: i32): usize {
  if (dtype == Dtype.FLOAT32 || dtype == Dtype.INT32) return 2;
  return dtype == Dtype.INT64 || dtype == Dtype.FLOAT64 ? 3 : 0;
}

/** An integer or bool element; a bool counts as 0 or 1. */
function loadInteger(from: i32, ptr: usize): i64 {
  if (from == Dtype.INT32) return load<i32>(ptr);
  if (from == Dtype.UINT8) return load<u8>(ptr);
  if (from == Dtype.INT8) return load<i8>(ptr);
  if (from == Dtype.INT64) return load<i64>(ptr);
  return i64(load<u8>(ptr) != 0);
}

/** Stores an integer: its low bits, or the nearest real number. */
function storeInteger(to: i32, ptr: usize, value: i64): void {
  if (to == Dtype.FLOAT32) store<f32>(ptr, <f32>value);
  else if (to == Dtype.FLOAT64) store<f64>(ptr, <f64>value);
  else if (to == Dtype.INT32) store<i32>(ptr, <i32>value);
  else if (to == Dtype.INT64) store<i64>(ptr, value);
  else store<u8>(ptr, to == Dtype.BOOL ? u8(value != 0) : <u8>value);
}

/** Stores a real number, cut to the range of an integer; NaN becomes 0 in the conversion. */
function storeReal(to: i32, ptr: usize, value: f64): void {
  if (to == Dtype.FLOAT32) store<f32>(ptr, <f32>value);
  else if (to == Dtype.FLOAT64) store<f64>(ptr, value);
  else if (to == Dtype.INT32) store<i32>(ptr, <i32>value);
  else if (to == Dtype.INT64) store<i64>(ptr, <i64>value);
  else if (to == Dtype.BOOL) store<u8>(ptr, u8(value != 0));
  else store<u8>(ptr, <u8>(<i32>min<f64>(max<f64>(value, to == Dtype.INT8 ? -128 : 0), to == Dtype.INT8 ? 127 : 255)));
}

/** Four elements at a time. */
class Bytes {
  /** Four bytes as real numbers. */
  @inline
  static widened(from: i32, ptr: usize): v128 {
    const bytes = v128.load32_zero(ptr);
    if (from == Dtype.INT8) return f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(bytes)));
    return f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes)));
  }

  /** Four real numbers as bytes, truncated and then saturated at every width on the way; in the first four lanes. */
  @inline
  static narrowed(to: i32, x: v128): v128 {
    const whole = i32x4.trunc_sat_f32x4_s(x);
    const half = i16x8.narrow_i32x4_s(whole, whole);
    return to == Dtype.INT8 ? i8x16.narrow_i16x8_s(half, half) : i8x16.narrow_i16x8_u(half, half);
  }
}

/** Between bytes and float32, four at a time. @returns how many of `count` are done */
function castBytes(from: i32, to: i32, xPtr: usize, yPtr: usize, count: i32): i32 {
  const isWidening = to == Dtype.FLOAT32;
  const dtype = isWidening ? from : to;
  if ((dtype != Dtype.UINT8 && dtype != Dtype.INT8) || (!isWidening && from != Dtype.FLOAT32)) return 0;
  const done = count & ~3;
  for (let i = 0; i < done; i += 4) {
    if (isWidening) v128.store(yPtr + ((<usize>i) << 2), Bytes.widened(dtype, xPtr + i));
    else v128.store32_lane(yPtr + i, Bytes.narrowed(dtype, v128.load(xPtr + ((<usize>i) << 2))), 0);
  }
  return done;
}

/**
 * y[i] = x[i] in another dtype. Real to integer truncates towards zero and saturates, NaN gives 0; integer to integer
 * keeps the low bits; to bool is x != 0 (NaN gives true); a bool counts as 0 or 1 whatever its byte is.
 * @param from  index of x's dtype in {@link Dtype}
 * @param to  index of y's dtype
 * @param xPtr  [count], disjoint from y [count]
 */
export function cast(from: i32, to: i32, xPtr: usize, yPtr: usize, count: i32): void {
  const isReal = from == Dtype.FLOAT32 || from == Dtype.FLOAT64;
  const xBytes = (<usize>1) << sizeShift(from);
  const yBytes = (<usize>1) << sizeShift(to);
  if (!isDefined(KERF_SMALL)) {
    const done = castBytes(from, to, xPtr, yPtr, count);
    xPtr += <usize>done * xBytes;
    yPtr += <usize>done * yBytes;
    count -= done;
  }
  for (; count > 0; count--) {
    // Images, the most that is cast, pay for a line of their own.
    if (from == Dtype.UINT8 && to == Dtype.FLOAT32) store<f32>(yPtr, <f32>load<u8>(xPtr));
    else if (isReal) storeReal(to, yPtr, from == Dtype.FLOAT32 ? <f64>load<f32>(xPtr) : load<f64>(xPtr));
    else storeInteger(to, yPtr, loadInteger(from, xPtr));
    xPtr += xBytes;
    yPtr += yBytes;
  }
}
