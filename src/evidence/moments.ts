import { KerfError } from '../runtime/errors.js';
import type { Block } from '../runtime/workspace.js';
import { analysisKernels } from './analysis.js';
import { loadValues } from './load-values.js';
import type { TensorInput } from './tensor-input.js';

/** Sums of a weight tensor, in f64. */
export interface Moments {
  readonly count: number;
  readonly mean: number;
  /** Root of the mean square deviation from the mean. */
  readonly std: number;
  readonly smallest: number;
  readonly largest: number;
}

/** Sums, as f32_moments writes them. */
interface Sums {
  sum: number;
  squares: number;
  smallest: number;
  largest: number;
  bad: number;
}

function sumsOf(weights: Block<'float32'>): Sums {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const out = workspace.allocate('float64', 5);
    kernels.f32_moments(weights.length, weights.ptr, out.ptr);
    const [sum, squares, smallest, largest, bad] = workspace.view(out);
    return { sum, squares, smallest, largest, bad };
  });
}

function momentsFrom(name: string, count: number, { sum, squares, smallest, largest, bad }: Sums): Moments {
  if (bad > 0) {
    throw new KerfError(
      'WEIGHT_NOT_FINITE',
      `tensor "${name}"`,
      `weights are not finite: got ${bad} NaN or infinite of ${count}, expected none. Export the model again.`,
      { count: bad, of: count },
    );
  }
  const mean = count > 0 ? sum / count : 0;
  return { count, mean, std: Math.sqrt(Math.max(0, squares / count - mean * mean)), smallest, largest };
}

/**
 * Moments of a block of weights.
 * @throws WEIGHT_NOT_FINITE when any is NaN or infinite; the sentence names the tensor and the count
 */
export function measureMoments(name: string, weights: Block<'float32'>): Moments {
  return momentsFrom(name, weights.length, sumsOf(weights));
}

/** Elements that are in the workspace at a time. */
const chunk = 1 << 20;

/**
 * The same for a tensor that is not in the workspace; it passes through in pieces.
 * @throws as {@link measureMoments}; IO_FAILED when the file has become shorter
 */
export function momentsOf(input: TensorInput): Moments {
  const { workspace } = analysisKernels();
  const count = input.rows * input.columns;
  const total: Sums = {
    sum: 0,
    squares: 0,
    smallest: Number.POSITIVE_INFINITY,
    largest: Number.NEGATIVE_INFINITY,
    bad: 0,
  };
  for (let first = 0; first < count; first += chunk) {
    workspace.scope(() => {
      const block = workspace.allocate('float32', Math.min(chunk, count - first));
      loadValues(input, block, first);
      const { sum, squares, smallest, largest, bad } = sumsOf(block);
      total.sum += sum;
      total.squares += squares;
      total.smallest = Math.min(total.smallest, smallest);
      total.largest = Math.max(total.largest, largest);
      total.bad += bad;
    });
  }
  return momentsFrom(input.name, count, total);
}
