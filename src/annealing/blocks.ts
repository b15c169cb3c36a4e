/**
 * Blocks and a bus: a layer as independent blocks that exchange a few numbers,
 *
 *     W' = blockdiag(B_1 .. B_k) + U V        U [out, r], V [r, in]
 *
 * Block p has a span of rows, which tile the layer, and columns of its own, which may be another's too.
 *
 * V comes from the decomposition of what the blocks leave, in the metric of the inputs and of the outputs' importance;
 * B and U then together from least squares of each row on its block's inputs and the bus, and so on in turns.
 */
import { analysisKernels } from '../evidence/analysis.js';
import { leadingEigenvectors } from '../evidence/eigen.js';
import { type Affine, type Factors, type Moments, metricOf } from './least-squares.js';
import {
  addDiagonal,
  addScaled,
  cholesky,
  eigenSymmetric,
  type Matrix,
  multiply,
  solveSymmetric,
  type Vector,
} from './matrix.js';
import { cutOut, lowerOnly, meanDiagonal, pickBoth, pickColumns, putIn, type Span, zeros } from './matrix-parts.js';
import type { Partition } from './partition.js';

/** How a layer is split. */
export interface BlockForm {
  /** Blocks, >= 2. */
  readonly k: number;
  /** Numbers that the blocks exchange; 0 for none. */
  readonly bus: number;
  /** The network inputs of each block, for the layers that read them; where absent, outputs and inputs choose. */
  readonly inputs?: Partition;
}

/** Where the blocks of a layer stand. */
export interface BlockEdges {
  readonly rows: readonly Span[];
  /** Inputs that each block reads, in the order of its columns. */
  readonly columns: readonly Int32Array<ArrayBuffer>[];
}

export interface BlockFit extends BlockEdges {
  /** B_p, [rows of block p, columns of block p]. */
  readonly blocks: readonly Matrix[];
  /** U, V and the bias. */
  readonly bus: Factors;
}

/** Turns of bus and rows; after these the error hardly falls. */
const mostTurns = 24;

/** Steps of simultaneous iteration in a turn. */
const iterations = 2;

/** Share of the mean diagonal that keeps a bus solvable whose numbers the blocks know already. */
const busDamping = 1e-12;

/** A layer to be split, with what every turn reads. */
interface Target extends BlockEdges {
  /** W [out, in] and W M. */
  readonly weight: Matrix;
  readonly product: Matrix;
  /** M [in, in]. */
  readonly metric: Matrix;
  /** R lower, R R^T the outputs' importance; null where all count alike. */
  readonly root: Matrix | null;
}

/** blockdiag(B) and U for a given V: the least squares of each row on the inputs of its block and the bus. */
interface Rowwise {
  readonly blocks: readonly Matrix[];
  readonly outer: Matrix;
}

/**
 * Each row's best weights on x_p and z = V x:  [B_p | U_p] = (W M T^T)_p (T M T^T)^-1,  T = [I_p; V].
 * All rows count alike here: what the network minds most is in the bus, and blocks that weigh by it too are measurably
 * worse (98.8 against 99.4 % agreement on the digits net).
 */
function fitRows({ weight, product, metric, rows, columns }: Target, inner: Matrix): Rowwise {
  const r = inner.rows;
  const [seen, wanted] = [multiply(inner, metric), multiply(product, inner, false, true)];
  const own = multiply(seen, inner, false, true);
  const outer = zeros(weight.rows, r);
  const blocks = rows.map((span, p) => {
    const width = columns[p].length;
    const [joint, right] = [zeros(width + r, width + r), zeros(span[1] - span[0], width + r)];
    putIn(joint, pickBoth(metric, columns[p]), 0, 0);
    // A Cholesky factor is made of what stands on and below the diagonal.
    putIn(joint, pickColumns(seen, [0, r], columns[p]), width, 0);
    putIn(joint, own, width, width);
    putIn(right, pickColumns(product, span, columns[p]), 0, 0);
    putIn(right, cutOut(wanted, span, [0, r]), 0, width);
    const solved = solveSymmetric(r > 0 ? addDiagonal(joint, busDamping * meanDiagonal(joint)) : joint, right);
    putIn(outer, cutOut(solved, [0, solved.rows], [width, width + r]), span[0], 0);
    return cutOut(solved, [0, solved.rows], [0, width]);
  });
  return { blocks, outer };
}

/** W less the blocks. */
function leave({ weight, rows, columns }: Target, blocks: readonly Matrix[]): Matrix {
  const whole = zeros(weight.rows, weight.columns);
  blocks.forEach((block, p) => {
    for (let i = 0, e = 0; i < block.rows; i++) {
      for (const j of columns[p]) whole.data[(rows[p][0] + i) * whole.columns + j] = block.data[e++];
    }
  });
  return addScaled(weight, -1, whole);
}

/** Rows of the same span, made orthonormal; directions that the span hardly has stay short. */
function orthonormal(rows: Matrix): Matrix {
  const { values, vectors } = eigenSymmetric(multiply(rows, rows, false, true));
  const least = Math.max(values[0] * busDamping, Number.MIN_VALUE);
  const data = vectors.data.map((value, e) => value / Math.sqrt(Math.max(values[Math.floor(e / rows.rows)], least)));
  return multiply({ ...vectors, data }, rows);
}

/** P R^T, or P where all outputs count alike. */
const weighed = (directions: Matrix, root: Matrix | null) =>
  root ? multiply(directions, root, false, true) : directions;

/** Leading eigenvectors [r, out] of R^T E M E^T R, E the error. */
function leadingDirections(error: Matrix, { metric, root }: Target, r: number): Matrix {
  const scaled = root ? multiply(root, error, true) : error;
  const gram = multiply(multiply(scaled, metric), scaled, false, true);
  const { workspace } = analysisKernels();
  const data = workspace.scope(() => leadingEigenvectors(workspace.copyIn('float64', gram.data), gram.rows, r).vectors);
  return { rows: r, columns: gram.rows, data };
}

/** The eigenvectors again after the error has changed a little: steps of simultaneous iteration, O(r n^2). */
function follow(directions: Matrix, error: Matrix, { metric, root }: Target): Matrix {
  let next = directions;
  for (let step = 0; step < iterations; step++) {
    const back = multiply(multiply(multiply(weighed(next, root), error), metric), error, false, true);
    next = orthonormal(root ? multiply(back, root) : back);
  }
  return next;
}

/** Rows of V scaled so that z = V x varies as much as an input does: no number of the bus is too small for f32. */
function likeInputs(inner: Matrix, metric: Matrix): Matrix {
  const own = multiply(multiply(inner, metric), inner, false, true);
  const size = meanDiagonal(metric);
  const scale = zeros(inner.rows, inner.rows);
  for (let i = 0; i < inner.rows; i++) {
    const at = i * (inner.rows + 1);
    scale.data[at] = own.data[at] > 0 ? Math.sqrt(size / own.data[at]) : 1;
  }
  return multiply(scale, inner);
}

/**
 * Fits blocks and bus to a layer.
 * @param target  the layer as least squares gives it, with all its weights
 * @param moments  of the inputs that it sees
 * @param outputs  importance of its outputs [out, out]; null where all count alike
 * @param edges  where its blocks begin
 * @param bus  width of the bus
 * @param turns  of bus and rows
 * @complexity O(out in^2 + out^3 + turns (bus (out + in)^2 + k (in / k + bus)^3))
 */
export function fitBlocks(
  { weight, bias }: Affine,
  moments: Moments,
  outputs: Matrix | null,
  edges: BlockEdges,
  bus: number,
  turns = mostTurns,
): BlockFit {
  const metric = metricOf(moments);
  const root = outputs && lowerOnly(cholesky(outputs));
  const target = { weight, product: multiply(weight, metric), metric, root, ...edges };
  const r = Math.min(bus, weight.rows, weight.columns);
  let inner = zeros(0, weight.columns);
  let { blocks, outer } = fitRows(target, inner);
  let directions: Matrix | null = null;
  for (let turn = 0; turn < turns && r > 0; turn++) {
    const error = leave(target, blocks);
    directions = directions ? follow(directions, error, target) : leadingDirections(error, target, r);
    inner = likeInputs(multiply(weighed(directions, root), error), metric);
    ({ blocks, outer } = fitRows(target, inner));
  }
  const shift = multiply(addScaled(leave(target, blocks), -1, multiply(outer, inner)), column(moments.mean));
  return { ...edges, blocks, bus: { outer, inner, bias: bias.map((b, i) => b + shift.data[i]) } };
}

const column = (data: Vector): Matrix => ({ rows: data.length, columns: 1, data });
