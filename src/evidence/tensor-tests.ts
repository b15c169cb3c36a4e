/** All tests of one tensor under one law that need only its scores. */
import type { TensorData } from '../runtime/tensor.js';
import type { Block } from '../runtime/workspace.js';
import { analysisKernels } from './analysis.js';
import type { FamilyResult, TensorPictures } from './evidence.js';
import type { Law } from './laws.js';
import { chiSquareLogP, reject, rejectScores } from './multiple-testing.js';
import { type DrawOptions, drawPictures } from './pictures.js';
import { type Dither, score } from './scores.js';

export interface TensorTests {
  readonly ks: number;
  readonly ksPValue: number;
  readonly weights: FamilyResult;
  readonly rows: FamilyResult;
  readonly columns: FamilyResult;
  /** Sum of squared scores of each row, the chi-square statistics with `columns` degrees of freedom. */
  readonly rowSquares: TensorData<'float64'>;
  readonly columnSquares: TensorData<'float64'>;
  readonly pictures?: TensorPictures;
}

/** Kolmogorov-Smirnov of scores against the standard normal; the scores are undefined afterwards. */
export function kolmogorovSmirnov(
  scores: Block<'float32'>,
  scratch: Block<'float32'>,
): { readonly ks: number; readonly pValue: number } {
  const { kernels } = analysisKernels();
  const n = scores.length;
  const ks = kernels.f32_ks_distance_unsorted(n, scores.ptr, scratch.ptr);
  return { ks, pValue: Math.exp(kernels.f64_ks_log_p(n, ks)) };
}

/** Words of scratch that sorting needs beyond the elements. */
export const sortScratch = 2048;

/**
 * Tests the weights of a matrix (or a vector as one row) against a law that has scores.
 * Null hypothesis of every family: the weights are independent draws of the law.
 * @param weights  [rows, columns]; followed by {@link sortScratch} spare elements; undefined afterwards
 * @param level  false discovery rate within each family
 * @param draw  how to draw pictures; absent to draw none
 */
export function testTensor(
  weights: Block<'float32'>,
  rows: number,
  columns: number,
  law: Law,
  dither: Dither | null,
  level: number,
  draw?: DrawOptions,
): TensorTests {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const scores = workspace.allocate('float32', rows * columns);
    const rowSums = workspace.allocate('float64', rows);
    const columnSums = workspace.allocate('float64', columns);
    score(weights, law, dither, scores);
    kernels.f32_row_squares(rows, columns, scores.ptr, 0, rowSums.ptr);
    kernels.f32_column_squares(rows, columns, scores.ptr, 0, columnSums.ptr);
    const rowSquares = workspace.copyOut(rowSums);
    const columnSquares = workspace.copyOut(columnSums);
    const single = rejectScores(scores, level, weights);
    const rowLogP = chiSquareLogP(rowSquares, columns);
    const columnLogP = chiSquareLogP(columnSquares, rows);
    const pictures = draw && drawPictures({ scores, weights: single, rowLogP, columnLogP }, draw);
    const { ks, pValue } = kolmogorovSmirnov(scores, weights);
    return {
      ks,
      ksPValue: pValue,
      weights: single,
      rows: reject(rowLogP, level).family,
      columns: reject(columnLogP, level).family,
      ...(pictures && { pictures }),
      rowSquares,
      columnSquares,
    };
  });
}
