/** Exports of assembly/statistics, as the host sees them. */
export interface StatisticsKernels {
  /** Five f64 at outPtr: sum, sum of squares, smallest, largest, count of elements that are not finite. */
  f32_moments(n: number, xPtr: number, outPtr: number): void;
}
