/** Singular values of a weight matrix against the Marchenko-Pastur law of pure noise. */
import { KerfError } from '../runtime/errors.js';
import type { Block } from '../runtime/workspace.js';
import { analysisKernels } from './analysis.js';
import type { SpectrumResult } from './evidence.js';

/** Quantile .99 of the Tracy-Widom law (real case): the chance that pure noise shows one direction is about 1 %. */
const tracyWidom99 = 2.0234;
const lanes = 4;

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

/** Copies a matrix [rows, columns] with its longer side along the rows of the copy. */
function makeWide(source: Block<'float32'>, rows: number, columns: number): Wide {
  const { kernels, workspace } = analysisKernels();
  const [m, n] = rows <= columns ? [rows, columns] : [columns, rows];
  const stride = padded(n);
  const block = workspace.allocate('float32', m * stride);
  if (rows <= columns) {
    kernels.f32_scale_rows_columns(rows, columns, source.ptr, 0, 0, block.ptr, stride);
  } else {
    workspace.view(block).fill(0);
    kernels.f32_transpose(rows, columns, source.ptr, columns, block.ptr, stride);
  }
  return { block, m, n, stride };
}

/** Singular values, descending: Gram matrix, Householder, QL. Values below about 3e-4 of the largest are rounding. */
export function singularValues(source: Block<'float32'>, rows: number, columns: number): Float64Array {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const { block, m, n, stride } = makeWide(source, rows, columns);
    const gram = workspace.allocate('float64', m * m);
    const diagonal = workspace.allocate('float64', m);
    const off = workspace.allocate('float64', m);
    const scratch = workspace.allocate('float64', 2 * m);
    kernels.f32_gram(m, n, block.ptr, stride, gram.ptr);
    kernels.f64_tridiagonalise(m, gram.ptr, diagonal.ptr, off.ptr, scratch.ptr);
    if (kernels.f64_tridiagonal_ql(m, diagonal.ptr, off.ptr, 0) === 0) {
      throw new KerfError('INTERNAL', 'singular values', `an eigenvalue of a ${m} x ${m} matrix did not settle.`);
    }
    const values = workspace.copyOut(diagonal);
    for (let i = 0; i < m; i++) values[i] = Math.sqrt(Math.max(0, values[i]));
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
export const largestSpikeShare = 0.4;

/**
 * Counts the directions that noise of the given scale cannot explain.
 * Null hypothesis: entries are independent with mean 0 and variance sigma^2. Alternative: a larger singular value.
 * A direction is supported iff s^2 > sigma^2 (mu + q sc) (Johnstone's centring, Tracy-Widom); asymptotic.
 * @param weights  [rows, columns], f32
 * @param sigma  the law's scale; null to refit it from the bulk
 */
export function measureSpectrum(
  weights: Block<'float32'>,
  rows: number,
  columns: number,
  sigma: number | null,
): SpectrumResult {
  const m = Math.min(rows, columns);
  const n = Math.max(rows, columns);
  const values = singularValues(weights, rows, columns);
  const scale = sigma ?? bulkSigma(values, m, n);
  const threshold = noiseEdge(m, n, scale);
  let supported = 0;
  while (supported < m && values[supported] > threshold) supported++;
  return { supported, rank: m, sigma: scale, refitted: sigma === null, threshold, values };
}
