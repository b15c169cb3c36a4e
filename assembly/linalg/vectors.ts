/** f64 vector steps that the factorisations are made of. Two accumulators of two lanes: one fixed order of summation. */

/** sum_i a[i] b[i]. */
export function dot(n: i32, aPtr: usize, bPtr: usize): f64 {
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  const end = aPtr + ((<usize>(n & ~3)) << 3);
  while (aPtr < end) {
    s0 = f64x2.add(s0, f64x2.mul(v128.load(aPtr), v128.load(bPtr)));
    s1 = f64x2.add(s1, f64x2.mul(v128.load(aPtr, 16), v128.load(bPtr, 16)));
    aPtr += 32;
    bPtr += 32;
  }
  const s = f64x2.add(s0, s1);
  let sum = f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1);
  for (let i = n & 3; i > 0; i--, aPtr += 8, bPtr += 8) sum += load<f64>(aPtr) * load<f64>(bPtr);
  return sum;
}

/** y[i] += alpha x[i]. */
export function axpy(n: i32, alpha: f64, xPtr: usize, yPtr: usize): void {
  const scale = f64x2.splat(alpha);
  const end = xPtr + ((<usize>(n & ~1)) << 3);
  while (xPtr < end) {
    v128.store(yPtr, f64x2.add(v128.load(yPtr), f64x2.mul(scale, v128.load(xPtr))));
    xPtr += 16;
    yPtr += 16;
  }
  if (n & 1) store<f64>(yPtr, load<f64>(yPtr) + alpha * load<f64>(xPtr));
}

/** Rotates two rows: (x, y) becomes (c x - s y, s x + c y). */
export function rotate(n: i32, xPtr: usize, yPtr: usize, c: f64, s: f64): void {
  const cs = f64x2.splat(c);
  const sn = f64x2.splat(s);
  const end = xPtr + ((<usize>(n & ~1)) << 3);
  while (xPtr < end) {
    const x = v128.load(xPtr);
    const y = v128.load(yPtr);
    v128.store(xPtr, f64x2.sub(f64x2.mul(cs, x), f64x2.mul(sn, y)));
    v128.store(yPtr, f64x2.add(f64x2.mul(sn, x), f64x2.mul(cs, y)));
    xPtr += 16;
    yPtr += 16;
  }
  if (n & 1) {
    const x = load<f64>(xPtr);
    const y = load<f64>(yPtr);
    store<f64>(xPtr, c * x - s * y);
    store<f64>(yPtr, s * x + c * y);
  }
}
