/** Exports of assembly/statistics, as the host sees them. */
export interface StatisticsKernels {
  /** Five f64 at outPtr: sum, sum of squares, smallest, largest, count of elements that are not finite. */
  f32_moments(n: number, xPtr: number, outPtr: number): void;
  /** Regularised incomplete beta function I_x(a, b). */
  f64_incomplete_beta(x: number, a: number, b: number): number;
  /** Ends of the one-sided Clopper-Pearson intervals for a proportion. */
  f64_binomial_upper(seen: number, n: number, confidence: number): number;
  f64_binomial_lower(seen: number, n: number, confidence: number): number;
}
