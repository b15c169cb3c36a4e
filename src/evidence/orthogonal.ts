/** Matrices whose entries depend on each other as orthogonal rows make them: singular values more equal than noise. */
import type { Block } from '../runtime/workspace.js';
import { analysisKernels } from './analysis.js';
import type { SpectrumResult } from './evidence.js';
import { score } from './scores.js';
import { smallestBulk } from './spectrum.js';
import { kolmogorovSmirnov, sortScratch } from './tensor-tests.js';

/** Far below the Tracy-Widom law's .001 quantile, -4.9. */
const tooEqual = -5.5;
/** Distance from a normal law that entries of an orthogonal matrix may have; few large entries make values equal too. */
const largestDistance = 0.03;

/** Whether the largest singular value lies below what independent entries of scale `sigma` would give. */
function isTooEqual({ values, longerSide }: SpectrumResult, sigma: number): boolean {
  const [a, b] = [Math.sqrt(values.length - 1), Math.sqrt(longerSide)];
  const scale = (a + b) * Math.cbrt(1 / a + 1 / b);
  return values[0] ** 2 < sigma ** 2 * ((a + b) ** 2 + tooEqual * scale);
}

/**
 * Whether a matrix looks orthogonal up to scales.
 * @param weights  its elements, f32
 * @param std  their standard deviation
 */
export function looksOrthogonal(weights: Block<'float32'>, spectrum: SpectrumResult, std: number): boolean {
  // Of biwhitened values the scale is their own.
  if (spectrum.values.length < smallestBulk || !isTooEqual(spectrum, spectrum.refitted ? spectrum.sigma : std)) {
    return false;
  }
  const { workspace } = analysisKernels();
  return workspace.scope(() => {
    const scores = workspace.allocate('float32', weights.length);
    const scratch = workspace.allocate('float32', weights.length + sortScratch);
    score(weights, { name: 'normal', family: 'normal', scale: std, std }, null, scores);
    return kolmogorovSmirnov(scores, scratch).ks <= Math.max(largestDistance, 1.63 / Math.sqrt(weights.length));
  });
}
