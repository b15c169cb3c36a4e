/** Planted groups of weights: the null and the alternatives of the calibration. */
import { analysisKernels, chiSquareLogP, type Law, reject, tensorKey } from '../../../src/evidence/index.js';
import { draw, score } from '../../../src/evidence/scores.js';

/** Weights of an edge of a d-4d-d block in eight channels, as the calibration has them. */
export const groupSize = 8;

/** How a share of the groups is moved; `c` in standard deviations of the law. */
export interface Plant {
  readonly share: number;
  readonly c: number;
}

/**
 * Log p-values of the chi-square test of `groups` groups drawn from `truth` and tested against `law`.
 * The first `plant.share` of the groups get an added N(0, c^2).
 */
export function groupLogP(
  truth: Law,
  law: Law,
  groups: number,
  seed: number,
  plant?: Plant,
): Float64Array<ArrayBuffer> {
  const { kernels, workspace } = analysisKernels();
  const n = groups * groupSize;
  return workspace.scope(() => {
    const weights = workspace.allocate('float32', n);
    const sums = workspace.allocate('float64', groups);
    draw(truth, tensorKey(seed, 'weights'), weights);
    if (plant) {
      const moved = Math.round(plant.share * n);
      const noise = workspace.allocate('float32', moved);
      const normal: Law = { name: 'normal', family: 'normal', scale: plant.c * law.std, std: plant.c * law.std };
      draw(normal, tensorKey(seed, 'moves'), noise);
      const view = workspace.view(weights);
      const added = workspace.view(noise);
      for (let i = 0; i < moved; i++) view[i] += added[i];
    }
    score(weights, law, null, weights);
    kernels.f32_row_squares(groups, groupSize, weights.ptr, 0, sums.ptr);
    return chiSquareLogP(workspace.copyOut(sums), groupSize);
  });
}

/** Power and false discovery proportion of Benjamini-Hochberg when the first `moved` hypotheses are false. */
export function powerAndFdr(logP: Float64Array<ArrayBuffer>, moved: number, level: number) {
  const { flags } = reject(logP, level);
  let found = 0;
  let wrong = 0;
  for (let i = 0; i < flags.length; i++) {
    if (i < moved) found += flags[i];
    else wrong += flags[i];
  }
  return { power: found / moved, fdr: wrong / Math.max(1, found + wrong) };
}

/** Half width that a binomial share leaves with probability below 1e-5. */
export function binomialTolerance(p: number, trials: number): number {
  return 4.5 * Math.sqrt((p * (1 - p)) / trials) + 1 / trials;
}
