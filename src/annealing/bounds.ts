/** Exact one-sided bounds on a rate, and how many items a promise needs. */
import { analysisKernels } from '../evidence/analysis.js';

/** What the guard has to show: with `confidence`, the decision differs on at most `maxDisagreement` of inputs. */
export interface GuardPromise {
  readonly maxDisagreement: number;
  readonly confidence: number;
}

/**
 * One-sided Clopper-Pearson upper bound on a rate after `seen` of `n` items.
 * Null hypothesis: the rate is at least the bound. Exact for independent items. Clopper and Pearson 1934.
 * @param confidence  one-sided, in (0, 1)
 * @example  upperBound(16, 5000, 0.95) // 0.00486
 */
export function upperBound(seen: number, n: number, confidence: number): number {
  return n === 0 ? 1 : analysisKernels().kernels.f64_binomial_upper(seen, n, confidence);
}

/** One-sided Clopper-Pearson lower bound; see {@link upperBound}. */
export function lowerBound(seen: number, n: number, confidence: number): number {
  return n === 0 ? 0 : analysisKernels().kernels.f64_binomial_lower(seen, n, confidence);
}

/**
 * The smallest number of guard items whose bound can reach the promise, all of them agreeing.
 * @example  itemsNeeded({ maxDisagreement: 0.005, confidence: 0.95 }) // 598
 */
export function itemsNeeded({ maxDisagreement, confidence }: GuardPromise): number {
  if (maxDisagreement === 0) return 1; // No bound is zero: what is kept is exact, and the guard only shows it.
  let n = Math.ceil(Math.log(1 - confidence) / Math.log1p(-maxDisagreement));
  while (upperBound(0, n, confidence) > maxDisagreement) n++;
  while (n > 1 && upperBound(0, n - 1, confidence) <= maxDisagreement) n--;
  return n;
}

/**
 * The most disagreements among n guard items with which the promise still holds; -1 where none is allowed.
 * @example  mostDisagreements(5000, { maxDisagreement: 0.005, confidence: 0.95 }) // 16
 */
export function mostDisagreements(n: number, { maxDisagreement, confidence }: GuardPromise): number {
  let [first, end] = [0, Math.floor(n * maxDisagreement) + 1];
  while (first < end) {
    const middle = (first + end) >> 1;
    if (upperBound(middle, n, confidence) <= maxDisagreement) first = middle + 1;
    else end = middle;
  }
  return first - 1;
}

/** A confidence in percent, with all its digits: rounded, it could become certainty. */
export const formatConfidence = (confidence: number): string => `${Number((100 * confidence).toPrecision(14))} %`;
