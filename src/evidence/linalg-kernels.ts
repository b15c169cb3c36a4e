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
  f64_solve_lower_transposed_rows(n: number, lPtr: number, ldl: number, count: number, bPtr: number, ldb: number): void;
  /** -1, or the first row whose system is not positive definite. */
  f64_sparse_refit_rows(
    rows: number,
    n: number,
    cPtr: number,
    ridge: number,
    wPtr: number,
    rPtr: number,
    subsetPtr: number,
    scratchPtr: number,
  ): number;
  f64_scale_rank_one(
    m: number,
    n: number,
    scale: number,
    alpha: number,
    uPtr: number,
    vPtr: number,
    cPtr: number,
  ): void;
  f64_add_scaled(n: number, alpha: number, xPtr: number, yPtr: number): void;
  f64_mirror_lower(n: number, cPtr: number): void;
  /** 0, or 1 when an eigenvalue did not settle. */
  f64_eigen_symmetric(n: number, aPtr: number, valuesPtr: number, vectorsPtr: number, scratchPtr: number): number;
  f32_count_nonzero(rows: number, columns: number, wPtr: number, rowCountPtr: number, columnCountPtr: number): void;
  f64_eliminate_inputs(
    n: number,
    hPtr: number,
    k: number,
    bPtr: number,
    activePtr: number,
    orderPtr: number,
    costPtr: number,
  ): void;
  f64_eliminate_groups(
    n: number,
    size: number,
    hPtr: number,
    k: number,
    bPtr: number,
    activePtr: number,
    orderPtr: number,
    costPtr: number,
    scratchPtr: number,
  ): void;
  f32_window_rows(
    images: number,
    channels: number,
    height: number,
    width: number,
    kh: number,
    kw: number,
    strideH: number,
    strideW: number,
    dilationH: number,
    dilationW: number,
    padTop: number,
    padLeft: number,
    outWidth: number,
    perImage: number,
    placesPtr: number,
    xPtr: number,
    rowsPtr: number,
  ): void;
  f64_submatrix(
    rows: number,
    columns: number,
    aPtr: number,
    lda: number,
    rowIndexPtr: number,
    columnIndexPtr: number,
    outPtr: number,
  ): void;
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
  f32_unit_rows(rows: number, columns: number, unit: number, mean: number, outPtr: number): void;
  f32_answer_rows(rows: number, columns: number, key: number, scorePtr: number, outPtr: number): void;
  f32_sign_rows(rows: number, columns: number, key: number, mean: number, outPtr: number): void;
  f32_row_distances(rows: number, columns: number, aPtr: number, bPtr: number, outPtr: number): void;
  f32_adam_step(
    n: number,
    rate: number,
    b1: number,
    b2: number,
    c1: number,
    c2: number,
    keep: number,
    gPtr: number,
    wPtr: number,
    mPtr: number,
    vPtr: number,
    aPtr: number,
  ): void;
  f32_row_divergences(
    areProbabilities: number,
    rows: number,
    columns: number,
    aPtr: number,
    bPtr: number,
    outPtr: number,
  ): void;

  f32_scale_rows_columns(
    M: number,
    N: number,
    xPtr: number,
    rowPtr: number,
    columnPtr: number,
    yPtr: number,
    ldy: number,
  ): void;
  f32_transpose(M: number, N: number, xPtr: number, ldx: number, yPtr: number, ldy: number): void;
  /** C [M, M] f64 = A A^T, A [M, K] f32, lda a multiple of 4. */
  f32_gram(M: number, K: number, aPtr: number, lda: number, cPtr: number): void;

  /** Elements (f64) of scratch that f64_tridiagonalise takes. */
  tridiagonaliseScratch(n: number): number;
  f64_tridiagonalise(n: number, aPtr: number, dPtr: number, ePtr: number, scratchPtr: number): void;
  f64_form_basis(n: number, aPtr: number): void;
  f64_sturm_count(n: number, dPtr: number, ePtr: number, x: number): number;
  f64_tridiagonal_ql(n: number, dPtr: number, ePtr: number, vectorsPtr: number): number;

  f64_f32_project(
    R: number,
    M: number,
    N: number,
    uPtr: number,
    ldu: number,
    wPtr: number,
    ldw: number,
    outPtr: number,
  ): void;

  f64_tridiagonal_vectors(
    n: number,
    dPtr: number,
    ePtr: number,
    count: number,
    valuesPtr: number,
    vectorsPtr: number,
    scratchPtr: number,
  ): void;
  f64_choose_columns(
    n: number,
    m: number,
    sPtr: number,
    rPtr: number,
    count: number,
    chosenPtr: number,
    scratchPtr: number,
  ): number;
  f64_apply_reflectors(n: number, aPtr: number, count: number, vectorsPtr: number): void;
}
