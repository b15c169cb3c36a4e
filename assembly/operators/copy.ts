/** Strided copies: Transpose, Concat, Slice, Expand, Split. */

/** Bytes of one axis in the box: | dim | srcStride | dstStride |, i32 each, strides in elements. */
const AXIS_BYTES: usize = 12;

/** Loops over elements that are not contiguous. */
class Elements {
  @inline
  static row<T>(srcPtr: usize, srcStride: usize, dstPtr: usize, dstStride: usize, count: i32): void {
    while (count-- > 0) {
      store<T>(dstPtr, load<T>(srcPtr));
      srcPtr += srcStride * sizeof<T>();
      dstPtr += dstStride * sizeof<T>();
    }
  }

  /** A tile of four rows and columns: row i of src, at srcPtr + i * ldsBytes, becomes column i of dst. */
  @inline
  static transpose4x4(srcPtr: usize, ldsBytes: usize, dstPtr: usize, lddBytes: usize): void {
    const r0 = v128.load(srcPtr);
    const r1 = v128.load(srcPtr + ldsBytes);
    const r2 = v128.load(srcPtr + 2 * ldsBytes);
    const r3 = v128.load(srcPtr + 3 * ldsBytes);
    const a = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
    const b = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
    const c = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
    const d = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
    v128.store(dstPtr, i64x2.shuffle(a, b, 0, 2));
    v128.store(dstPtr + lddBytes, i64x2.shuffle(a, b, 1, 3));
    v128.store(dstPtr + 2 * lddBytes, i64x2.shuffle(c, d, 0, 2));
    v128.store(dstPtr + 3 * lddBytes, i64x2.shuffle(c, d, 1, 3));
  }
}

function anyRow(bytes: i32, srcPtr: usize, srcStride: usize, dstPtr: usize, dstStride: usize, count: i32): void {
  if (srcStride == 1 && dstStride == 1) {
    memory.copy(dstPtr, srcPtr, <usize>count * <usize>bytes);
    return;
  }
  switch (bytes) {
    case 1:
      return Elements.row<u8>(srcPtr, srcStride, dstPtr, dstStride, count);
    case 2:
      return Elements.row<u16>(srcPtr, srcStride, dstPtr, dstStride, count);
    case 4:
      return Elements.row<u32>(srcPtr, srcStride, dstPtr, dstStride, count);
    default:
      return Elements.row<u64>(srcPtr, srcStride, dstPtr, dstStride, count);
  }
}

/**
 * dst [rows, columns] with row stride ldd = the transpose of src [columns, rows] with row stride lds; 4-byte elements.
 * Tiles of 4x4, then the columns and rows left over one by one.
 */
export function x32_transpose(srcPtr: usize, lds: usize, dstPtr: usize, ldd: usize, rows: i32, columns: i32): void {
  const ldsBytes = lds << 2;
  const lddBytes = ldd << 2;
  let r = 0;
  for (; r + 4 <= rows; r += 4) {
    let c = 0;
    const fromPtr = srcPtr + ((<usize>r) << 2);
    const toPtr = dstPtr + <usize>r * lddBytes;
    for (; c + 4 <= columns; c += 4) {
      Elements.transpose4x4(fromPtr + <usize>c * ldsBytes, ldsBytes, toPtr + ((<usize>c) << 2), lddBytes);
    }
    for (; c < columns; c++) Elements.row<u32>(fromPtr + <usize>c * ldsBytes, 1, toPtr + ((<usize>c) << 2), ldd, 4);
  }
  for (; r < rows; r++) Elements.row<u32>(srcPtr + ((<usize>r) << 2), lds, dstPtr + <usize>r * lddBytes, 1, columns);
}

/**
 * dst[i . dstStrides] = src[i . srcStrides] for every index i of a box of `rank` axes. src and dst are disjoint.
 * @param bytes  bytes of an element: 1, 2, 4 or 8
 * @param rank  1..8
 * @param axesPtr  i32 [rank, 3], outermost axis first, each | dim | srcStride | dstStride |, strides in elements
 */
export function copy_strided(bytes: i32, rank: i32, axesPtr: usize, srcPtr: usize, dstPtr: usize): void {
  const dim = load<i32>(axesPtr);
  const srcStride = <usize>load<i32>(axesPtr, 4);
  const dstStride = <usize>load<i32>(axesPtr, 8);
  if (rank == 1) return anyRow(bytes, srcPtr, srcStride, dstPtr, dstStride, dim);
  const innerPtr = axesPtr + AXIS_BYTES;
  const innerStride = <usize>load<i32>(innerPtr, 4);
  if (rank == 2 && bytes == 4 && srcStride == 1 && load<i32>(innerPtr, 8) == 1) {
    return x32_transpose(srcPtr, innerStride, dstPtr, dstStride, dim, load<i32>(innerPtr));
  }
  for (let i = 0; i < dim; i++) {
    copy_strided(bytes, rank - 1, innerPtr, srcPtr, dstPtr);
    srcPtr += srcStride * <usize>bytes;
    dstPtr += dstStride * <usize>bytes;
  }
}
