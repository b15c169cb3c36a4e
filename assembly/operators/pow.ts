/** x^y with the special cases of C and numpy, computed in f64 without tables. */

const LN2: f64 = 0.6931471805599453;

/** log2 of a positive normal f64: k + 2/ln2 (s + s^3/3 + s^5/5 + ...), s = (m - 1) / (m + 1); error below 1e-13. */
function log2Positive(x: f64): f64 {
  const bits = reinterpret<i64>(x);
  // Bits above sqrt(1/2) count as the next power of two, so |s| <= 0.1716.
  const k = (bits - 0x3fe6a09e667f3bcd) >> 52;
  const m = reinterpret<f64>(bits - (k << 52));
  const s = (m - 1) / (m + 1);
  const z = s * s;
  let sum: f64 = 0;
  for (let i = 17; i >= 1; i -= 2) sum = sum * z + 1.0 / <f64>i;
  return <f64>k + (2 / LN2) * s * sum;
}

/** 2^t for |t| <= 300: 2^n times the Taylor sum of e^(r ln 2), |r| <= 1/2; relative error below 1e-12. */
function exp2Bounded(t: f64): f64 {
  const n = nearest(t);
  const r = (t - n) * LN2;
  let sum: f64 = 1;
  for (let i = 11; i >= 1; i--) sum = 1 + (sum * r) / <f64>i;
  return sum * reinterpret<f64>((<i64>n + 1023) << 52);
}

/**
 * x^y, within 0.51 ulp. x^0 = 1^y = 1 even for NaN; (-1)^Inf = 1; a negative finite x with a fractional y gives NaN;
 * odd integer powers keep the sign of x, also of -0 and -Inf.
 */
export function f32_pow(x: f32, y: f32): f32 {
  if (y == 0 || x == 1) return 1;
  if (y == 1) return x;
  if (y == 2) return x * x;
  if (y == 3) return <f32>(<f64>x * <f64>x * <f64>x);
  if (y == 0.5) return x == -Infinity ? Infinity : sqrt(x) + 0;
  if (isNaN(x) || isNaN(y)) return NaN;
  const isInteger = floor(y) == y;
  const isOdd = isInteger && abs(y) < 16777216 && (<i32>y & 1) != 0;
  const magnitude = abs(x);
  if (magnitude == 1 && abs(y) == Infinity) return 1;
  if (x < 0 && !isInteger && magnitude != Infinity) return NaN;
  let power: f64;
  if (magnitude == 0 || magnitude == Infinity) power = (magnitude == 0) == y > 0 ? 0 : Infinity;
  else power = exp2Bounded(max(-300.0, min(300.0, <f64>y * log2Positive(magnitude))));
  return <f32>(isOdd ? copysign<f64>(power, x) : power);
}
