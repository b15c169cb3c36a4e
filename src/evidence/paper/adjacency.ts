/** Boolean adjacency as bits; assembly/statistics/edges.ts draws the layout. */
import type { TensorData } from '../../runtime/tensor.js';
import type { Block } from '../../runtime/workspace.js';
import { analysisKernels } from '../analysis.js';

/** Edges from columns to rows. */
export interface Adjacency {
  readonly rows: number;
  readonly columns: number;
  /** [rows, ceil(columns / 32)]. */
  readonly bits: TensorData<'uint32'>;
  readonly edges: number;
}

export function wordsOf(rows: number, columns: number): number {
  return rows * Math.ceil(columns / 32);
}

/** Room for the marks of a matrix in the workspace. */
export function allocateMarks(rows: number, columns: number): Block<'uint32'> {
  return analysisKernels().workspace.allocate('uint32', wordsOf(rows, columns));
}

/** An adjacency that has every edge: what stands where nothing can be tested. */
export function fullAdjacency(rows: number, columns: number): Adjacency {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const zeros = workspace.allocate('float32', rows * columns);
    workspace.view(zeros).fill(0);
    const marks = allocateMarks(rows, columns);
    const edges = kernels.f32_mark_beyond(rows, columns, zeros.ptr, 0, marks.ptr);
    return { rows, columns, bits: workspace.copyOut(marks), edges };
  });
}

/** The targets of every column, ascending, each raised by `base`. */
export function targetsOf({ rows, columns, bits, edges }: Adjacency, base: number): Int32Array<ArrayBuffer>[] {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const marks = workspace.copyIn('uint32', bits);
    const degrees = workspace.allocate('int32', columns);
    const scratch = workspace.allocate('int32', rows);
    const list = workspace.allocate('int32', Math.max(1, edges));
    kernels.mark_degrees(rows, columns, marks.ptr, scratch.ptr, degrees.ptr);
    const next = workspace.view(degrees);
    let first = 0;
    const starts = next.map((degree) => {
      first += degree;
      return first - degree;
    });
    next.set(starts);
    kernels.mark_targets(rows, columns, marks.ptr, base, degrees.ptr, list.ptr);
    const targets = workspace.copyOut(list);
    return Array.from(starts, (start, j) => targets.subarray(start, j + 1 < columns ? starts[j + 1] : edges));
  });
}

/** Edges that two adjacencies of one shape have in common, over those that either has; 1 when both are empty. */
export function jaccard(a: Adjacency, b: Adjacency): number {
  const { kernels, workspace } = analysisKernels();
  const common = workspace.scope(() => {
    const [first, second] = [workspace.copyIn('uint32', a.bits), workspace.copyIn('uint32', b.bits)];
    return kernels.mark_overlap(first.length, first.ptr, second.ptr);
  });
  const either = a.edges + b.edges - common;
  return either === 0 ? 1 : common / either;
}

/**
 * The Jaccard index that two adjacencies of these sizes reach by chance: each edge of one falls on an edge of the
 * other with the share that the other has of all places.
 */
export function chanceJaccard(a: Adjacency, b: Adjacency): number {
  const common = (a.edges * b.edges) / (a.rows * a.columns);
  const either = a.edges + b.edges - common;
  return either === 0 ? 1 : common / either;
}
