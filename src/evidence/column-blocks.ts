/** Domains of inputs, from the weights alone: columns that go the same way belong together. */
import type { Block } from '../runtime/workspace.js';
import { analysisKernels } from './analysis.js';
import type { BlockStructure } from './blocks.js';
import { correlationBlocks } from './correlation-blocks.js';

/** Rows from which a correlation of columns means something, and columns up to which all pairs are looked at. */
const fewestRows = 32;
const mostColumns = 1024;

/**
 * Blocks of the columns of W by their squared correlations. Null hypothesis: entries are independent with mean 0.
 * @param weights  [rows, columns], f32
 * @returns null when there are too few rows or too many columns to say
 */
export function columnBlocks(
  weights: Block<'float32'>,
  rows: number,
  columns: number,
  seed: number,
): BlockStructure | null {
  if (rows < fewestRows || columns < 4 || columns > mostColumns) return null;
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const stride = Math.ceil(rows / 4) * 4;
    const turned = workspace.allocate('float32', columns * stride);
    const gram = workspace.allocate('float64', columns * columns);
    const squared = workspace.allocate('float64', columns * columns);
    workspace.view(turned).fill(0);
    kernels.f32_transpose(rows, columns, weights.ptr, columns, turned.ptr, stride);
    kernels.f32_gram(columns, rows, turned.ptr, stride, gram.ptr);
    kernels.f64_squared_correlations(columns, gram.ptr, squared.ptr);
    const features = (rows * (rows + 1)) / 2 - 1;
    return correlationBlocks(workspace.copyOut(squared), columns, rows, { seed, features });
  });
}
