/**
 * Least-squares compensation: what is left of a layer is refitted so that its outputs stay those of the original, on the
 * inputs that the changed network gives it.
 *
 * X [n, in] inputs of the changed network, Y [n, out] the original's outputs before the activation. With means taken out
 * (which is the constant input, undamped):  C = Xc^T Xc / n,  D = Yc^T Xc / n,  M = C + lambda I, and
 *
 *     W = W0 + (D - W0 C) M^-1,    b = mean(Y) - W mean(X)
 *
 * minimises the squared error plus lambda ||W - W0||^2. lambda = .02 trace(X^T X / n) / n: the fewer rows an
 * input has, the less they are believed.
 */
import { analysisKernels } from '../evidence/analysis.js';
import {
  addDiagonal,
  addScaled,
  columnMeans,
  crossProducts,
  type Matrix,
  multiply,
  notPositive,
  type Samples,
  scaleRankOne,
  solveSymmetric,
  type Vector,
} from './matrix.js';
import { allOf, partOf } from './submatrix.js';

/**
 * Share of the mean squared input that damps the fit where there is a row for each input. Twice as many rows take half of
 * it: a damping that does not fall differs on half as many answers more where domains have few units (1.6 against 1.1 %).
 */
const damping = 0.02;

/** Second moments of a layer's inputs. */
export interface Moments {
  readonly mean: Vector;
  /** C, [in, in]. */
  readonly covariance: Matrix;
  readonly ridge: number;
  /** How many rows they come from. */
  readonly rows: number;
}

/** A linear layer: y = weight x + bias. */
export interface Affine {
  /** [out, in]. */
  readonly weight: Matrix;
  readonly bias: Vector;
}

/** weight = outer inner, [out, r] [r, in]. */
export interface Factors {
  readonly outer: Matrix;
  readonly inner: Matrix;
  readonly bias: Vector;
}

export function momentsOf(x: Samples): Moments {
  const mean = columnMeans(x);
  const covariance = scaleRankOne(crossProducts(x), 1 / x.rows, -1, mean, mean);
  return { mean, covariance, ridge: ridgeOf(mean, covariance, x.rows), rows: x.rows };
}

/** The moments of the inputs at `kept` alone. */
export function momentsAt({ mean, covariance, rows }: Moments, kept: Int32Array<ArrayBuffer>): Moments {
  const [part, means] = [partOf(covariance, kept, kept), Float64Array.from(kept, (j) => mean[j])];
  return { mean: means, covariance: part, ridge: ridgeOf(means, part, rows), rows };
}

/** Where all inputs are zero: a metric of which squares and their products are normal numbers still. */
const leastRidge = 1e-100;

function ridgeOf(mean: Vector, { columns, data }: Matrix, rows: number): number {
  let trace = 0;
  for (let j = 0; j < columns; j++) trace += data[j * columns + j] + mean[j] * mean[j];
  return Math.max((damping / rows) * trace, leastRidge);
}

/** M = C + lambda I. */
export const metricOf = ({ covariance, ridge }: Moments): Matrix => addDiagonal(covariance, ridge);

/** D - W0 C: how the errors of W0 go with the inputs. */
function residual(weight: Matrix, moments: Moments, x: Samples, y: Samples, yMean: Vector): Matrix {
  const cross = scaleRankOne(crossProducts(x, y), 1 / x.rows, -1, yMean, moments.mean);
  return addScaled(cross, -1, multiply(weight, moments.covariance));
}

/** mean(Y) - W mean(X): the bias that leaves no mean error. */
function biasOf(weight: Matrix, moments: Moments, yMean: Vector): Vector {
  const shift = multiply(weight, { rows: moments.mean.length, columns: 1, data: moments.mean });
  return yMean.map((mean, i) => mean - shift.data[i]);
}

/**
 * Refits every weight of a layer.
 * @param start  W0, [out, in]: the weights that the damping pulls towards
 * @param x  inputs that the layer will see, [n, in]
 * @param y  the original's outputs before the activation, [n, out]
 * @throws DATA_INVALID when the inputs are not finite
 */
export function refit(start: Matrix, moments: Moments, x: Samples, y: Samples): Affine {
  const yMean = columnMeans(y);
  const error = residual(start, moments, x, y, yMean);
  const weight = addScaled(start, 1, solveSymmetric(metricOf(moments), error));
  return { weight, bias: biasOf(weight, moments, yMean) };
}

/**
 * {@link refit} for a layer that keeps some of its own inputs: y = target x holds exactly, so that the samples are not
 * needed again: D = W C.
 * @param start  W0, [out, kept.length]
 * @param target  the layer with all its inputs
 * @param whole  moments of all its inputs
 */
export function refitOnPart(
  start: Matrix,
  target: Affine,
  whole: Moments,
  kept: Int32Array<ArrayBuffer>,
): { readonly affine: Affine; readonly moments: Moments } {
  const moments = momentsAt(whole, kept);
  const cross = multiply(target.weight, partOf(whole.covariance, allOf(whole.mean.length), kept));
  const error = addScaled(cross, -1, multiply(start, moments.covariance));
  const weight = addScaled(start, 1, solveSymmetric(metricOf(moments), error));
  // mean(Y) is what the target makes of the mean input.
  const yMean = biasOf(target.weight, whole, new Float64Array(target.bias.length)).map(
    (shift, i) => target.bias[i] - shift,
  );
  return { affine: { weight, bias: biasOf(weight, moments, yMean) }, moments };
}

/**
 * Refits the non-zero weights of a sparse layer, each row on its own columns; zeros stay zeros.
 * @param start  W0 with zeros where weights were removed, [out, in]
 */
export function refitSparse(start: Matrix, moments: Moments, x: Samples, y: Samples): Affine {
  const yMean = columnMeans(y);
  const error = residual(start, moments, x, y, yMean);
  const { kernels, workspace } = analysisKernels();
  const { rows, columns: n } = start;
  const weight = workspace.scope(() => {
    const c = workspace.copyIn('float64', moments.covariance.data);
    const w = workspace.copyIn('float64', start.data);
    const r = workspace.copyIn('float64', error.data);
    const subset = workspace.allocate('int32', n);
    const scratch = workspace.allocate('float64', n * n);
    const failed = kernels.f64_sparse_refit_rows(rows, n, c.ptr, moments.ridge, w.ptr, r.ptr, subset.ptr, scratch.ptr);
    if (failed >= 0) throw notPositive(failed, n);
    return { rows, columns: n, data: workspace.copyOut(w) };
  });
  return { weight, bias: biasOf(weight, moments, yMean) };
}
