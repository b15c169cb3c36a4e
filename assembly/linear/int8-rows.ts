/** Rows of inputs as int16, for the products with int8 weights. */

/** Floats to integers by adding 1.5 2^23: the sum's last bits are the integer nearest to x, ties to even, |x| < 2^22. */
const MAGIC: f32 = 12582912;

/** Rows whose largest input is below it count as zero: its inverse would leave the range of f32. */
const LEAST: f32 = 1e-30;

/**
 * The largest whole number that inputs of a row may become: with K products by weights of at most 128 no sum leaves i32.
 * 12 bits and more up to K = 4096; int16 at most.
 */
export function i16_limit(K: i32): i32 {
  return <i32>max<i64>(1, min<i64>(32767, <i64>i32.MAX_VALUE / 128 / <i64>max(K, 1)));
}

/** The bits of the largest |x|; above those of the largest finite number where one is infinite or NaN. */
function largestBits(xPtr: usize, count: i32): i32 {
  let most = i32x4.splat(0);
  const absolute = i32x4.splat(0x7fffffff);
  const endPtr = xPtr + ((<usize>count) << 2);
  for (; xPtr + 16 <= endPtr; xPtr += 16) most = i32x4.max_s(most, v128.and(v128.load(xPtr), absolute));
  most = i32x4.max_s(most, v128.shuffle<i32>(most, most, 2, 3, 0, 1));
  let bits = max(i32x4.extract_lane(most, 0), i32x4.extract_lane(most, 1));
  for (; xPtr < endPtr; xPtr += 4) bits = max(bits, load<i32>(xPtr) & 0x7fffffff);
  return bits;
}

/** Four numbers times `inverse` as the nearest integers. */
function nearest(x: v128, inverse: v128): v128 {
  return i32x4.sub(f32x4.add(f32x4.mul(x, inverse), f32x4.splat(MAGIC)), f32x4.splat(MAGIC));
}

/** q[k] = nearest(x[k] inverse); returns the end of q. */
function writeRow(qPtr: usize, xPtr: usize, count: i32, inverse: f32): usize {
  const factor = f32x4.splat(inverse);
  const endPtr = xPtr + ((<usize>count) << 2);
  for (; xPtr + 32 <= endPtr; xPtr += 32) {
    v128.store(qPtr, i16x8.narrow_i32x4_s(nearest(v128.load(xPtr), factor), nearest(v128.load(xPtr, 16), factor)));
    qPtr += 16;
  }
  for (; xPtr < endPtr; xPtr += 4) {
    store<i16>(qPtr, <i16>i32x4.extract_lane(nearest(v128.load32_splat(xPtr), factor), 0));
    qPtr += 2;
  }
  return qPtr;
}

/**
 * One row of x [K], then z [R], as int16 in the range that {@link i16_limit} allows: q = nearest(x / scale), where the
 * largest |x| becomes the limit. An odd row ends with a zero.
 * @param qPtr  [K + R rounded up to even] int16
 * @returns the scale; 0 for a row of zeros, NaN where an input is not finite (q is zero then)
 */
export function quantizeRow(qPtr: usize, xPtr: usize, K: i32, zPtr: usize, R: i32): f32 {
  const limit = <f32>i16_limit(K + R);
  const largest = reinterpret<f32>(max(largestBits(xPtr, K), largestBits(zPtr, R)));
  const isRegular = largest >= LEAST && largest <= f32.MAX_VALUE;
  if (!isRegular) {
    memory.fill(qPtr, 0, (<usize>(K + R + 1) & ~1) << 1);
    return largest < LEAST ? 0 : f32.NaN;
  }
  const inverse = limit / largest;
  qPtr = writeRow(writeRow(qPtr, xPtr, K, inverse), zPtr, R, inverse);
  if ((K + R) & 1) store<i16>(qPtr, 0);
  return largest / limit;
}

export function byteAt(ptr: usize, isSigned: bool): i32 {
  return isSigned ? <i32>load<i8>(ptr) : <i32>load<u8>(ptr);
}

/**
 * One row of bytes less their zero point, as int16; an odd row ends with a zero.
 * @returns the sum of the row, modulo 2^32
 */
export function widenRow(qPtr: usize, xPtr: usize, K: i32, isSigned: bool, zero: i32): i32 {
  let sum = 0;
  for (let k: usize = 0; k < <usize>K; k++) {
    const q = byteAt(xPtr + k, isSigned) - zero;
    sum += q;
    store<i16>(qPtr + (k << 1), <i16>q);
  }
  if (K & 1) store<i16>(qPtr + ((<usize>K) << 1), 0);
  return sum;
}
