/** Whether every row follows the law's shape at a scale of its own, as a BatchNorm folded into the weights leaves it. */
import type { TensorData } from '../runtime/tensor.js';
import type { Block } from '../runtime/workspace.js';
import { analysisKernels } from './analysis.js';
import { biwhiten } from './biwhiten.js';
import { type Law, parseLaw } from './laws.js';
import { score } from './scores.js';
import type { TensorInput } from './tensor-input.js';
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
 * KS distance from the law's shape after row i is multiplied by a factor made of its sum of squares.
 * @param scaled  room for the rows at their new scales; may be the weights' own
 */
function distanceScaled(
  weights: Block<'float32'>,
  rows: number,
  columns: number,
  law: Law,
  factors: Block<'float64'>,
  scaled: Block<'float32'>,
): number {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const scratch = workspace.allocate('float32', rows * columns + sortScratch);
    kernels.f32_scale_rows_columns(rows, columns, weights.ptr, factors.ptr, 0, scaled.ptr, columns);
    score(scaled, law, null, scaled);
    return kolmogorovSmirnov(scaled, scratch).ks;
  });
}

/** Factors that bring each row to the law's scale; 0 for rows of zeros. */
function rowFactors(squares: TensorData<'float64'>, columns: number, law: Law): TensorData<'float64'> {
  return squares.map((sum) => (sum > 0 ? law.std / Math.sqrt(sum / columns) : 0)) as TensorData<'float64'>;
}

function rowSquares(weights: Block<'float32'>, rows: number, columns: number): TensorData<'float64'> {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const sums = workspace.allocate('float64', rows);
    kernels.f32_row_squares(rows, columns, weights.ptr, 0, sums.ptr);
    return workspace.copyOut(sums);
  });
}

/** Distance after every row is brought to the law's scale; 1 where the rows' scales agree. `scaled` as above. */
function distanceByRows(
  weights: Block<'float32'>,
  rows: number,
  columns: number,
  law: Law,
  scaled: Block<'float32'>,
): number {
  const { workspace } = analysisKernels();
  const squares = rowSquares(weights, rows, columns);
  if (excessSpread(squares, columns, law) < leastSpread) return 1;
  return workspace.scope(() => {
    const factors = workspace.copyIn('float64', rowFactors(squares, columns, law));
    return distanceScaled(weights, rows, columns, law, factors, scaled);
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

/** Whether every row has the law's shape once it is brought to the law's scale. The weights are undefined afterwards. */
export function hasRowShape(weights: Block<'float32'>, rows: number, columns: number, law: Law): boolean {
  const { workspace } = analysisKernels();
  const squares = rowSquares(weights, rows, columns);
  return workspace.scope(() => {
    const factors = workspace.copyIn('float64', rowFactors(squares, columns, law));
    return distanceScaled(weights, rows, columns, law, factors, weights) <= largestDistance;
  });
}

/** The shapes that known laws have, at unit scale. */
export const familyShapes = ['normal:1', 'uniform:1', 'truncated-normal:1'].map((name) =>
  parseLaw(name).weight({ fanIn: 1, fanOut: 1 }),
);

/**
 * Whether every row has the law's shape at a scale of its own, when the rows as a whole do not.
 * @param input  incoming weights of hidden units, balanced
 * @param logs  ln of each unit's scale against the others: what balancing could not take away
 * @param areColumnsScaled  whether the units that feed it have scales of their own too, which its columns then carry
 */
export function hasUnitScales(
  input: TensorInput,
  law: Law,
  logs: ArrayLike<number>,
  areColumnsScaled: boolean,
): boolean {
  const { rows, columns } = input;
  const { workspace } = analysisKernels();
  return workspace.scope(() => {
    const values = workspace.copyIn('float32', input.values);
    const weights = areColumnsScaled ? biwhiten(values, rows, columns).block : values;
    const scaled = workspace.allocate('float32', weights.length);
    const own = rowFactors(rowSquares(weights, rows, columns), columns, law);
    const factors = workspace.copyIn('float64', own);
    const shape = distanceScaled(weights, rows, columns, law, factors, scaled);
    workspace.view(factors).set(own.map((factor, i) => (factor > 0 ? factor * Math.exp(logs[i]) : 0)));
    const whole = distanceScaled(weights, rows, columns, law, factors, scaled);
    return asksForRowScales(rows, columns, whole) && shape <= largestDistance && shape <= largestShare * whole;
  });
}

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
    return familyShapes.find((law) => distanceByRows(weights, rows, columns, law, scaled) <= limit)?.family ?? null;
  });
}
