/** Sums of squares over rows and columns of a matrix: chi-square statistics when the elements are PIT scores. */

/**
 * out[i] = sum over j of c[j] z[i, j]^2, in f64.
 * @param M  rows
 * @param N  columns
 * @param zPtr  z [M, N], f32
 * @param weightsPtr  c [N], f64; 0 for all ones
 * @param outPtr  out [M], f64
 */
export function f32_row_squares(M: usize, N: usize, zPtr: usize, weightsPtr: usize, outPtr: usize): void {
  for (let i: usize = 0; i < M; i++) {
    const row = zPtr + ((i * N) << 2);
    store<f64>(outPtr + (i << 3), weightsPtr ? weightedSquares(N, row, weightsPtr) : squares(N, row));
  }
}

function squares(n: usize, zPtr: usize): f64 {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  let ptr = zPtr;
  const end = zPtr + (n << 2);
  const end4 = zPtr + ((n & ~3) << 2);
  while (ptr < end4) {
    const z = v128.load(ptr);
    const a = f64x2.promote_low_f32x4(z);
    const b = f64x2.promote_low_f32x4(i8x16.shuffle(z, z, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
    low = f64x2.add(low, f64x2.mul(a, a));
    high = f64x2.add(high, f64x2.mul(b, b));
    ptr += 16;
  }
  const both = f64x2.add(low, high);
  let sum = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
  while (ptr < end) {
    const z = <f64>load<f32>(ptr);
    sum += z * z;
    ptr += 4;
  }
  return sum;
}

function weightedSquares(n: usize, zPtr: usize, weightsPtr: usize): f64 {
  let lanes = f64x2.splat(0);
  let j: usize = 0;
  const n2 = n & ~1;
  while (j < n2) {
    const z = f64x2.promote_low_f32x4(v128.load64_zero(zPtr + (j << 2)));
    lanes = f64x2.add(lanes, f64x2.mul(v128.load(weightsPtr + (j << 3)), f64x2.mul(z, z)));
    j += 2;
  }
  let sum = f64x2.extract_lane(lanes, 0) + f64x2.extract_lane(lanes, 1);
  if (j < n) {
    const z = <f64>load<f32>(zPtr + (j << 2));
    sum += load<f64>(weightsPtr + (j << 3)) * z * z;
  }
  return sum;
}

/**
 * out[j] = sum over i of c[i] z[i, j]^2, in f64, i ascending.
 * @param M  rows
 * @param N  columns
 * @param zPtr  z [M, N], f32
 * @param weightsPtr  c [M], f64; 0 for all ones
 * @param outPtr  out [N], f64
 */
export function f32_column_squares(M: usize, N: usize, zPtr: usize, weightsPtr: usize, outPtr: usize): void {
  memory.fill(outPtr, 0, N << 3);
  const N2 = N & ~1;
  for (let i: usize = 0; i < M; i++) {
    const row = zPtr + ((i * N) << 2);
    const c: f64 = weightsPtr ? load<f64>(weightsPtr + (i << 3)) : 1;
    const cc = f64x2.splat(c);
    let j: usize = 0;
    while (j < N2) {
      const z = f64x2.promote_low_f32x4(v128.load64_zero(row + (j << 2)));
      const out = outPtr + (j << 3);
      v128.store(out, f64x2.add(v128.load(out), f64x2.mul(cc, f64x2.mul(z, z))));
      j += 2;
    }
    if (j < N) {
      const z = <f64>load<f32>(row + (j << 2));
      const out = outPtr + (j << 3);
      store<f64>(out, load<f64>(out) + c * z * z);
    }
  }
}
