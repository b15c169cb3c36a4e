/** Planted groups of weights: the null and the alternatives of the calibration. */
import {
  analysisKernels,
  type GroupTest,
  type Law,
  type Method,
  reject,
  tensorKey,
  testGroups,
} from '../../src/evidence/index.js';
import { draw, score } from '../../src/evidence/scores.js';
import type { Block } from '../../src/runtime/workspace.js';

/** Weights of an edge of a d-4d-d block in eight channels, as the calibration has them. */
export const groupSize = 8;

/** How a share of the groups is moved; in standard deviations of the law. */
export interface Plant {
  readonly share: number;
  /** `variance`: an added N(0, c^2); `shift`: c on all eight, either sign; `one`: c on one of the eight. */
  readonly kind: 'variance' | 'shift' | 'one';
  readonly c: number;
}

/** Adds the plant to the first share of the groups. */
function plantInto(weights: Block<'float32'>, law: Law, plant: Plant, seed: number): void {
  const { workspace } = analysisKernels();
  const moved = Math.round((plant.share * weights.length) / groupSize) * groupSize;
  workspace.scope(() => {
    const noise = workspace.allocate('float32', moved);
    const size = plant.c * law.std;
    draw({ name: 'normal', family: 'normal', scale: size, std: size }, tensorKey(seed, 'moves'), noise);
    const view = workspace.view(weights);
    const random = workspace.view(noise);
    for (let i = 0; i < moved; i++) {
      const first = i - (i % groupSize);
      const sign = Math.sign(random[first]);
      if (plant.kind === 'variance') view[i] += random[i];
      else if (plant.kind === 'shift') view[i] += sign * size;
      else if (i === first) view[i] += sign * size;
    }
  });
}

/**
 * Log p-values of a test on `groups` groups drawn from `truth` and tested against `law`.
 * The first `plant.share` of the groups are moved.
 */
export function groupLogP(
  truth: Law,
  law: Law,
  groups: number,
  seed: number,
  plant?: Plant,
  test: GroupTest = 'chi-square',
): Float64Array<ArrayBuffer> {
  const { workspace } = analysisKernels();
  return workspace.scope(() => {
    const weights = workspace.allocate('float32', groups * groupSize);
    draw(truth, tensorKey(seed, `weights ${truth.name}`), weights);
    if (plant) plantInto(weights, law, plant, seed);
    score(weights, law, null, weights);
    return testGroups(test, weights, groupSize) as Float64Array<ArrayBuffer>;
  });
}

/** Sums of squared scores of the same groups. */
export function groupSums(truth: Law, law: Law, groups: number, seed: number, plant: Plant): Float64Array<ArrayBuffer> {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const weights = workspace.allocate('float32', groups * groupSize);
    const sums = workspace.allocate('float64', groups);
    draw(truth, tensorKey(seed, `weights ${truth.name}`), weights);
    plantInto(weights, law, plant, seed);
    score(weights, law, null, weights);
    kernels.f32_row_squares(groups, groupSize, weights.ptr, 0, sums.ptr);
    return workspace.copyOut(sums) as Float64Array<ArrayBuffer>;
  });
}

/** Power and false discovery proportion of Benjamini-Hochberg when the first `moved` hypotheses are false. */
export function powerAndFdr(logP: Float64Array<ArrayBuffer>, moved: number, level: number, method?: Method) {
  const { flags } = reject(logP, level, method);
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
