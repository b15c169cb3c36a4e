/** Sums over f32 weights in f64: what scale, location and finiteness are read from. */

// Layout of the result: | sum | sum of squares | smallest | largest | not finite |, five f64.

/**
 * Writes sum, sum of squares, smallest, largest and the count of NaN and infinite elements of x.
 * Two f64 lanes per accumulator and four accumulators a step, so the order of summation is fixed.
 * @param n  elements
 * @param xPtr  x [n], f32, 4-byte aligned
 * @param outPtr  five f64; sums are over all elements (not finite if any element is not), smallest = +Infinity and
 *   largest = -Infinity when n = 0
 */
export function f32_moments(n: usize, xPtr: usize, outPtr: usize): void {
  let sum0 = f64x2.splat(0);
  let sum1 = f64x2.splat(0);
  let square0 = f64x2.splat(0);
  let square1 = f64x2.splat(0);
  let low = f32x4.splat(Infinity);
  let high = f32x4.splat(-Infinity);
  let odd = i32x4.splat(0);
  const exponent = i32x4.splat(0x7f800000);
  const end = xPtr + ((n & ~3) << 2);
  let ptr = xPtr;
  while (ptr < end) {
    const x = v128.load(ptr);
    const a = f64x2.promote_low_f32x4(x);
    const b = f64x2.promote_low_f32x4(i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
    sum0 = f64x2.add(sum0, a);
    sum1 = f64x2.add(sum1, b);
    square0 = f64x2.add(square0, f64x2.mul(a, a));
    square1 = f64x2.add(square1, f64x2.mul(b, b));
    low = f32x4.pmin(low, x);
    high = f32x4.pmax(high, x);
    // An exponent of all ones is NaN or infinity; eq gives -1 there.
    odd = i32x4.sub(odd, i32x4.eq(v128.and(x, exponent), exponent));
    ptr += 16;
  }
  const sums = f64x2.add(sum0, sum1);
  const squares = f64x2.add(square0, square1);
  let sum = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
  let square = f64x2.extract_lane(squares, 0) + f64x2.extract_lane(squares, 1);
  let smallest = min(
    min(f32x4.extract_lane(low, 0), f32x4.extract_lane(low, 1)),
    min(f32x4.extract_lane(low, 2), f32x4.extract_lane(low, 3)),
  );
  let largest = max(
    max(f32x4.extract_lane(high, 0), f32x4.extract_lane(high, 1)),
    max(f32x4.extract_lane(high, 2), f32x4.extract_lane(high, 3)),
  );
  let bad: f64 =
    <f64>i32x4.extract_lane(odd, 0) +
    <f64>i32x4.extract_lane(odd, 1) +
    <f64>i32x4.extract_lane(odd, 2) +
    <f64>i32x4.extract_lane(odd, 3);
  const last = xPtr + (n << 2);
  while (ptr < last) {
    const x = load<f32>(ptr);
    sum += <f64>x;
    square += <f64>x * <f64>x;
    if (x < smallest) smallest = x;
    if (x > largest) largest = x;
    if ((reinterpret<u32>(x) & 0x7f800000) === 0x7f800000) bad += 1;
    ptr += 4;
  }
  store<f64>(outPtr, sum, 0);
  store<f64>(outPtr, square, 8);
  store<f64>(outPtr, <f64>smallest, 16);
  store<f64>(outPtr, <f64>largest, 24);
  store<f64>(outPtr, bad, 32);
}
