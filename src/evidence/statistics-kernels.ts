/** Exports of assembly/statistics, as the host sees them. */
export interface StatisticsKernels {
  /** Five f64 at outPtr: sum, sum of squares, smallest, largest, count of elements that are not finite. */
  f32_moments(n: number, xPtr: number, outPtr: number): void;
  /** Regularised incomplete beta function I_x(a, b). */
  f64_incomplete_beta(x: number, a: number, b: number): number;
  /** Ends of the one-sided Clopper-Pearson intervals for a proportion. */
  f64_binomial_upper(seen: number, n: number, confidence: number): number;
  f64_binomial_lower(seen: number, n: number, confidence: number): number;

  pitTableLength(): number;
  f64_pit_table(family: number, tablePtr: number): void;
  f32_pit(n: number, wPtr: number, family: number, scale: number, tablePtr: number, zPtr: number): void;
  f32_pit_dithered(
    n: number,
    wPtr: number,
    family: number,
    scale: number,
    step: number,
    key: bigint,
    first: bigint,
    uniformTablePtr: number,
    levelsPtr: number,
    most: number,
    zPtr: number,
  ): void;
  f32_count_beyond(n: number, zPtr: number, cut: number): number;
  f32_gather_beyond(n: number, zPtr: number, cut: number, outPtr: number): number;
  f32_count_other(n: number, wPtr: number, value: number): number;

  f32_row_squares(M: number, N: number, zPtr: number, weightsPtr: number, outPtr: number): void;
  f32_column_squares(M: number, N: number, zPtr: number, weightsPtr: number, outPtr: number): void;

  f32_mirror_outside(n: number, wPtr: number, edge: number, reach: number): void;

  f32_sort(n: number, xPtr: number, scratchPtr: number): void;
  f64_sort(n: number, xPtr: number): void;
  f32_ks_distance(n: number, zPtr: number): number;
  f32_ks_distance_unsorted(n: number, zPtr: number, scratchPtr: number): number;
  f64_ks_log_p(n: number, d: number): number;

  f64_chi_square_log_p(n: number, xPtr: number, df: number, tail: number, outPtr: number): void;
  f64_normal_log_tail(x: number): number;
  f64_normal_quantile(logP: number): number;
  /** @param method  0 Bonferroni, 1 Holm, 2 Benjamini-Hochberg, 3 Storey */
  f64_reject(n: number, logPPtr: number, scratchPtr: number, method: number, level: number, flagsPtr: number): number;

  /** Two f64 at outPtr: a and delta of a mean of n squares of mean 1. */
  f64_fit_power_gamma(n: number, variance: number, third: number, outPtr: number): void;
  /** @param sign  1 for the product of two mean squares, -1 for their ratio */
  f64_log_product_log_p(count: number, xPtr: number, fitPtr: number, sign: number, outPtr: number): void;

  f64_marchenko_pastur_cdf(beta: number, x: number): number;
  f64_marchenko_pastur_median(beta: number): number;

  f32_draw(n: number, family: number, scale: number, key: bigint, first: bigint, wPtr: number): void;
  f64_uniform(n: number, key: bigint, first: bigint, xPtr: number): void;

  f32_ratio_histogram(n: number, wPtr: number, initPtr: number, low: number, bins: number, countPtr: number): void;
  f32_mean_ratio(n: number, wPtr: number, initPtr: number, low: number, high: number): number;
  f32_count_touched(
    M: number,
    N: number,
    wPtr: number,
    initPtr: number,
    c: number,
    tolerance: number,
    rowPtr: number,
    columnPtr: number,
  ): number;

  f64_symmetrise(d: number, xPtr: number, sPtr: number): number;
  f64_squared_correlations(d: number, gPtr: number, xPtr: number): void;
  f64_affinity(d: number, xPtr: number, least: number, outPtr: number, degreesPtr: number): void;
  f64_two_mean_residual(d: number, sPtr: number, labelsPtr: number): number;
  f64_kmeans(
    n: number,
    dims: number,
    xPtr: number,
    stride: number,
    k: number,
    key: bigint,
    labelsPtr: number,
    scratchPtr: number,
  ): number;

  f64_lower_crossing(n: number, bPtr: number, scratchPtr: number): number;
  f64_ks_exact(n: number, d: number, scratchPtr: number): number;
  f64_quantile_ratio_scale(n: number, sortedPtr: number, df: number): number;
  f64_group_sigma(
    n: number,
    sortedPtr: number,
    size: number,
    variance: number,
    third: number,
    scratchPtr: number,
  ): number;

  f32_fisher_log_p(groups: number, size: number, zPtr: number, outPtr: number): void;
  f32_max_log_p(groups: number, size: number, zPtr: number, outPtr: number): void;
  f32_mean_log_p(groups: number, size: number, zPtr: number, outPtr: number): void;
  f32_higher_criticism_log_p(groups: number, size: number, zPtr: number, scratchPtr: number, outPtr: number): void;
  f32_group_ks_log_p(groups: number, size: number, zPtr: number, scratchPtr: number, outPtr: number): void;
  f32_anderson_darling(groups: number, size: number, zPtr: number, scratchPtr: number, outPtr: number): void;
  f64_simulated_log_p(n: number, xPtr: number, count: number, nullPtr: number, outPtr: number): void;

  f32_path_scores(
    rows: number,
    m: number,
    columns: number,
    bPtr: number,
    aPtr: number,
    factor: number,
    scratchPtr: number,
    zPtr: number,
  ): void;

  f32_p_value_histogram(n: number, zPtr: number, bins: number, cutsPtr: number, countPtr: number): void;
  f32_support_components(
    M: number,
    N: number,
    zPtr: number,
    cut: number,
    componentPtr: number,
    degreePtr: number,
  ): void;
  f32_count_cells(
    M: number,
    N: number,
    zPtr: number,
    cut: number,
    rowCellPtr: number,
    columnCellPtr: number,
    width: number,
    countPtr: number,
  ): void;
}
