/** What a report draws of a tensor: p-values against the uniform null, and where the supported weights lie. */
import type { TensorData } from '../runtime/tensor.js';
import type { Block } from '../runtime/workspace.js';
import { analysisKernels } from './analysis.js';
import type { FamilyResult, PValueHistogram, SpyPlot, TensorPictures } from './evidence.js';
import { orderByBlocks, orderByComponents, type SupportOrder } from './support-order.js';

const bins = 20;
/** Most cells of a spy plot along a side. */
const mostCells = 48;

/** Counts of a few p-values, by their logarithms. */
export function pValueHistogram(logP: TensorData<'float64'>): PValueHistogram {
  const counts = new Array<number>(bins).fill(0);
  for (const value of logP) counts[Math.max(0, Math.min(bins, Math.ceil(Math.exp(value) * bins)) - 1)]++;
  return counts;
}

function weightHistogram(scores: Block<'float32'>): PValueHistogram {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const cuts = workspace.allocate('float32', bins - 1);
    const counts = workspace.allocate('uint32', bins);
    workspace.view(cuts).set(sizesAt(bins));
    kernels.f32_p_value_histogram(scores.length, scores.ptr, bins, cuts.ptr, counts.ptr);
    return [...workspace.view(counts)];
  });
}

/** |z| of the two-sided p-values 1 / bins, 2 / bins, ... */
function sizesAt(count: number): number[] {
  const { kernels } = analysisKernels();
  return Array.from({ length: count - 1 }, (_, b) => kernels.f64_normal_quantile(Math.log((b + 1) / (2 * count))));
}

/** Cells of `size` rows or columns in the given order: neighbours share a cell. */
function cellsOf(order: readonly number[], cells: number): Uint32Array<ArrayBuffer> {
  const cellOf = new Uint32Array(order.length);
  order.forEach((node, place) => {
    cellOf[node] = Math.floor((place * cells) / order.length);
  });
  return cellOf;
}

function spy(
  scores: Block<'float32'>,
  cut: number,
  { rows, columns }: Pick<SupportOrder, 'rows' | 'columns'>,
): SpyPlot {
  const { kernels, workspace } = analysisKernels();
  const [M, N] = [rows.length, columns.length];
  const [height, width] = [Math.min(M, mostCells), Math.min(N, mostCells)];
  const [rowCells, columnCells] = [cellsOf(rows, height), cellsOf(columns, width)];
  const counts = workspace.scope(() => {
    const rowCell = workspace.copyIn('uint32', rowCells);
    const columnCell = workspace.copyIn('uint32', columnCells);
    const block = workspace.allocate('uint32', height * width);
    workspace.view(block).fill(0);
    kernels.f32_count_cells(M, N, scores.ptr, cut, rowCell.ptr, columnCell.ptr, width, block.ptr);
    return workspace.copyOut(block);
  });
  const sizes = (cells: Uint32Array, count: number) => {
    const size = new Array<number>(count).fill(0);
    for (const cell of cells) size[cell]++;
    return size;
  };
  const [tall, wide] = [sizes(rowCells, height), sizes(columnCells, width)];
  const shares = Array.from(counts, (c, i) => c / (tall[Math.floor(i / width)] * wide[i % width]));
  return { height, width, shares };
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

function supportOf(
  scores: Block<'float32'>,
  rows: number,
  columns: number,
  { supported, tested, level }: FamilyResult,
  blocks: TensorData<'int32'> | null,
): TensorPictures['support'] {
  if (supported === 0 || Math.min(rows, columns) < 2) return null;
  const cut = analysisKernels().kernels.f64_normal_quantile(Math.log((supported * level) / (2 * tested)));
  const byComponents = orderByComponents(scores, rows, columns, cut);
  const { components, isolated } = byComponents;
  const isBlocks = blocks?.some((label) => label > 0) ?? false;
  const order = blocks && isBlocks ? orderByBlocks(scores, rows, blocks, cut) : byComponents;
  return {
    before: spy(scores, cut, { rows: upTo(rows), columns: upTo(columns) }),
    after: spy(scores, cut, order),
    order: isBlocks ? 'blocks' : 'components',
    components,
    isolated,
  };
}

export interface DrawOptions {
  /** Blocks of the columns, or null. */
  readonly blocks: TensorData<'int32'> | null;
}

/** What has been tested: scores [rows, columns], and the log p-values of rows and columns. */
export interface Tested {
  readonly scores: Block<'float32'>;
  readonly weights: FamilyResult;
  readonly rowLogP: TensorData<'float64'>;
  readonly columnLogP: TensorData<'float64'>;
}

/** Draws one tensor; reads the scores and leaves them as they are. */
export function drawPictures(
  { scores, weights, rowLogP, columnLogP }: Tested,
  { blocks }: DrawOptions,
): TensorPictures {
  return {
    weights: weightHistogram(scores),
    rows: pValueHistogram(rowLogP),
    columns: pValueHistogram(columnLogP),
    support: supportOf(scores, rowLogP.length, columnLogP.length, weights, blocks),
  };
}
