/** Rows and columns of weight matrices, copied and counted by the WASM kernels. */
import { analysisKernels } from '../evidence/analysis.js';
import { Tensor } from '../runtime/tensor.js';
import type { Matrix } from './matrix.js';

type Weight = Tensor<'float32'>;

/** Positions 0 .. n-1. */
export const allOf = (n: number): Int32Array<ArrayBuffer> => Int32Array.from({ length: n }, (_, i) => i);

/** w[rows, columns], [rows.length, columns.length]. */
export function submatrix(weight: Weight, rows: Int32Array<ArrayBuffer>, columns: Int32Array<ArrayBuffer>): Weight {
  const { kernels, workspace } = analysisKernels();
  const data = workspace.scope(() => {
    const w = workspace.copyIn('float32', weight.data);
    const [i, j] = [workspace.copyIn('int32', rows), workspace.copyIn('int32', columns)];
    const out = workspace.allocate('float32', rows.length * columns.length);
    kernels.f32_submatrix(rows.length, columns.length, w.ptr, weight.dims[1], i.ptr, j.ptr, out.ptr);
    return workspace.copyOut(out);
  });
  return new Tensor('float32', data, [rows.length, columns.length]);
}

/** a[rows, columns] of an f64 matrix. */
export function partOf(a: Matrix, rows: Int32Array<ArrayBuffer>, columns: Int32Array<ArrayBuffer>): Matrix {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const source = workspace.copyIn('float64', a.data);
    const [i, j] = [workspace.copyIn('int32', rows), workspace.copyIn('int32', columns)];
    const out = workspace.allocate('float64', rows.length * columns.length);
    kernels.f64_submatrix(rows.length, columns.length, source.ptr, a.columns, i.ptr, j.ptr, out.ptr);
    return { rows: rows.length, columns: columns.length, data: workspace.copyOut(out) };
  });
}

/** The elements of a vector at `indexes`. */
export function pick(vector: Weight, indexes: Int32Array): Weight {
  return new Tensor(
    'float32',
    Float32Array.from(indexes, (i) => vector.data[i]),
    [indexes.length],
  );
}

/** Non-zero weights of each row and column. */
export function countNonzero(weight: Weight): { readonly rows: Int32Array; readonly columns: Int32Array } {
  const { kernels, workspace } = analysisKernels();
  const [m, n] = weight.dims;
  return workspace.scope(() => {
    const w = workspace.copyIn('float32', weight.data);
    const [rows, columns] = [workspace.allocate('int32', m), workspace.allocate('int32', n)];
    kernels.f32_count_nonzero(m, n, w.ptr, rows.ptr, columns.ptr);
    return { rows: workspace.copyOut(rows), columns: workspace.copyOut(columns) };
  });
}

/** Positions at which `keep` holds. */
export function positions(keep: ArrayLike<unknown>): Int32Array<ArrayBuffer> {
  const kept: number[] = [];
  for (let i = 0; i < keep.length; i++) if (keep[i]) kept.push(i);
  return Int32Array.from(kept);
}
