/** Dense f64 linear algebra of the tool, computed by the WASM kernels of assembly/linalg. */
import { analysisKernels } from '../evidence/analysis.js';
import { KerfError } from '../runtime/errors.js';
import type { Block } from '../runtime/workspace.js';

/** A row-major f64 matrix on the JavaScript side. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array<ArrayBuffer>;
}

export type Vector = Float64Array<ArrayBuffer>;

/** Rows of f32 samples: what a value holds for `rows` inputs. */
export interface Samples {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array<ArrayBuffer>;
  /** One per row, with mean 1; ones where absent. */
  readonly weights?: Vector;
}

/** Rows that one packed panel chunk holds: 256 rows of 4 columns are 8 KiB, so a tile's two panels stay in L1. */
const chunkRows = 256;

const padded = (count: number): number => Math.ceil(count / 4) * 4;

type Pack = (first: number, rows: number, panelPtr: number) => void;

/**
 * C = A^T B, where A [depth, m] and B [depth, n] are given by functions that pack a chunk of their rows.
 * @returns C [m, n]
 */
function product(depth: number, m: number, n: number, packA: Pack, packB: Pack | null): Matrix {
  const { kernels, workspace } = analysisKernels();
  const [mp, np] = [padded(m), padded(n)];
  const c = workspace.allocate('float64', mp * np);
  const aPanels = workspace.allocate('float64', mp * chunkRows);
  const bPanels = packB ? workspace.allocate('float64', np * chunkRows) : aPanels;
  workspace.view(c).fill(0);
  for (let first = 0; first < depth; first += chunkRows) {
    const rows = Math.min(chunkRows, depth - first);
    packA(first, rows, aPanels.ptr);
    packB?.(first, rows, bPanels.ptr);
    kernels.f64_panel_product_4x4(rows, m, aPanels.ptr, n, bPanels.ptr, c.ptr, np, packB ? 0 : 1);
  }
  return unpad(workspace.view(c), m, n, np, packB === null);
}

/** Drops the padding; mirrors the lower half of a Gram matrix. */
function unpad(view: Float64Array, m: number, n: number, np: number, isLower: boolean): Matrix {
  const matrix = { rows: m, columns: n, data: new Float64Array(m * n) };
  for (let i = 0; i < m; i++) matrix.data.set(view.subarray(i * np, i * np + n), i * n);
  return isLower ? mirrorLower(matrix) : matrix;
}

function mirrorLower(matrix: Matrix): Matrix {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const block = workspace.copyIn('float64', matrix.data);
    kernels.f64_mirror_lower(matrix.rows, block.ptr);
    return { ...matrix, data: workspace.copyOut(block) };
  });
}

/** scale C + alpha u v^T. */
export function scaleRankOne(c: Matrix, scale: number, alpha: number, u: Vector, v: Vector): Matrix {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const [uBlock, vBlock] = [workspace.copyIn('float64', u), workspace.copyIn('float64', v)];
    const block = workspace.copyIn('float64', c.data);
    kernels.f64_scale_rank_one(c.rows, c.columns, scale, alpha, uBlock.ptr, vBlock.ptr, block.ptr);
    return { ...c, data: workspace.copyOut(block) };
  });
}

/** A + alpha B. */
export function addScaled(a: Matrix, alpha: number, b: Matrix): Matrix {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const [bBlock, block] = [workspace.copyIn('float64', b.data), workspace.copyIn('float64', a.data)];
    kernels.f64_add_scaled(a.data.length, alpha, bBlock.ptr, block.ptr);
    return { ...a, data: workspace.copyOut(block) };
  });
}

/** The first `count` rows. */
export function firstRows({ columns, data }: Matrix, count: number): Matrix {
  return { rows: count, columns, data: data.slice(0, count * columns) };
}

/** A + alpha I. */
export function addDiagonal(a: Matrix, alpha: number): Matrix {
  const data = a.data.slice();
  for (let i = 0; i < a.rows; i++) data[i * a.columns + i] += alpha;
  return { ...a, data };
}

/** An f64 copy of f32 elements. */
export function widen(rows: number, columns: number, data: Float32Array): Matrix {
  return { rows, columns, data: new Float64Array(data) };
}

function samplePacker(samples: Samples, block: Block<'float32'>, weights: Block<'float64'> | null): Pack {
  const { kernels } = analysisKernels();
  const { columns } = samples;
  return (first, rows, panelPtr) =>
    kernels.f64_pack_panels_f32(
      rows,
      columns,
      block.ptr + first * columns * 4,
      columns,
      1,
      weights ? weights.ptr + first * 8 : 0,
      panelPtr,
    );
}

/**
 * Y^T X over samples, in f64, rows weighted by those of X: the Gram matrix X^T X when only X is given.
 * @complexity O(rows * Y.columns * X.columns), half of it for a Gram matrix
 */
export function crossProducts(x: Samples, y: Samples = x): Matrix {
  const { workspace } = analysisKernels();
  return workspace.scope(() => {
    const xBlock = workspace.copyIn('float32', x.data);
    // A Gram matrix takes both factors from the same panels, so each gets the root.
    const weights = x.weights && (y === x ? x.weights.map(Math.sqrt) : x.weights);
    const packX = samplePacker(x, xBlock, weights ? workspace.copyIn('float64', weights) : null);
    if (y === x) return product(x.rows, x.columns, x.columns, packX, null);
    const yBlock = workspace.copyIn('float32', y.data);
    return product(x.rows, y.columns, x.columns, samplePacker(y, yBlock, null), packX);
  });
}

/** Weighted mean of each column. */
export function columnMeans({ rows, columns, data, weights }: Samples): Vector {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const x = workspace.copyIn('float32', data);
    const weightPtr = weights ? workspace.copyIn('float64', weights).ptr : 0;
    const out = workspace.allocate('float64', columns);
    workspace.view(out).fill(0);
    kernels.f64_column_sums_f32(rows, columns, x.ptr, columns, weightPtr, out.ptr);
    return workspace.copyOut(out).map((sum) => sum / rows);
  });
}

/** A B, with either factor transposed on request. */
export function multiply(a: Matrix, b: Matrix, transposeA = false, transposeB = false): Matrix {
  const { kernels, workspace } = analysisKernels();
  const [m, depth] = transposeA ? [a.columns, a.rows] : [a.rows, a.columns];
  const n = transposeB ? b.rows : b.columns;
  return workspace.scope(() => {
    const pack = (matrix: Matrix, block: Block<'float64'>, depthIsRow: boolean): Pack => {
      const [depthStride, stride] = depthIsRow ? [matrix.columns, 1] : [1, matrix.columns];
      const count = depthIsRow ? matrix.columns : matrix.rows;
      return (first, rows, panelPtr) =>
        kernels.f64_pack_panels(rows, count, block.ptr + first * depthStride * 8, depthStride, stride, panelPtr);
    };
    const aBlock = workspace.copyIn('float64', a.data);
    const bBlock = workspace.copyIn('float64', b.data);
    return product(depth, m, n, pack(a, aBlock, transposeA), pack(b, bBlock, !transposeB));
  });
}

/** Lower Cholesky factor L of A = L L^T; what stands above the diagonal is A's. */
export function cholesky(a: Matrix): Matrix {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const factor = workspace.copyIn('float64', a.data);
    const failed = kernels.f64_cholesky(a.rows, factor.ptr, a.rows);
    if (failed >= 0) throw notPositive(failed, a.rows);
    return { ...a, data: workspace.copyOut(factor) };
  });
}

type RowSolver = 'f64_cholesky_solve_rows' | 'f64_solve_lower_transposed_rows';

function solveRows(solver: RowSolver, factor: Matrix, b: Matrix): Matrix {
  const { kernels, workspace } = analysisKernels();
  const n = factor.rows;
  return workspace.scope(() => {
    const l = workspace.copyIn('float64', factor.data);
    const x = workspace.copyIn('float64', b.data);
    kernels[solver](n, l.ptr, n, b.rows, x.ptr, n);
    return { ...b, data: workspace.copyOut(x) };
  });
}

/**
 * X with X A = B for a symmetric positive definite A, by Cholesky.
 * @param a  [n, n]
 * @param b  [count, n], one right-hand side a row
 * @returns [count, n]
 * @throws DATA_INVALID when A is not positive definite
 */
export function solveSymmetric(a: Matrix, b: Matrix): Matrix {
  return solveRows('f64_cholesky_solve_rows', cholesky(a), b);
}

/** X with X L = B, from the Cholesky factor L. */
export function solveLowerRight(factor: Matrix, b: Matrix): Matrix {
  return solveRows('f64_solve_lower_transposed_rows', factor, b);
}

export function notPositive(row: number, n: number): KerfError {
  return new KerfError(
    'DATA_INVALID',
    'least squares',
    `inputs or gradients are not finite: got a pivot <= 0 in row ${row}, expected a positive definite ${n} x ${n} matrix. Leave calibration rows out for which the model gives NaN or infinity.`,
    { row, n },
  );
}

/** Eigenvalues, descending, and eigenvectors as rows in the same order. */
export interface Eigen {
  readonly values: Float64Array;
  readonly vectors: Matrix;
}

/** Eigenvalues and eigenvectors of a symmetric matrix. */
export function eigenSymmetric(a: Matrix): Eigen {
  const { kernels, workspace } = analysisKernels();
  const n = a.rows;
  return workspace.scope(() => {
    const copy = workspace.copyIn('float64', a.data);
    const values = workspace.allocate('float64', n);
    const vectors = workspace.allocate('float64', n * n);
    const scratch = workspace.allocate('float64', 3 * n);
    const failed = kernels.f64_eigen_symmetric(n, copy.ptr, values.ptr, vectors.ptr, scratch.ptr);
    if (failed) throw notPositive(0, n);
    return sortEigen(workspace.copyOut(values), workspace.copyOut(vectors));
  });
}

function sortEigen(values: Float64Array<ArrayBuffer>, vectors: Float64Array<ArrayBuffer>): Eigen {
  const n = values.length;
  const order = Array.from(values.keys()).sort((i, j) => values[j] - values[i] || i - j);
  const sorted = new Float64Array(n * n);
  for (let to = 0; to < n; to++) sorted.set(vectors.subarray(order[to] * n, (order[to] + 1) * n), to * n);
  return { values: Float64Array.from(order, (i) => values[i]), vectors: { rows: n, columns: n, data: sorted } };
}
