/**
 * Which columns and rows of a layer belong to which block. The order of hidden units is free, so a partition is a
 * permutation, and the span of each block in it:
 *
 *     order:  | block 0 | block 1 | ... |       blocks:  [0, n_0), [n_0, n_0 + n_1), ..
 */
import { analysisKernels } from '../evidence/analysis.js';
import { correlationBlocks } from '../evidence/correlation-blocks.js';
import type { Moments } from './least-squares.js';
import { type Matrix, multiply, solveSymmetric } from './matrix.js';
import { pickBoth, pickColumns, type Span, zeros } from './matrix-parts.js';

export interface Partition {
  readonly order: Int32Array<ArrayBuffer>;
  readonly blocks: readonly Span[];
}

/** Most inputs that are searched for domains: the search looks at all pairs. */
const mostInputs = 2048;

/** Equal shares, rounded down: block p begins at p n / k. */
export const equalSpans = (n: number, k: number): readonly Span[] =>
  Array.from({ length: k }, (_, p) => [Math.floor((p * n) / k), Math.floor(((p + 1) * n) / k)]);

/** Where each position stands in `order`. */
export function inverse(order: Int32Array): Int32Array<ArrayBuffer> {
  const places = new Int32Array(order.length);
  order.forEach((from, to) => {
    places[from] = to;
  });
  return places;
}

/**
 * The partition that labels say.
 * @param labels  block of each position; below 0 for those that are left out
 */
export function partitionOf(labels: ArrayLike<number>, k: number): Partition {
  const members: number[][] = Array.from({ length: k }, () => []);
  for (let i = 0; i < labels.length; i++) if (labels[i] >= 0) members[labels[i]].push(i);
  const blocks: Span[] = [];
  for (const { length } of members) {
    const first = blocks.at(-1)?.[1] ?? 0;
    blocks.push([first, first + length]);
  }
  return { order: Int32Array.from(members.flat()), blocks };
}

/** Inputs dealt out in turns, those that never vary left out: each block has a share of every neighbourhood. */
export function dealOut(moments: Moments, k: number): readonly Int32Array<ArrayBuffer>[] {
  const labels = liveLabels(moments);
  let next = 0;
  const dealt = labels.map((label) => (label < 0 ? label : next++ % k));
  return membersOf(partitionOf(dealt, k));
}

/** Positions of each block. */
export function membersOf({ order, blocks }: Partition): readonly Int32Array<ArrayBuffer>[] {
  return blocks.map((span) => order.slice(...span));
}

/** 0 for what varies, -1 for what never does. */
function liveLabels({ covariance: { rows, data } }: Moments): Int32Array<ArrayBuffer> {
  return Int32Array.from({ length: rows }, (_, j) => (data[j * rows + j] > 0 ? 0 : -1));
}

/** Domains of inputs, and how clear they are. */
export interface Domains extends Partition {
  /** Mean squared correlation inside domains over that across them. */
  readonly contrast: number;
}

/**
 * Domains of inputs: those that occur together, by squared correlations over calibration rows. The number of domains is
 * found, not given; inputs that never vary belong to none.
 * @returns null where there is one domain, or too many inputs to look at
 * @complexity O(inputs^3)
 */
export function findDomains(moments: Moments, seed: number): Domains | null {
  const labels = liveLabels(moments);
  const live = Int32Array.from(labels.keys()).filter((j) => labels[j] === 0);
  if (live.length < 4 || live.length > mostInputs) return null;
  const correlations = squaredCorrelations(pickBoth(moments.covariance, live));
  const { k, labels: found } = correlationBlocks(correlations, live.length, moments.rows, { seed });
  if (k < 2) return null;
  live.forEach((j, i) => {
    labels[j] = found[i];
  });
  return { ...partitionOf(labels, k), contrast: contrastOf(correlations, found, k) };
}

function contrastOf(correlations: Float64Array<ArrayBuffer>, labels: Int32Array<ArrayBuffer>, k: number): number {
  const n = labels.length;
  const square: Matrix = { rows: n, columns: n, data: correlations };
  const member = zeros(k, n);
  for (let i = 0; i < n; i++) member.data[labels[i] * n + i] = 1;
  const sums = multiply(multiply(member, square), member, false, true);
  const sizes = rowSums(member);
  let [inside, pairsInside] = [-n, -n];
  for (let p = 0; p < k; p++) {
    inside += sums.data[p * (k + 1)];
    pairsInside += sizes[p] ** 2;
  }
  const across = rowSums(sums).reduce((sum, value) => sum + value, 0) - n - inside;
  return inside / pairsInside / (across / (n * n - n - pairsInside));
}

function rowSums({ rows, columns, data }: Matrix): readonly number[] {
  return Array.from({ length: rows }, (_, i) =>
    data.subarray(i * columns, (i + 1) * columns).reduce((sum, value) => sum + value, 0),
  );
}

function squaredCorrelations({ rows, data }: Matrix): Float64Array<ArrayBuffer> {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const gram = workspace.copyIn('float64', data);
    const squared = workspace.allocate('float64', rows * rows);
    kernels.f64_squared_correlations(rows, gram.ptr, squared.ptr);
    return workspace.copyOut(squared);
  });
}

/**
 * Shares out a layer's rows: each goes to the block whose columns say most about it. With W the layer and M what its
 * inputs are, block p alone explains  (W M)_p (M_pp)^-1 (M W^T)_p  of a row's variance W M W^T. The clearest cases choose
 * first; a block that is full takes no more.
 * @param weight  W [out, in]
 * @param metric  M [in, in]
 * @param spans  columns of each block
 * @param unevenness  most rows of a block over an equal share, >= 1
 * @complexity O(out in^2 + k (in / k)^3)
 */
export function assignRows(
  weight: Matrix,
  metric: Matrix,
  columns: readonly Int32Array[],
  unevenness: number,
): Partition {
  const k = columns.length;
  const product = multiply(weight, metric);
  const shares = explainedShares(weight, product, metric, columns);
  const most = Math.ceil((unevenness * weight.rows) / k);
  const labels = new Int32Array(weight.rows).fill(-1);
  const sizes = new Int32Array(k);
  const choices = Array.from({ length: weight.rows * k }, (_, e) => e).sort((a, b) => shares[b] - shares[a] || a - b);
  for (const choice of choices) {
    const [row, p] = [Math.floor(choice / k), choice % k];
    if (labels[row] >= 0 || sizes[p] >= most) continue;
    labels[row] = p;
    sizes[p]++;
  }
  return partitionOf(labels, k);
}

/** Share of each row's variance that each block explains, [out, k]. */
function explainedShares(
  weight: Matrix,
  product: Matrix,
  metric: Matrix,
  columns: readonly Int32Array[],
): Float64Array {
  const shares = new Float64Array(weight.rows * columns.length);
  const whole = squaresOf(weight, product);
  columns.forEach((own, p) => {
    const part = pickColumns(product, [0, weight.rows], own);
    const explained = squaresOf(solveSymmetric(pickBoth(metric, own), part), part);
    for (let i = 0; i < weight.rows; i++) {
      shares[i * columns.length + p] = explained[i] / Math.max(whole[i], Number.MIN_VALUE);
    }
  });
  return shares;
}

/** Dot products of the rows of two matrices of one shape: vectors as short as a layer is wide. */
function squaresOf(a: Matrix, b: Matrix): Float64Array {
  const dots = new Float64Array(a.rows);
  for (let i = 0; i < a.rows; i++) {
    let sum = 0;
    for (let e = i * a.columns; e < (i + 1) * a.columns; e++) sum += a.data[e] * b.data[e];
    dots[i] = sum;
  }
  return dots;
}
