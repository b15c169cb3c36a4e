/** Eigenvalues, and the leading eigenvectors, of symmetric matrices in the workspace. */
import { KerfError } from '../runtime/errors.js';
import type { TensorData } from '../runtime/tensor.js';
import type { Block } from '../runtime/workspace.js';
import { analysisKernels } from './analysis.js';

export interface Leading {
  /** All eigenvalues, descending. */
  readonly values: TensorData<'float64'>;
  /** [count, n]: eigenvectors of the largest eigenvalues, one a row. */
  readonly vectors: TensorData<'float64'>;
}

/**
 * Eigenvalues of a symmetric matrix and the eigenvectors of its largest ones.
 * @param matrix  [n, n], f64; destroyed
 * @param count  eigenvectors wanted, 0..n
 * @complexity 2/3 n^3 + count n^2 multiply-adds
 */
export function leadingEigenvectors(matrix: Block<'float64'>, n: number, count: number): Leading {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const diagonal = workspace.allocate('float64', n);
    const off = workspace.allocate('float64', n);
    const settled = workspace.allocate('float64', n);
    const scratch = workspace.allocate('float64', Math.max(5 * n, kernels.tridiagonaliseScratch(n)));
    const vectors = workspace.allocate('float64', count * n);
    kernels.f64_tridiagonalise(n, matrix.ptr, diagonal.ptr, off.ptr, scratch.ptr);
    // QL destroys its input, and inverse iteration needs it.
    workspace.view(settled).set(workspace.view(diagonal));
    workspace.view(scratch).set(workspace.view(off));
    if (kernels.f64_tridiagonal_ql(n, settled.ptr, scratch.ptr, 0) === 0) {
      throw new KerfError('INTERNAL', 'eigenvalues', `one of a ${n} x ${n} matrix did not settle.`);
    }
    const values = workspace.view(settled).sort().reverse();
    kernels.f64_tridiagonal_vectors(n, diagonal.ptr, off.ptr, count, settled.ptr, vectors.ptr, scratch.ptr);
    kernels.f64_apply_reflectors(n, matrix.ptr, count, vectors.ptr);
    return { values: values.slice(), vectors: workspace.copyOut(vectors) };
  });
}
