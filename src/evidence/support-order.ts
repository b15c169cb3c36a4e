/** Orders of rows and columns that show the structure of the supported weights, if there is any. */
import type { TensorData } from '../runtime/tensor.js';
import type { Block } from '../runtime/workspace.js';
import { analysisKernels } from './analysis.js';

export interface SupportOrder {
  /** Rows and columns in the order in which they are drawn. */
  readonly rows: readonly number[];
  readonly columns: readonly number[];
}

export interface ComponentOrder extends SupportOrder {
  /** Components with a supported weight. */
  readonly components: number;
  /** Rows and columns without one. */
  readonly isolated: number;
}

/** Positions 0..n-1 sorted by several keys, each ascending. */
function sortedBy(n: number, ...keys: readonly ((i: number) => number)[]): number[] {
  const compare = (a: number, b: number) => {
    for (const key of keys) if (key(a) !== key(b)) return key(a) - key(b);
    return a - b;
  };
  return Array.from({ length: n }, (_, i) => i).sort(compare);
}

/**
 * Largest component first, within it by supported weights, nodes without any at the end.
 * @param scores  [rows, columns]; supported iff |z| >= cut
 */
export function orderByComponents(
  scores: Block<'float32'>,
  rows: number,
  columns: number,
  cut: number,
): ComponentOrder {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const component = workspace.allocate('uint32', rows + columns);
    const degree = workspace.allocate('uint32', rows + columns);
    kernels.f32_support_components(rows, columns, scores.ptr, cut, component.ptr, degree.ptr);
    const [names, degrees] = [workspace.copyOut(component), workspace.copyOut(degree)];
    const edges = new Map<number, number>();
    for (const [node, name] of names.entries()) edges.set(name, (edges.get(name) ?? 0) + degrees[node]);
    const order = (n: number, first: number) =>
      sortedBy(
        n,
        (i) => -edges.get(names[first + i])!,
        (i) => names[first + i],
        (i) => -degrees[first + i],
      );
    const components = [...edges.values()].filter((count) => count > 0).length;
    const isolated = edges.size - components;
    return { rows: order(rows, 0), columns: order(columns, rows), components, isolated };
  });
}

/**
 * Columns by block; each row beside the block in which the largest share of its weights is supported.
 * @param blocks  block of each column, 0..
 */
export function orderByBlocks(
  scores: Block<'float32'>,
  rows: number,
  blocks: TensorData<'int32'>,
  cut: number,
): SupportOrder {
  const { kernels, workspace } = analysisKernels();
  const columns = blocks.length;
  const sizes: number[] = [];
  for (const block of blocks) sizes[block] = (sizes[block] ?? 0) + 1;
  const k = sizes.length;
  return workspace.scope(() => {
    const self = workspace.copyIn(
      'uint32',
      Uint32Array.from({ length: rows }, (_, i) => i),
    );
    const labels = workspace.copyIn('uint32', Uint32Array.from(blocks));
    const counts = workspace.allocate('uint32', rows * k);
    workspace.view(counts).fill(0);
    kernels.f32_count_cells(rows, columns, scores.ptr, cut, self.ptr, labels.ptr, k, counts.ptr);
    const view = workspace.view(counts);
    const home = Array.from({ length: rows }, (_, i) => {
      const shares = sizes.map((size, b) => view[i * k + b] / size);
      return shares.indexOf(Math.max(...shares));
    });
    return {
      rows: sortedBy(rows, (i) => home[i]),
      columns: sortedBy(columns, (i) => blocks[i]),
    };
  });
}
