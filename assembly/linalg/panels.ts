/**
 * f64 matrix products for the tool: C[i, j] += sum_r a[r, i] b[r, j] over column panels.
 * One form serves the Gram matrix X^T X, the cross products Y^T X, and general products (by the strides of the packing).
 *
 *     panel p:  | r=0: 4 columns | r=1: 4 columns | ...     columns 4p .. 4p+3, f64, zeros beyond the last column
 */

import { axpy } from './vectors';

/** Columns of a panel. */
const WIDTH: i32 = 4;

/**
 * Packs `rows` x `columns` f32 elements into f64 column panels, row r scaled by weight[r].
 * @param weightPtr  f64 [rows], or 0 for ones
 * @param panelPtr  f64 [ceil(columns / 4)][rows][4]
 */
export function f64_pack_panels_f32(
  rows: i32,
  columns: i32,
  srcPtr: usize,
  rowStride: i32,
  columnStride: i32,
  weightPtr: usize,
  panelPtr: usize,
): void {
  for (let first = 0; first < columns; first += WIDTH) {
    for (let r = 0; r < rows; r++) {
      const scale = weightPtr ? load<f64>(weightPtr + ((<usize>r) << 3)) : 1.0;
      for (let j = first; j < first + WIDTH; j++, panelPtr += 8) {
        const at = <usize>r * <usize>rowStride + <usize>j * <usize>columnStride;
        store<f64>(panelPtr, j < columns ? scale * <f64>load<f32>(srcPtr + (at << 2)) : 0.0);
      }
    }
  }
}

/** The same for f64 elements, unscaled. */
export function f64_pack_panels(
  rows: i32,
  columns: i32,
  srcPtr: usize,
  rowStride: i32,
  columnStride: i32,
  panelPtr: usize,
): void {
  for (let first = 0; first < columns; first += WIDTH) {
    for (let r = 0; r < rows; r++) {
      for (let j = first; j < first + WIDTH; j++, panelPtr += 8) {
        const at = <usize>r * <usize>rowStride + <usize>j * <usize>columnStride;
        store<f64>(panelPtr, j < columns ? load<f64>(srcPtr + (at << 3)) : 0.0);
      }
    }
  }
}

/** Adds one 4 x 4 tile: C[0..3, 0..3] += sum_r a[r, i] b[r, j]. */
function tile(depth: i32, aPtr: usize, bPtr: usize, cPtr: usize, ldcBytes: usize): void {
  let c00 = v128.load(cPtr);
  let c01 = v128.load(cPtr, 16);
  let c10 = v128.load(cPtr + ldcBytes);
  let c11 = v128.load(cPtr + ldcBytes, 16);
  let c20 = v128.load(cPtr + 2 * ldcBytes);
  let c21 = v128.load(cPtr + 2 * ldcBytes, 16);
  let c30 = v128.load(cPtr + 3 * ldcBytes);
  let c31 = v128.load(cPtr + 3 * ldcBytes, 16);
  const end = aPtr + ((<usize>depth) << 5);
  while (aPtr < end) {
    const b0 = v128.load(bPtr);
    const b1 = v128.load(bPtr, 16);
    const a0 = v128.load64_splat(aPtr);
    c00 = f64x2.add(c00, f64x2.mul(a0, b0));
    c01 = f64x2.add(c01, f64x2.mul(a0, b1));
    const a1 = v128.load64_splat(aPtr, 8);
    c10 = f64x2.add(c10, f64x2.mul(a1, b0));
    c11 = f64x2.add(c11, f64x2.mul(a1, b1));
    const a2 = v128.load64_splat(aPtr, 16);
    c20 = f64x2.add(c20, f64x2.mul(a2, b0));
    c21 = f64x2.add(c21, f64x2.mul(a2, b1));
    const a3 = v128.load64_splat(aPtr, 24);
    c30 = f64x2.add(c30, f64x2.mul(a3, b0));
    c31 = f64x2.add(c31, f64x2.mul(a3, b1));
    aPtr += 32;
    bPtr += 32;
  }
  v128.store(cPtr, c00);
  v128.store(cPtr, c01, 16);
  v128.store(cPtr + ldcBytes, c10);
  v128.store(cPtr + ldcBytes, c11, 16);
  v128.store(cPtr + 2 * ldcBytes, c20);
  v128.store(cPtr + 2 * ldcBytes, c21, 16);
  v128.store(cPtr + 3 * ldcBytes, c30);
  v128.store(cPtr + 3 * ldcBytes, c31, 16);
}

/**
 * C += a^T b over packed panels: C[i, j] += sum_r a[r, i] b[r, j], one accumulator per element, r ascending.
 * @param depth  rows r of both panels
 * @param cPtr  f64, rows and ldc padded to multiples of 4; the padding is overwritten with zeros' products
 * @param lowerOnly  1 leaves tiles strictly above the diagonal untouched (for Gram matrices)
 */
export function f64_panel_product_4x4(
  depth: i32,
  aColumns: i32,
  aPtr: usize,
  bColumns: i32,
  bPtr: usize,
  cPtr: usize,
  ldc: i32,
  lowerOnly: i32,
): void {
  const panelBytes = (<usize>depth) << 5;
  const ldcBytes = (<usize>ldc) << 3;
  for (let j = 0; j < bColumns; j += WIDTH) {
    const b = bPtr + <usize>(j / WIDTH) * panelBytes;
    for (let i = lowerOnly ? j : 0; i < aColumns; i += WIDTH) {
      const a = aPtr + <usize>(i / WIDTH) * panelBytes;
      tile(depth, a, b, cPtr + <usize>i * ldcBytes + ((<usize>j) << 3), ldcBytes);
    }
  }
}

/** Sums of columns: out[j] += sum_r weight[r] x[r, j]; weight ones where weightPtr is 0. */
export function f64_column_sums_f32(
  rows: i32,
  columns: i32,
  xPtr: usize,
  ldx: i32,
  weightPtr: usize,
  outPtr: usize,
): void {
  for (let r = 0; r < rows; r++) {
    const scale = weightPtr ? load<f64>(weightPtr + ((<usize>r) << 3)) : 1.0;
    const row = xPtr + ((<usize>r * <usize>ldx) << 2);
    for (let j = 0; j < columns; j++) {
      const out = outPtr + ((<usize>j) << 3);
      store<f64>(out, load<f64>(out) + scale * <f64>load<f32>(row + ((<usize>j) << 2)));
    }
  }
}

/** C[i, j] = scale C[i, j] + alpha u[i] v[j], f64 [m, n]: from sums of products to centred moments. */
export function f64_scale_rank_one(
  m: i32,
  n: i32,
  scale: f64,
  alpha: f64,
  uPtr: usize,
  vPtr: usize,
  cPtr: usize,
): void {
  for (let i = 0; i < m; i++) {
    const u = alpha * load<f64>(uPtr + ((<usize>i) << 3));
    for (let j = 0; j < n; j++, cPtr += 8) {
      store<f64>(cPtr, scale * load<f64>(cPtr) + u * load<f64>(vPtr + ((<usize>j) << 3)));
    }
  }
}

/** y[i] += alpha x[i], f64. */
export function f64_add_scaled(n: i32, alpha: f64, xPtr: usize, yPtr: usize): void {
  axpy(n, alpha, xPtr, yPtr);
}

/** Copies the lower half of C [n, n] to its upper half. */
export function f64_mirror_lower(n: i32, cPtr: usize): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const lower = cPtr + ((<usize>i * <usize>n + <usize>j) << 3);
      store<f64>(cPtr + ((<usize>j * <usize>n + <usize>i) << 3), load<f64>(lower));
    }
  }
}
