/** Evidence against the weights at initialisation themselves: which weights training touched, decay taken out. */
import type { TensorData } from '../runtime/tensor.js';
import type { Block } from '../runtime/workspace.js';
import { analysisKernels } from './analysis.js';

export interface Touched {
  /** Weights that training changed beyond the common decay. */
  readonly weights: number;
  /** Touched weights of each row and of each column. */
  readonly rows: TensorData<'uint32'>;
  readonly columns: TensorData<'uint32'>;
  /** What decay left of an untouched weight: w = decay * w0; 1 without decay. */
  readonly decay: number;
}

/** Ratios that the histogram covers, in bins of 1e-4 of the log. */
const lowest = 0.01;
const highest = 1.05;
const binWidth = 1e-4;
/** Relative tolerance of the ratio test: f32 rounding over thousands of decay steps reaches 2e-6. */
const tolerance = 1e-4;

/** Middle of the fullest stretch of three bins, and how many ratios it holds. */
function modeOf(counts: TensorData<'uint32'>): { readonly ratio: number; readonly count: number } {
  let best = 1;
  let count = -1;
  for (let bin = 1; bin + 1 < counts.length; bin++) {
    const sum = counts[bin - 1] + counts[bin] + counts[bin + 1];
    if (sum > count) [best, count] = [bin, sum];
  }
  return { ratio: lowest * Math.exp((best + 0.5) * binWidth), count };
}

/** How much fuller than its surroundings the mode must be to be decay and not the crest of a smooth spread. */
const peakOverCrest = 5;

/** Most ratios in three neighbouring bins at least ten bins away from the mode. */
function crestBeside(counts: TensorData<'uint32'>, ratio: number): number {
  const mode = Math.floor(Math.log(ratio / lowest) / binWidth);
  let most = 0;
  for (let bin = 1; bin + 1 < counts.length; bin++) {
    if (Math.abs(bin - mode) < 10) continue;
    most = Math.max(most, counts[bin - 1] + counts[bin] + counts[bin + 1]);
  }
  return most;
}

/** The common factor of the untouched weights, or 1 when no ratio stands out. */
function estimateDecay(weights: Block<'float32'>, initial: Block<'float32'>): number {
  const { kernels, workspace } = analysisKernels();
  const bins = Math.ceil(Math.log(highest / lowest) / binWidth);
  return workspace.scope(() => {
    const block = workspace.allocate('uint32', bins);
    workspace.view(block).fill(0);
    kernels.f32_ratio_histogram(weights.length, weights.ptr, initial.ptr, lowest, bins, block.ptr);
    const counts = workspace.copyOut(block);
    const { ratio, count } = modeOf(counts);
    if (count < 10 || count < peakOverCrest * crestBeside(counts, ratio)) return 1;
    const [low, high] = [ratio * (1 - 1.5 * binWidth), ratio * (1 + 1.5 * binWidth)];
    return kernels.f32_mean_ratio(weights.length, weights.ptr, initial.ptr, low, high);
  });
}

/**
 * Finds the weights that training touched, from a checkpoint of the initialisation.
 * Without decay a weight is untouched iff it is bit-equal; with a common factor c (the mode of w / w0), iff
 * |w / (c w0) - 1| <= 1e-4. Coupled L2 under Adam is not a common factor, and then every weight counts as touched.
 * @param weights  [rows, columns], f32
 * @param initial  the same at initialisation
 */
export function findTouched(
  weights: Block<'float32'>,
  initial: Block<'float32'>,
  rows: number,
  columns: number,
): Touched {
  const { kernels, workspace } = analysisKernels();
  const estimated = estimateDecay(weights, initial);
  const decay = Math.abs(estimated - 1) <= tolerance ? 1 : estimated;
  return workspace.scope(() => {
    const rowBlock = workspace.allocate('uint32', rows);
    const columnBlock = workspace.allocate('uint32', columns);
    const total = kernels.f32_count_touched(
      rows,
      columns,
      weights.ptr,
      initial.ptr,
      decay,
      decay === 1 ? 0 : tolerance,
      rowBlock.ptr,
      columnBlock.ptr,
    );
    return {
      weights: total,
      rows: workspace.copyOut(rowBlock),
      columns: workspace.copyOut(columnBlock),
      decay,
    };
  });
}
