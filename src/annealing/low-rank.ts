/**
 * Low rank in a two-sided metric: W' of rank r that minimises || G^(1/2) (W - W') M^(1/2) ||, M what the inputs are, G
 * how much the outputs matter.
 */
import { type Affine, type Factors, type Moments, metricOf } from './least-squares.js';
import {
  addScaled,
  cholesky,
  type Eigen,
  eigenSymmetric,
  firstRows,
  type Matrix,
  multiply,
  solveLowerRight,
} from './matrix.js';
import { lowerOnly, transpose } from './matrix-parts.js';

/** The directions of a layer's output by how much they carry, and how to cut the layer to the first r of them. */
export interface LayerSpectrum {
  /** Squared singular values of G^(1/2) W M^(1/2), descending: what leaving a direction out adds to the error. */
  readonly values: Float64Array;
  /** Factors of the best approximation of rank r; the bias leaves no mean error. */
  cut(r: number): Factors;
  /** G^(1/2) W, [out, in]: the errors of its outputs all count alike. */
  readonly effects: Matrix;
}

/**
 * Singular value decomposition of A = R^T W L, G = R R^T, M = L L^T, through the eigenvectors of its smaller Gram matrix:
 *
 *     out <= in:  R^T W M W^T R = P S P^T,  W' = R^-T P_r (P_r^T R^T W)
 *     out >  in:  A^T A = Q S Q^T,          W' = R^-T (A Q_r) (Q_r^T L^-1)
 *
 * @param moments  of the inputs; null for M = I, when there are no data
 * @param outputs  G [out, out], positive definite; null for G = I
 * @complexity O(min(out, in)^3 + out in^2 + out^2 in)
 */
export function spectrumOf(affine: Affine, moments: Moments | null, outputs: Matrix | null = null): LayerSpectrum {
  const root = outputs && lowerOnly(cholesky(outputs));
  const weight = root ? multiply(root, affine.weight, true) : affine.weight;
  const { values, cut } = decompose(weight, moments && metricOf(moments));
  return {
    values,
    effects: weight,
    cut: (r) => {
      const { outer, inner } = cut(r);
      const back = root ? transpose(solveLowerRight(root, transpose(outer))) : outer;
      return { outer: back, inner, bias: moments ? shiftBias(affine, back, inner, moments) : affine.bias };
    },
  };
}

type Cut = Omit<Factors, 'bias'>;

function decompose(weight: Matrix, metric: Matrix | null): { values: Float64Array; cut: (r: number) => Cut } {
  if (weight.rows <= weight.columns) {
    const gram = multiply(metric ? multiply(weight, metric) : weight, weight, false, true);
    const { values, vectors } = eigenSymmetric(gram);
    return { values, cut: (r) => cutOutputs(weight, vectors, r) };
  }
  const factor = metric ? lowerOnly(cholesky(metric)) : null;
  const scaled = factor ? multiply(weight, factor) : weight;
  const eigen = eigenSymmetric(multiply(scaled, scaled, true, false));
  return { values: eigen.values, cut: (r) => cutInputs(scaled, factor, eigen, r) };
}

function cutOutputs(weight: Matrix, vectors: Matrix, r: number): Cut {
  const first = firstRows(vectors, r);
  return { outer: transpose(first), inner: multiply(first, weight) };
}

function cutInputs(scaled: Matrix, factor: Matrix | null, { vectors }: Eigen, r: number): Cut {
  const first = firstRows(vectors, r);
  const outer = multiply(scaled, first, false, true);
  return { outer, inner: factor ? solveLowerRight(factor, first) : first };
}

/** b + (W - W') mean(X). */
function shiftBias({ weight, bias }: Affine, outer: Matrix, inner: Matrix, { mean }: Moments) {
  const column = { rows: mean.length, columns: 1, data: mean };
  const [before, after] = [multiply(weight, column), multiply(outer, multiply(inner, column))];
  const { data } = addScaled(before, -1, after);
  return bias.map((b, i) => b + data[i]);
}
