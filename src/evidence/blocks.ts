/** Blocks: groups of nodes with more evidence within than across, found without knowing how many. */
import type { TensorData } from '../runtime/tensor.js';
import type { Block } from '../runtime/workspace.js';
import { analysisKernels } from './analysis.js';
import { leadingEigenvectors } from './eigen.js';
import { cluster } from './k-means.js';

export interface BlockStructure {
  /** Number of blocks; 1 when nothing speaks against one. */
  readonly k: number;
  /** Block of each node, 0..k-1, in order of first appearance. */
  readonly labels: TensorData<'int32'>;
  /** Largest eigenvalue over what noise of the same spread reaches; above 1 one block is rejected. */
  readonly strength: number;
}

/** Times sd sqrt(d): noise reaches 2 by the semicircle law; 2.0 fails in 8 of 30 pure noise matrices, 2.2 in none. */
const noiseFactor = 2.2;
/** Nodes from which that holds; fewer fluctuate more. */
const manyNodes = 128;
const largestK = 32;
/** Starts of k-means while k is searched, and for the k that is found; the best start is kept. */
const searchStarts = 8;
const finalStarts = 20;
/** The search for k ends after so many values of k without a better score. */
const patience = 6;

/**
 * What the largest eigenvalue of noise stays under, over sd sqrt(d).
 * Squared correlations of vectors in R^m are products of m (m + 1) / 2 - 1 features, so that their noise follows the
 * Marchenko-Pastur law instead of the semicircle: sqrt(d / features) more.
 */
function noiseEdge(d: number, features: number): number {
  const small = Math.max(0, d ** (-2 / 3) - manyNodes ** (-2 / 3));
  return noiseFactor + 8 * small + Math.sqrt(d / features);
}

/**
 * Log-likelihood of the two-mean block model less its penalty: 1.5 ln of the number of pairs for the two means and the
 * spread, and d ln k for the labels.
 */
function score(evidence: Block<'float64'>, d: number, labels: TensorData<'int32'>, k: number): number {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const block = workspace.copyIn('int32', labels);
    const residual = kernels.f64_two_mean_residual(d, evidence.ptr, block.ptr);
    const pairs = (d * (d - 1)) / 2;
    return -0.5 * pairs * Math.log(residual / pairs) - 1.5 * Math.log(pairs) - d * Math.log(k);
  });
}

/** Renames labels so that they appear in order; returns how many there are. */
export function renumber(labels: TensorData<'int32'>): { readonly labels: TensorData<'int32'>; readonly k: number } {
  const names = new Map<number, number>();
  const renamed = labels.map((label) => {
    if (!names.has(label)) names.set(label, names.size);
    return names.get(label)!;
  });
  return { labels: renamed, k: names.size };
}

interface Scored {
  readonly k: number;
  readonly labels: TensorData<'int32'>;
  readonly score: number;
}

/** Merges pairs of blocks as long as that raises the score: k-means splits a block now and then. */
function mergeBlocks(evidence: Block<'float64'>, d: number, found: Scored): Scored {
  let best = found;
  for (let a = 0; a < found.k; a++) {
    for (let b = a + 1; b < found.k; b++) {
      const merged = renumber(found.labels.map((label) => (label === b ? a : label)));
      const value = score(evidence, d, merged.labels, merged.k);
      if (value > best.score) best = { ...merged, score: value };
    }
  }
  return best === found ? found : mergeBlocks(evidence, d, best);
}

/** Coordinates [d, count] of the nodes, from eigenvectors [count, d]. */
export function coordinates(vectors: TensorData<'float64'>, d: number, count: number): TensorData<'float64'> {
  const points = new Float64Array(d * count);
  for (let v = 0; v < count; v++) for (let i = 0; i < d; i++) points[i * count + v] = vectors[v * d + i];
  return points;
}

/** The labels of the best k: a quick search over k, then more starts for the winner. */
function searchK(evidence: Block<'float64'>, points: Block<'float64'>, d: number, count: number, seed: number): Scored {
  const labelled = (k: number, starts: number): Scored => {
    const shape = { nodes: d, dims: k - 1, stride: count, k };
    const found = renumber(cluster(points, shape, starts, seed));
    return { ...found, score: score(evidence, d, found.labels, found.k) };
  };
  const one = new Int32Array(d);
  let best: Scored = { k: 1, labels: one, score: score(evidence, d, one, 1) };
  for (let k = 2, worse = 0; k <= count + 1 && worse < patience; k++) {
    const found = labelled(k, searchStarts);
    worse = found.score > best.score ? 0 : worse + 1;
    if (found.score > best.score) best = found;
  }
  if (best.k === 1) return best;
  const final = labelled(best.k, finalStarts);
  return final.score > best.score ? final : best;
}

/**
 * Largest eigenvalue of a centred symmetric matrix over what noise reaches.
 * @param deviation  of its entries off the diagonal
 */
export function strengthOf(largest: number, deviation: number, d: number, features: number): number {
  return deviation > 0 ? largest / (noiseEdge(d, features) * deviation * Math.sqrt(d)) : 0;
}

/**
 * Finds blocks of nodes from evidence between them.
 * Null hypothesis: one block, the entries of the centred symmetric matrix are independent noise; it is rejected when
 * the largest eigenvalue exceeds 2.2 sd sqrt(d). Then k in 2..32 has the largest penalised likelihood of the model with
 * one mean within blocks and one across, labels by k-means on the k - 1 leading eigenvectors.
 * @param evidence  [d, d], f64: -ln p of each edge; the diagonal is not read
 * @param options.seed  of the starts of k-means; default 0
 */
export function findBlocks(
  evidence: TensorData<'float64'>,
  d: number,
  { seed = 0 }: { readonly seed?: number } = {},
): BlockStructure {
  const { kernels, workspace } = analysisKernels();
  const whole = { k: 1, labels: new Int32Array(d) };
  if (d < 4) return { ...whole, strength: 0 };
  return workspace.scope(() => {
    const given = workspace.copyIn('float64', evidence);
    const centred = workspace.allocate('float64', d * d);
    const deviation = kernels.f64_symmetrise(d, given.ptr, centred.ptr);
    workspace.view(given).set(workspace.view(centred));
    const count = Math.min(largestK, d >> 1) - 1;
    const { values, vectors } = leadingEigenvectors(given, d, count);
    const strength = strengthOf(values[0], deviation, d, Number.POSITIVE_INFINITY);
    if (strength <= 1) return { ...whole, strength };
    const points = workspace.copyIn('float64', coordinates(vectors, d, count));
    const found = searchK(centred, points, d, count, seed);
    if (found.k === 1) return { ...whole, strength };
    const { k, labels } = mergeBlocks(centred, d, found);
    return { k, labels, strength };
  });
}
