/** C = A A^T: products and short sums in f32, sums over chunks in f64. */

/** Contracted elements summed in f32 before they are added to the f64 result; 3 + BLOCK rows of a chunk fit the L2. */
const CHUNK: usize = 512;
/** Rows that stay in cache while the others pass. */
const BLOCK: usize = 96;

/** Inlined: a call after the loop would make the engine keep the accumulators in memory inside it. */
class Lanes {
  /** Adds the four lanes of v to the f64 at ptr. */
  @inline
  static addTo(ptr: usize, v: v128): void {
    const low = <f64>f32x4.extract_lane(v, 0) + <f64>f32x4.extract_lane(v, 1);
    const high = <f64>f32x4.extract_lane(v, 2) + <f64>f32x4.extract_lane(v, 3);
    store<f64>(ptr, load<f64>(ptr) + (low + high));
  }
}

/** C[i..i+2, j..j+2] += rows i.. times rows j.. over k elements: nine accumulators, one k step per basic block. */
function tile3x3(k: usize, aPtr: usize, bPtr: usize, lda: usize, cPtr: usize, ldc: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c02 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c12 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c22 = f32x4.splat(0);
  const stride = lda << 2;
  const a1 = stride;
  const a2 = stride << 1;
  const end = aPtr + (k << 2);
  do {
    const x0 = v128.load(aPtr);
    const x1 = v128.load(aPtr + a1);
    const x2 = v128.load(aPtr + a2);
    const y0 = v128.load(bPtr);
    c00 = f32x4.add(c00, f32x4.mul(x0, y0));
    c10 = f32x4.add(c10, f32x4.mul(x1, y0));
    c20 = f32x4.add(c20, f32x4.mul(x2, y0));
    const y1 = v128.load(bPtr + a1);
    c01 = f32x4.add(c01, f32x4.mul(x0, y1));
    c11 = f32x4.add(c11, f32x4.mul(x1, y1));
    c21 = f32x4.add(c21, f32x4.mul(x2, y1));
    const y2 = v128.load(bPtr + a2);
    c02 = f32x4.add(c02, f32x4.mul(x0, y2));
    c12 = f32x4.add(c12, f32x4.mul(x1, y2));
    c22 = f32x4.add(c22, f32x4.mul(x2, y2));
    aPtr += 16;
    bPtr += 16;
  } while (aPtr < end);
  const row = ldc << 3;
  Lanes.addTo(cPtr, c00);
  Lanes.addTo(cPtr + 8, c01);
  Lanes.addTo(cPtr + 16, c02);
  Lanes.addTo(cPtr + row, c10);
  Lanes.addTo(cPtr + row + 8, c11);
  Lanes.addTo(cPtr + row + 16, c12);
  Lanes.addTo(cPtr + 2 * row, c20);
  Lanes.addTo(cPtr + 2 * row + 8, c21);
  Lanes.addTo(cPtr + 2 * row + 16, c22);
}

function tile1x1(k: usize, aPtr: usize, bPtr: usize, cPtr: usize): void {
  let c = f32x4.splat(0);
  const end = aPtr + (k << 2);
  do {
    c = f32x4.add(c, f32x4.mul(v128.load(aPtr), v128.load(bPtr)));
    aPtr += 16;
    bPtr += 16;
  } while (aPtr < end);
  Lanes.addTo(cPtr, c);
}

/** C[i0..i1, j0..j1] over one chunk, tiles that lie wholly above the diagonal left out. */
function block(
  i0: usize,
  i1: usize,
  j0: usize,
  j1: usize,
  k: usize,
  aPtr: usize,
  lda: usize,
  cPtr: usize,
  M: usize,
): void {
  for (let i = i0; i < i1; i += 3) {
    const a = aPtr + ((i * lda) << 2);
    for (let j = j0; j < j1 && j <= i + 2; j += 3) {
      const b = aPtr + ((j * lda) << 2);
      if (i + 3 <= i1 && j + 3 <= j1) {
        tile3x3(k, a, b, lda, cPtr + ((i * M + j) << 3), M);
        continue;
      }
      for (let ii = i; ii < min<usize>(i + 3, i1); ii++) {
        for (let jj = j; jj < min<usize>(j + 3, j1); jj++) {
          tile1x1(k, aPtr + ((ii * lda) << 2), aPtr + ((jj * lda) << 2), cPtr + ((ii * M + jj) << 3));
        }
      }
    }
  }
}

/**
 * C[i, j] = sum over k of A[i, k] A[j, k] for j <= i; the upper half is filled by symmetry.
 * Products and sums of 128 per lane in f32, the rest in f64: relative error of a diagonal entry below 128 u + O(u).
 * @param M  rows of A
 * @param K  contracted elements
 * @param aPtr  A [M, K], f32, 16-byte aligned, rows `lda` apart and zero from K to the next multiple of 4
 * @param lda  elements per row of A, multiple of 4
 * @param cPtr  C [M, M], f64
 * @complexity M^2 K / 2 multiply-adds
 */
export function f32_gram(M: usize, K: usize, aPtr: usize, lda: usize, cPtr: usize): void {
  memory.fill(cPtr, 0, (M * M) << 3);
  const padded = (K + 3) & ~3;
  for (let k0: usize = 0; k0 < padded; k0 += CHUNK) {
    const k = min<usize>(CHUNK, padded - k0);
    for (let j0: usize = 0; j0 < M; j0 += BLOCK) {
      block(j0, M, j0, min<usize>(j0 + BLOCK, M), k, aPtr + (k0 << 2), lda, cPtr, M);
    }
  }
  for (let i: usize = 0; i < M; i++) {
    for (let j: usize = 0; j < i; j++) {
      store<f64>(cPtr + ((j * M + i) << 3), load<f64>(cPtr + ((i * M + j) << 3)));
    }
  }
}
