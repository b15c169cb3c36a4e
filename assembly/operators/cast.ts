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

/** One loop for each pair of dtypes. */
class Convert {
  /** A real number cut to the range of the 8-bit integer T; NaN becomes 0 in the conversion that follows. */
  @inline
  static saturated<T>(value: f64): i32 {
    const low: f64 = isSigned<T>() ? -128 : 0;
    const high: f64 = isSigned<T>() ? 127 : 255;
    return <i32>min(max(value, low), high);
  }

  /** One element as type B; `bool` is AssemblyScript's one-byte type and stands for ONNX's. */
  @inline
  static convert<A, B>(value: A): B {
    if (isBoolean<B>()) return <B>(value != <A>0);
    if (isFloat<A>() && sizeof<B>() == 1) return <B>Convert.saturated<B>(<f64>value);
    return <B>value;
  }

  @inline
  static all<A, B>(xPtr: usize, yPtr: usize, count: i32): void {
    for (let i = 0; i < count; i++) {
      if (isBoolean<A>()) store<B>(yPtr, Convert.convert<bool, B>(load<u8>(xPtr) != 0));
      else store<B>(yPtr, Convert.convert<A, B>(load<A>(xPtr)));
      xPtr += sizeof<A>();
      yPtr += sizeof<B>();
    }
  }

  @inline
  static from<A>(to: i32, xPtr: usize, yPtr: usize, count: i32): void {
    switch (to) {
      case Dtype.FLOAT32:
        return Convert.all<A, f32>(xPtr, yPtr, count);
      case Dtype.INT32:
        return Convert.all<A, i32>(xPtr, yPtr, count);
      case Dtype.UINT8:
        return Convert.all<A, u8>(xPtr, yPtr, count);
      case Dtype.INT8:
        return Convert.all<A, i8>(xPtr, yPtr, count);
      case Dtype.BOOL:
        return Convert.all<A, bool>(xPtr, yPtr, count);
      case Dtype.INT64:
        return Convert.all<A, i64>(xPtr, yPtr, count);
      default:
        return Convert.all<A, f64>(xPtr, yPtr, count);
    }
  }
}

/**
 * y[i] = x[i] in another dtype. Real to integer truncates towards zero and saturates, NaN gives 0; integer to integer
 * keeps the low bits; to bool is x != 0 (NaN gives true); a bool counts as 0 or 1 whatever its byte is.
 * @param from  index of x's dtype in {@link Dtype}
 * @param to  index of y's dtype
 * @param xPtr  [count], disjoint from y [count]
 */
export function cast(from: i32, to: i32, xPtr: usize, yPtr: usize, count: i32): void {
  switch (from) {
    case Dtype.FLOAT32:
      return Convert.from<f32>(to, xPtr, yPtr, count);
    case Dtype.INT32:
      return Convert.from<i32>(to, xPtr, yPtr, count);
    case Dtype.UINT8:
      return Convert.from<u8>(to, xPtr, yPtr, count);
    case Dtype.INT8:
      return Convert.from<i8>(to, xPtr, yPtr, count);
    case Dtype.BOOL:
      return Convert.from<bool>(to, xPtr, yPtr, count);
    case Dtype.INT64:
      return Convert.from<i64>(to, xPtr, yPtr, count);
    default:
      return Convert.from<f64>(to, xPtr, yPtr, count);
  }
}
