/** Singular values of a weight matrix against the Marchenko-Pastur law of pure noise. */
import { KerfError } from '../runtime/errors.js';
import type { TensorData } from '../runtime/tensor.js';
import type { Block } from '../runtime/workspace.js';
import { analysisKernels } from './analysis.js';
import { biwhiten } from './biwhiten.js';
import type { SpectrumResult } from './evidence.js';
import { type LawFamily, squareMoments } from './laws.js';

/** Quantile .99 of the Tracy-Widom law (real case): the chance that pure noise shows one direction is about 1 %. */
const tracyWidom99 = 2.0234;
const lanes = 4;
/** Directions from which their median tells the scale of the noise. */
export const smallestBulk = 16;

/** A block holding an f32 matrix with at least as many columns as rows, rows padded with zeros. */
interface Wide {
  readonly block: Block<'float32'>;
  /** Rows: the shorter side. */
  readonly m: number;
  /** Columns: the longer side. */
  readonly n: number;
  /** Elements per row. */
  readonly stride: number;
}

function padded(n: number): number {
  return Math.ceil(n / lanes) * lanes;
}

/** A matrix [rows, columns] with its longer side along the rows: itself where it is so already, else a copy. */
function makeWide(source: Block<'float32'>, rows: number, columns: number): Wide {
  const { kernels, workspace } = analysisKernels();
  const [m, n] = rows <= columns ? [rows, columns] : [columns, rows];
  const stride = padded(n);
  if (rows <= columns && stride === n) return { block: source, m, n, stride };
  const block = workspace.allocate('float32', m * stride);
  if (rows <= columns) {
    kernels.f32_scale_rows_columns(rows, columns, source.ptr, 0, 0, block.ptr, stride);
  } else {
    workspace.view(block).fill(0);
    kernels.f32_transpose(rows, columns, source.ptr, columns, block.ptr, stride);
  }
  return { block, m, n, stride };
}

/** Largest exponent, either way, of weights whose squares add up in float32 without overflow or loss. */
const widestExponent = 40;

/**
 * The matrix with its largest weight near 1, and the power of two that it was divided by: itself and 1 unless its squares
 * would leave the range of float32.
 */
function intoRange(source: Block<'float32'>): readonly [block: Block<'float32'>, scale: number] {
  const { workspace } = analysisKernels();
  const largest = workspace.view(source).reduce((most, weight) => Math.max(most, Math.abs(weight)), 0);
  const exponent = largest > 0 ? Math.floor(Math.log2(largest)) : 0;
  if (Math.abs(exponent) <= widestExponent) return [source, 1];
  const block = workspace.allocate('float32', source.length);
  const scale = 2 ** exponent;
  workspace.view(block).set(workspace.view(source).map((weight) => weight / scale));
  return [block, scale];
}

/** Singular values, descending: Gram matrix, Householder, QL. Values below about 3e-4 of the largest are rounding. */
export function singularValues(source: Block<'float32'>, rows: number, columns: number): TensorData<'float64'> {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const [near, scale] = intoRange(source);
    const { block, m, n, stride } = makeWide(near, rows, columns);
    const gram = workspace.allocate('float64', m * m);
    const diagonal = workspace.allocate('float64', m);
    const off = workspace.allocate('float64', m);
    const scratch = workspace.allocate('float64', kernels.tridiagonaliseScratch(m));
    kernels.f32_gram(m, n, block.ptr, stride, gram.ptr);
    kernels.f64_tridiagonalise(m, gram.ptr, diagonal.ptr, off.ptr, scratch.ptr);
    if (kernels.f64_tridiagonal_ql(m, diagonal.ptr, off.ptr, 0) === 0) {
      throw new KerfError('INTERNAL', 'singular values', `an eigenvalue of a ${m} x ${m} matrix did not settle.`);
    }
    const values = workspace.copyOut(diagonal);
    for (let i = 0; i < m; i++) values[i] = Math.sqrt(Math.max(0, values[i])) * scale;
    return values.sort().reverse();
  });
}

/** Singular value above which noise of scale `sigma` in an m x n matrix, m <= n, does not reach (level .01). */
export function noiseEdge(m: number, n: number, sigma: number): number {
  const a = Math.sqrt(Math.max(0, m - 1));
  const b = Math.sqrt(n);
  const mean = (a + b) ** 2;
  const scale = a > 0 ? (a + b) * Math.cbrt(1 / a + 1 / b) : 0;
  return sigma * Math.sqrt(mean + tracyWidom99 * scale);
}

/** sigma of the noise from the median singular value, which the supported directions hardly move. */
export function bulkSigma(values: Float64Array, m: number, n: number): number {
  const middle = m % 2 === 1 ? values[(m - 1) / 2] : (values[m / 2 - 1] + values[m / 2]) / 2;
  return middle / Math.sqrt(n * analysisKernels().kernels.f64_marchenko_pastur_median(m / n));
}

/** Above this share of supported directions the median is no longer noise, and the refitted sigma means nothing. */
const largestSpikeShare = 0.4;
/** A bulk whose scale is this near to the law's is taken for the law's own noise. */
const sameScale = 0.05;

/** How many of the descending values lie above a threshold. */
function countAbove(values: Float64Array, threshold: number): number {
  let count = 0;
  while (count < values.length && values[count] > threshold) count++;
  return count;
}

/** The count of directions for one set of values and one sigma. */
function judge(values: TensorData<'float64'>, m: number, n: number, sigma: number, rank: number): SpectrumResult {
  const threshold = noiseEdge(m, n, sigma);
  const supported = countAbove(values, threshold);
  return { supported, rank, sigma, refitted: false, threshold, longerSide: n, values };
}

/** Weights in a group of the second estimate, and fewest groups for it: from 4,000 on noise stays within 8 %. */
const groupSize = 8;
const fewestGroups = 4000;

/** sigma from the quantile ratio of groups of weights along the rows; NaN for too few. */
function groupSigma(weights: Block<'float32'>, family: LawFamily): number {
  const { kernels, workspace } = analysisKernels();
  const groups = Math.floor(weights.length / groupSize);
  const moments = squareMoments[family];
  if (groups < fewestGroups || !moments) return Number.NaN;
  return workspace.scope(() => {
    const sums = workspace.allocate('float64', groups);
    const scratch = workspace.allocate('float64', 2);
    kernels.f32_row_squares(groups, groupSize, weights.ptr, 0, sums.ptr);
    kernels.f64_sort(groups, sums.ptr);
    return kernels.f64_group_sigma(groups, sums.ptr, groupSize, ...moments, scratch.ptr);
  });
}

/**
 * The count with sigma from the bulk of the biwhitened matrix; null when too many directions stand above it.
 * The estimate is biased up by the directions themselves (1.13 times at 20 % of them); `sigmaIterated` is the estimate
 * after those found are dropped.
 */
function refit(weights: Block<'float32'>, rows: number, columns: number, family: LawFamily): SpectrumResult | null {
  const { workspace } = analysisKernels();
  return workspace.scope(() => {
    const white = biwhiten(weights, rows, columns);
    const m = Math.min(white.rows, white.columns);
    const n = Math.max(white.rows, white.columns);
    if (m < 2) return null;
    const values = singularValues(white.block, rows, columns).slice(0, m);
    const result = judge(values, m, n, bulkSigma(values, m, n), Math.min(rows, columns));
    const { supported } = result;
    if (supported > largestSpikeShare * m) return null;
    const sigmaIterated = bulkSigma(values.slice(supported), m - supported, n - supported);
    return { ...result, refitted: true, sigmaIterated, sigmaByGroups: groupSigma(white.block, family) };
  });
}

/**
 * Counts the directions that noise cannot explain.
 * Null hypothesis: entries are independent with mean 0 and variance sigma^2. Alternative: a larger singular value.
 * A direction is supported iff s^2 > sigma^2 (mu + q sc) (Johnstone's centring, Tracy-Widom .99); asymptotic, false
 * rate .0075 to .0105 from 32 rows on. Where the values under the threshold show another scale than the law's (decay,
 * large moves), rows and columns are biwhitened and sigma is refitted from the median singular value, unless over 40 %
 * would be supported.
 * @param weights  [rows, columns], f32
 * @param sigma  the law's scale; null when it is not known
 * @param family  the law's family, for the second estimate of a refitted scale
 * @returns the values that were counted: of the biwhitened matrix when `refitted`
 */
export function measureSpectrum(
  weights: Block<'float32'>,
  rows: number,
  columns: number,
  sigma: number | null,
  family: LawFamily = 'normal',
): SpectrumResult {
  const m = Math.min(rows, columns);
  const n = Math.max(rows, columns);
  const values = singularValues(weights, rows, columns);
  if (sigma === null) return refit(weights, rows, columns, family) ?? judge(values, m, n, bulkSigma(values, m, n), m);
  const byLaw = judge(values, m, n, sigma, m);
  if (m < smallestBulk) return byLaw;
  const rest = bulkSigma(values.slice(byLaw.supported), m - byLaw.supported, n - byLaw.supported);
  const isLawsNoise = byLaw.supported <= largestSpikeShare * m && Math.abs(rest / sigma - 1) <= sameScale;
  return isLawsNoise ? byLaw : (refit(weights, rows, columns, family) ?? byLaw);
}

/**
 * Values that pure noise puts into each bin: m times the mass of the Marchenko-Pastur law, asymptotic.
 * @param edges  ascending singular values, bins + 1
 * @param result  gives m (its values), n and sigma
 */
export function noiseCounts(edges: readonly number[], { values, longerSide, sigma }: SpectrumResult): number[] {
  const { kernels } = analysisKernels();
  const beta = values.length / longerSide;
  const below = edges.map((s) => kernels.f64_marchenko_pastur_cdf(beta, (s / sigma) ** 2 / longerSide));
  return below.slice(1).map((mass, i) => values.length * (mass - below[i]));
}
