/** Exports of assembly/statistics/edges.ts, as the host sees them. */
export interface EdgeKernels {
  f32_mark_beyond(M: number, N: number, zPtr: number, cut: number, bitsPtr: number): number;
  f64_mark_above(M: number, N: number, xPtr: number, cut: number, bitsPtr: number): number;
  f64_count_above(n: number, xPtr: number, cut: number): number;
  f32_difference_scores(
    n: number,
    wPtr: number,
    initialPtr: number,
    tolerance: number,
    size: number,
    zPtr: number,
  ): void;
  f32_sequence_squares(d: number, m: number, upPtr: number, downPtr: number, outPtr: number): void;
  mark_sequences(d: number, m: number, bitsPtr: number, upBitsPtr: number, downBitsPtr: number): void;
  f32_keep_marked(M: number, N: number, wPtr: number, bitsPtr: number, initialPtr: number): void;
  mark_degrees(M: number, N: number, bitsPtr: number, rowPtr: number, columnPtr: number): void;
  mark_targets(M: number, N: number, bitsPtr: number, base: number, nextPtr: number, targetsPtr: number): void;
  mark_overlap(n: number, aPtr: number, bPtr: number): number;
}
