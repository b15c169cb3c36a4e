/**
 * Blocks and a bus: a layer as independent blocks that exchange a few numbers,
 *
 *     W' = blockdiag(B_1 .. B_k) + U V        U [out, r], V [r, in]
 *
 *     rows, columns of block p:  | p out / k .. (p + 1) out / k |, | p in / k .. (p + 1) in / k |, rounded down
 *
 * B and U V are fitted in turns: each block by least squares on what U V leaves, U V by the decomposition of what the
 * blocks leave, in the metric of the inputs and of the outputs' importance.
 */
import { type Affine, type Factors, type Moments, metricOf } from './least-squares.js';
import { spectrumOf } from './low-rank.js';
import { addScaled, type Matrix, multiply, solveSymmetric } from './matrix.js';

/** How a layer is split. */
export interface BlockForm {
  /** Blocks, >= 2. */
  readonly k: number;
  /** Numbers that the blocks exchange; 0 for none. */
  readonly bus: number;
}

export interface BlockFit {
  /** B_p, [rows of block p, columns of block p]. */
  readonly blocks: readonly Matrix[];
  /** U, V and the bias. */
  readonly bus: Factors;
}

/** Turns; after these few the error hardly falls. */
const alternations = 4;

/** Where block p begins among n. */
export const blockStart = (n: number, k: number, p: number): number => Math.floor((p * n) / k);

/** 0, k, 2k, .., 1, k + 1, ..: an order in which each of k blocks has a share of every neighbourhood. */
export function everyNth(n: number, k: number): Int32Array<ArrayBuffer> {
  const order: number[] = [];
  for (let p = 0; p < k; p++) for (let j = p; j < n; j += k) order.push(j);
  return Int32Array.from(order);
}

interface Span {
  readonly rows: readonly [first: number, end: number];
  readonly columns: readonly [first: number, end: number];
}

function spansOf({ rows, columns }: Matrix, k: number): readonly Span[] {
  const span = (n: number, p: number) => [blockStart(n, k, p), blockStart(n, k, p + 1)] as const;
  return Array.from({ length: k }, (_, p) => ({ rows: span(rows, p), columns: span(columns, p) }));
}

function cutOut({ columns, data }: Matrix, [firstRow, endRow]: Span['rows'], [first, end]: Span['columns']): Matrix {
  const part = new Float64Array((endRow - firstRow) * (end - first));
  for (let i = firstRow; i < endRow; i++) {
    part.set(data.subarray(i * columns + first, i * columns + end), (i - firstRow) * (end - first));
  }
  return { rows: endRow - firstRow, columns: end - first, data: part };
}

/** The blocks in a matrix of zeros. */
function assemble(rows: number, columns: number, blocks: readonly Matrix[], spans: readonly Span[]): Matrix {
  const data = new Float64Array(rows * columns);
  blocks.forEach((block, p) => {
    const [first] = spans[p].columns;
    for (let i = 0; i < block.rows; i++) {
      const row = block.data.subarray(i * block.columns, (i + 1) * block.columns);
      data.set(row, (spans[p].rows[0] + i) * columns + first);
    }
  });
  return { rows, columns, data };
}

/**
 * Each block's least squares, B_p = (E M)_pp (M_pp)^-1, E what the bus leaves. All outputs count alike here: what the
 * network minds most is in the bus, and blocks that weigh by it too are measurably worse (98.8 against 99.4 % agreement on
 * the digits net).
 */
function fitEach(error: Matrix, metric: Matrix, spans: readonly Span[]): readonly Matrix[] {
  const right = multiply(error, metric);
  return spans.map(({ rows, columns }) =>
    solveSymmetric(cutOut(metric, columns, columns), cutOut(right, rows, columns)),
  );
}

/**
 * Fits blocks and bus to a layer.
 * @param target  the layer as least squares gives it, with all its weights
 * @param moments  of the inputs that it sees
 * @param outputs  importance of its outputs [out, out]; null where all count alike
 * @complexity O(alternations (out in^2 + out^3))
 */
export function fitBlocks(target: Affine, moments: Moments, outputs: Matrix | null, { k, bus }: BlockForm): BlockFit {
  const { weight } = target;
  const metric = metricOf(moments);
  const spans = spansOf(weight, k);
  const leave = (blocks: readonly Matrix[]) =>
    addScaled(weight, -1, assemble(weight.rows, weight.columns, blocks, spans));
  let blocks = fitEach(weight, metric, spans);
  let factors = cutRest(leave(blocks), target, moments, outputs, bus);
  for (let turn = 1; turn < alternations && bus > 0; turn++) {
    blocks = fitEach(addScaled(weight, -1, multiply(factors.outer, factors.inner)), metric, spans);
    factors = cutRest(leave(blocks), target, moments, outputs, bus);
  }
  return { blocks, bus: factors };
}

/** The bus for what the blocks leave; its bias makes up for the mean of what both leave. */
function cutRest(rest: Matrix, { bias }: Affine, moments: Moments, outputs: Matrix | null, r: number): Factors {
  return spectrumOf({ weight: rest, bias }, moments, outputs).cut(r);
}
