/** Exports of assembly/linalg, as the host sees them. Sizes and strides in elements. */
export interface LinalgKernels {
  f64_pack_panels_f32(
    rows: number,
    columns: number,
    srcPtr: number,
    rowStride: number,
    columnStride: number,
    weightPtr: number,
    panelPtr: number,
  ): void;
  f64_pack_panels(
    rows: number,
    columns: number,
    srcPtr: number,
    rowStride: number,
    columnStride: number,
    panelPtr: number,
  ): void;
  f64_panel_product_4x4(
    depth: number,
    aColumns: number,
    aPtr: number,
    bColumns: number,
    bPtr: number,
    cPtr: number,
    ldc: number,
    lowerOnly: number,
  ): void;
  f64_column_sums_f32(
    rows: number,
    columns: number,
    xPtr: number,
    ldx: number,
    weightPtr: number,
    outPtr: number,
  ): void;
  /** -1, or the row whose pivot is not positive. */
  f64_cholesky(n: number, aPtr: number, lda: number): number;
  f64_cholesky_solve_rows(n: number, lPtr: number, ldl: number, count: number, bPtr: number, ldb: number): void;
  f64_subset_solve(
    aPtr: number,
    lda: number,
    ridge: number,
    count: number,
    subsetPtr: number,
    bPtr: number,
    scratchPtr: number,
    xPtr: number,
  ): number;
  /** 0, or 1 when an eigenvalue did not settle. */
  f64_eigen_symmetric(n: number, aPtr: number, valuesPtr: number, vectorsPtr: number, scratchPtr: number): number;
  f32_count_nonzero(rows: number, columns: number, wPtr: number, rowCountPtr: number, columnCountPtr: number): void;
  f32_submatrix(
    rows: number,
    columns: number,
    wPtr: number,
    ldw: number,
    rowIndexPtr: number,
    columnIndexPtr: number,
    outPtr: number,
  ): void;
  f32_unite_nonzero(
    rows: number,
    columns: number,
    wPtr: number,
    rowBase: number,
    columnBase: number,
    parentPtr: number,
  ): void;
  f32_argmax_rows(rows: number, columns: number, xPtr: number, outPtr: number): void;
  f32_row_distances(rows: number, columns: number, aPtr: number, bPtr: number, outPtr: number): void;
}
