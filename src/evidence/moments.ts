import { KerfError } from '../runtime/errors.js';
import type { TensorData } from '../runtime/tensor.js';
import type { Block } from '../runtime/workspace.js';
import { analysisKernels } from './analysis.js';

/** Sums of a weight tensor, in f64. */
export interface Moments {
  readonly count: number;
  readonly mean: number;
  /** Root of the mean square deviation from the mean. */
  readonly std: number;
  readonly smallest: number;
  readonly largest: number;
}

/**
 * Moments of a block of weights.
 * @throws WEIGHT_NOT_FINITE when any is NaN or infinite; the sentence names the tensor and the count
 */
export function measureMoments(name: string, weights: Block<'float32'>): Moments {
  const { kernels, workspace } = analysisKernels();
  const count = weights.length;
  return workspace.scope(() => {
    const out = workspace.allocate('float64', 5); // sum, sum of squares, smallest, largest, not finite
    kernels.f32_moments(count, weights.ptr, out.ptr);
    const [sum, squares, smallest, largest, bad] = workspace.view(out);
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
  });
}

/** The same for weights that are not in the workspace. */
export function momentsOf(name: string, values: TensorData<'float32'>): Moments {
  const { workspace } = analysisKernels();
  return workspace.scope(() => measureMoments(name, workspace.copyIn('float32', values)));
}
