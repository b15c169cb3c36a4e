/** Parts of dense matrices: copies of whole rows, put together again elsewhere. */
import { addDiagonal, type Matrix, multiply } from './matrix.js';

/** Rows or columns first .. end - 1. */
export type Span = readonly [first: number, end: number];

export const zeros = (rows: number, columns: number): Matrix => ({
  rows,
  columns,
  data: new Float64Array(rows * columns),
});

export function cutOut({ columns, data }: Matrix, [firstRow, endRow]: Span, [first, end]: Span): Matrix {
  const part = zeros(endRow - firstRow, end - first);
  for (let i = firstRow; i < endRow; i++) {
    part.data.set(data.subarray(i * columns + first, i * columns + end), (i - firstRow) * part.columns);
  }
  return part;
}

/** Writes `part` into `whole` from (row, column) on. */
export function putIn(whole: Matrix, part: Matrix, row: number, column: number): void {
  for (let i = 0; i < part.rows; i++) {
    whole.data.set(part.data.subarray(i * part.columns, (i + 1) * part.columns), (row + i) * whole.columns + column);
  }
}

/** The rows at `order`, in that order. */
export function pickRows({ columns, data }: Matrix, order: Int32Array): Matrix {
  const picked = zeros(order.length, columns);
  order.forEach((from, to) => {
    picked.data.set(data.subarray(from * columns, (from + 1) * columns), to * columns);
  });
  return picked;
}

/** The columns at `order` of the rows of a span. */
export function pickColumns({ columns, data }: Matrix, [first, end]: Span, order: Int32Array): Matrix {
  const picked = zeros(end - first, order.length);
  for (let i = first, to = 0; i < end; i++) for (const j of order) picked.data[to++] = data[i * columns + j];
  return picked;
}

/** The positions of a span. */
export const rangeOf = ([first, end]: Span): Int32Array<ArrayBuffer> =>
  Int32Array.from({ length: end - first }, (_, i) => first + i);

/** The rows and columns at `order` of a symmetric matrix. */
export const pickBoth = (a: Matrix, order: Int32Array): Matrix => pickRows(transpose(pickRows(a, order)), order);

export const transpose = (a: Matrix): Matrix => multiply(a, addDiagonal(zeros(a.rows, a.rows), 1), true, false);

/** Zeroes what stands above the diagonal of a Cholesky factor. */
export function lowerOnly(factor: Matrix): Matrix {
  const data = factor.data.slice();
  for (let i = 0; i < factor.rows; i++) data.fill(0, i * factor.columns + i + 1, (i + 1) * factor.columns);
  return { ...factor, data };
}

export function meanDiagonal({ rows, data }: Matrix): number {
  let trace = 0;
  for (let i = 0; i < rows; i++) trace += data[i * rows + i];
  return trace / Math.max(1, rows);
}

/** Matrices of as many columns, one below the other. */
export function below(matrices: readonly Matrix[]): Matrix {
  if (matrices.length === 1) return matrices[0];
  const [{ columns }] = matrices;
  const rows = matrices.reduce((sum, matrix) => sum + matrix.rows, 0);
  const data = new Float64Array(rows * columns);
  let offset = 0;
  for (const matrix of matrices) {
    data.set(matrix.data, offset);
    offset += matrix.data.length;
  }
  return { rows, columns, data };
}
