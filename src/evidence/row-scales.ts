/** Whether every row follows the law's shape at a scale of its own, as a BatchNorm folded into the weights leaves it. */
import type { Block } from '../runtime/workspace.js';
import { analysisKernels } from './analysis.js';
import { type Law, parseLaw } from './laws.js';
import { score } from './scores.js';
import { kolmogorovSmirnov, sortScratch } from './tensor-tests.js';
import { allowedDistance, kurtosis } from './verdict.js';

/** Weights under which a shape cannot be told from another. */
const fewestWeights = 2000;
/** Distance from the law's shape that rows at their own scale may have; and its largest share of the plain distance. */
const largestDistance = 0.03;
const largestShare = 0.35;
/** Spread of the rows' scales over what sampling explains. */
const leastSpread = 5;

/** Standard deviation of ln(row scale) over its sampling error; rows of zeros are left out. */
function excessSpread(squares: Float64Array, columns: number, law: Law): number {
  const logs = [...squares].filter((sum) => sum > 0).map((sum) => 0.5 * Math.log(sum / columns));
  const mean = logs.reduce((sum, value) => sum + value, 0) / Math.max(1, logs.length);
  const variance = logs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, logs.length - 1);
  return Math.sqrt(variance / (((kurtosis[law.family] ?? 3) - 1) / (4 * columns)));
}

/**
 * KS distance from the law's shape after every row is brought to the law's scale; 1 where the rows' scales agree.
 * @param scaled  room for the rows at their new scales; may be the weights' own
 */
function distanceByRows(
  weights: Block<'float32'>,
  rows: number,
  columns: number,
  law: Law,
  scaled: Block<'float32'>,
): number {
  const count = rows * columns;
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const factors = workspace.allocate('float64', rows);
    kernels.f32_row_squares(rows, columns, weights.ptr, 0, factors.ptr);
    if (excessSpread(workspace.view(factors), columns, law) < leastSpread) return 1;
    const scratch = workspace.allocate('float32', count + sortScratch);
    const view = workspace.view(factors);
    for (const [i, sum] of view.entries()) view[i] = sum > 0 ? law.std / Math.sqrt(sum / columns) : 0;
    kernels.f32_scale_rows_columns(rows, columns, weights.ptr, factors.ptr, 0, scaled.ptr, columns);
    score(scaled, law, null, scaled);
    return kolmogorovSmirnov(scaled, scratch).ks;
  });
}

/** Whether there are weights enough, far enough from the law, to ask about the scales of rows. */
export function asksForRowScales(rows: number, columns: number, ks: number): boolean {
  return rows * columns >= fewestWeights && rows >= 4 && ks > allowedDistance(rows * columns);
}

/**
 * Tells weights whose rows were rescaled from weights that moved.
 * @param weights  [rows, columns], f32; undefined afterwards
 * @param law  the null, one that has scores
 * @param ks  distance of the weights as they are from the law
 */
export function hasRowScales(weights: Block<'float32'>, rows: number, columns: number, law: Law, ks: number): boolean {
  if (!asksForRowScales(rows, columns, ks)) return false;
  const distance = distanceByRows(weights, rows, columns, law, weights);
  return distance <= largestDistance && distance <= largestShare * ks;
}

/** The shapes that known laws have, at unit scale. */
const shapes = ['normal:1', 'uniform:1', 'truncated-normal:1'].map((name) =>
  parseLaw(name).weight({ fanIn: 1, fanOut: 1 }),
);

/**
 * The family that every row follows at a scale of its own, for weights of unknown law: asked more strictly, since rows
 * that moved look normal too.
 * @param ks  distance of the weights as they are from the nearest known law
 */
export function familyByRows(
  weights: Block<'float32'>,
  rows: number,
  columns: number,
  ks: number,
): Law['family'] | null {
  if (!asksForRowScales(rows, columns, ks)) return null;
  const limit = Math.min(largestShare * ks, Math.max(0.01, 1.2 / Math.sqrt(rows * columns)));
  const { workspace } = analysisKernels();
  return workspace.scope(() => {
    const scaled = workspace.allocate('float32', rows * columns);
    return shapes.find((law) => distanceByRows(weights, rows, columns, law, scaled) <= limit)?.family ?? null;
  });
}
