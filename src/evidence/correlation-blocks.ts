/**
 * Domains: vectors that correlate within groups and not across, however unequal they are. A two-mean model of the blocks
 * would look for groups of equal correlation; here each vector counts by where it points.
 */
import type { TensorData } from '../runtime/tensor.js';
import type { Block } from '../runtime/workspace.js';
import { analysisKernels } from './analysis.js';
import { type BlockStructure, coordinates, renumber, strengthOf } from './blocks.js';
import { leadingEigenvectors } from './eigen.js';
import { cluster } from './k-means.js';

/** Largest number of domains. */
const largestK = 32;

/** Starts of k-means. */
const starts = 20;

/** Squared correlations of noise have mean 1 / samples; up to two standard errors of a correlation count as none. */
const noiseMeans = 4;

/**
 * Smallest gap between eigenvalues that speaks for a level of domains, and how many times as wide as any other it is.
 * Neighbourhoods without borders have many gaps alike: pixels and the weights of digits nets the widest of .06, chains
 * and grids of 10 to 20 neighbourhoods .05 to .16, at most 1.43 times the next. Trained nets of eight domains have .12
 * to .49, at least 1.79 times the next.
 */
const smallestGap = 0.07;
const timesNext = 1.5;

/** How many times as many groups the finer of two levels has: domains, and classes within them. */
const finer = 2;

/** k and the eigenvectors behind it, one a row. */
interface Level {
  readonly k: number;
  readonly vectors: TensorData<'float64'>;
}

/**
 * The coarsest level of groups that the eigenvalues of D^-1/2 A D^-1/2 show: one gap that stands out, or two. Of two
 * that are no levels of one another, k = 7 beside 8, the wider one counts. Null where none stands out.
 */
function coarsestLevel(affinity: Block<'float64'>, d: number): Level | null {
  const most = Math.min(largestK, d >> 1);
  const { values, vectors } = leadingEigenvectors(affinity, d, most);
  const gaps = Array.from({ length: most - 1 }, (_, i) => ({ k: i + 2, gap: values[i + 1] - values[i + 2] }));
  gaps.sort((a, b) => b.gap - a.gap);
  const count = [1, 2].findLast(
    (n) => n < gaps.length && gaps[n - 1].gap >= Math.max(smallestGap, timesNext * gaps[n].gap),
  );
  if (!count) return null;
  const [widest, second] = gaps;
  const isCoarser = count === 2 && finer * second.k <= widest.k;
  return { k: isCoarser ? second.k : widest.k, vectors };
}

/** Rows of [nodes, columns] made as long as 1; rows of zeros stay. */
function toUnitRows(points: TensorData<'float64'>, columns: number): void {
  for (let first = 0; first < points.length; first += columns) {
    const row = points.subarray(first, first + columns);
    const length = Math.hypot(...row);
    if (length > 0) for (let j = 0; j < columns; j++) row[j] /= length;
  }
}

/** Vectors that hardly correlate with any belong where they correlate most, on average. */
function placeLoose(squares: TensorData<'float64'>, labels: TensorData<'int32'>, k: number, isLoose: Uint8Array): void {
  const d = labels.length;
  const sizes = new Float64Array(k);
  for (let i = 0; i < d; i++) if (!isLoose[i]) sizes[labels[i]]++;
  for (let i = 0; i < d; i++) {
    if (!isLoose[i]) continue;
    const sums = new Float64Array(k);
    for (let j = 0; j < d; j++) if (!isLoose[j]) sums[labels[j]] += squares[i * d + j];
    const means = sums.map((sum, p) => (sizes[p] > 0 ? sum / sizes[p] : -1));
    labels[i] = means.indexOf(Math.max(...means));
  }
}

/**
 * Finds domains from squared correlations of vectors. Null hypothesis: one domain, the vectors' entries are independent;
 * it is rejected when the largest eigenvalue of the centred squares exceeds what noise reaches (blocks.ts). How many there
 * are is said by the gaps of the eigenvalues of the normalised affinity D^-1/2 A D^-1/2, A what squares exceed noise by;
 * labels by k-means on the eigenvectors' directions (Ng, Jordan, Weiss 2002).
 * @param squares  [d, d], f64, symmetric; the diagonal is not read
 * @param samples  length of the vectors: how exact a correlation is
 * @param options.seed  of the starts of k-means; default 0
 * @param options.features  dimension of the space whose inner products the squares are; default: independent entries
 * @complexity O(d^3)
 */
export function correlationBlocks(
  squares: TensorData<'float64'>,
  d: number,
  samples: number,
  { seed = 0, features = Number.POSITIVE_INFINITY }: { readonly seed?: number; readonly features?: number } = {},
): BlockStructure {
  const { kernels, workspace } = analysisKernels();
  const whole = { k: 1, labels: new Int32Array(d) };
  if (d < 4) return { ...whole, strength: 0 };
  return workspace.scope(() => {
    const given = workspace.copyIn('float64', squares);
    const matrix = workspace.allocate('float64', d * d);
    const deviation = kernels.f64_symmetrise(d, given.ptr, matrix.ptr);
    const strength = strengthOf(leadingEigenvectors(matrix, d, 0).values[0], deviation, d, features);
    if (strength <= 1) return { ...whole, strength };
    const degrees = workspace.allocate('float64', d);
    kernels.f64_affinity(d, given.ptr, noiseMeans / samples, matrix.ptr, degrees.ptr);
    const level = coarsestLevel(matrix, d);
    if (!level) return { ...whole, strength };
    const points = coordinates(level.vectors, d, level.k);
    toUnitRows(points, level.k);
    const shape = { nodes: d, dims: level.k, stride: level.k, k: level.k };
    const labels = cluster(workspace.copyIn('float64', points), shape, starts, seed);
    placeLoose(
      squares,
      labels,
      level.k,
      Uint8Array.from(workspace.view(degrees), (degree) => Number(degree === 0)),
    );
    return { ...renumber(labels), strength };
  });
}
