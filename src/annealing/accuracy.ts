/** Right answers before and after, where the truth is known: reported, never chosen by. */
import { analysisKernels } from '../evidence/analysis.js';
import { KerfError } from '../runtime/errors.js';
import type { Outputs } from '../runtime/executor.js';
import type { Tensor } from '../runtime/tensor.js';
import { lowerBound, upperBound } from './bounds.js';
import { decide } from './comparison.js';
import type { Decision } from './decision.js';

/** The truth of each decision, sample by sample: class numbers, or whether a threshold is reached. */
export type Labels = ArrayLike<number | bigint>;

/** Accuracy on the guard, of the original and of the result, pair by pair. */
export interface Accuracy {
  /** Decisions with a label. */
  readonly n: number;
  /** Share that the original gets right. */
  readonly before: number;
  readonly after: number;
  /** Right before, wrong after. */
  readonly lost: number;
  /** Wrong before, right after. */
  readonly gained: number;
  /** after - before. */
  readonly change: number;
  /** Two-sided interval of the change, at the certificate's confidence; null where decisions are not independent. */
  readonly interval: readonly [lower: number, upper: number] | null;
  /** Exact McNemar test: that as many are lost as gained, two-sided; null where decisions are not independent. */
  readonly pValue: number | null;
}

/**
 * Exact McNemar test. Null hypothesis: a decision of which just one network is right is as likely lost as gained;
 * min(1, 2 P(X <= min(lost, gained))), X ~ Binomial(lost + gained, 1/2). McNemar 1947.
 * @example  mcNemar(2, 8) // 0.109375
 */
export function mcNemar(lost: number, gained: number): number {
  const [n, least] = [lost + gained, Math.min(lost, gained)];
  // P(X <= least) = I_1/2(n - least, least + 1).
  return n === 0 ? 1 : Math.min(1, 2 * analysisKernels().kernels.f64_incomplete_beta(0.5, n - least, least + 1));
}

/**
 * An interval of gained / n - lost / n from the Clopper-Pearson bounds of both rates, each at a quarter of what may fail:
 * exact whatever the number of discordant pairs, and wider than those that take it as given.
 */
export function changeInterval(lost: number, gained: number, n: number, confidence: number): [number, number] {
  const each = 1 - (1 - confidence) / 4;
  const [up, down] = [gained, lost].map((count) => [lowerBound(count, n, each), upperBound(count, n, each)]);
  return [up[0] - down[1], up[1] - down[0]];
}

/** Refuses labels that are no class of the output, as when classes are numbered from 1 on. */
function requireClasses(labels: Labels, { type, dims }: Tensor, { kind }: Decision): void {
  // An output of whole numbers has whatever classes it gives.
  if (!type.startsWith('float')) return;
  const classes = kind === 'threshold' ? 2 : (dims.at(-1) ?? 1);
  const at = Array.from(labels, Number).findIndex((label) => !(label >= 0 && label < classes));
  if (at < 0) return;
  const problem = `label ${at} is no class of the output: got ${labels[at]}, expected 0 to ${classes - 1}. Number the classes as the model does.`;
  throw new KerfError('DATA_INVALID', '--labels', problem, { got: labels[at], classes });
}

/**
 * Compares two networks with the truth.
 * @param labels  one for each decision of the first output
 * @param items  how many of them are independent: samples, or clusters of them; where there are fewer than decisions,
 *   nothing is said beyond the counts
 * @throws DATA_INVALID when there is another number of labels than of decisions, or a label that no decision can be;
 *   OPTION_INVALID for relative errors
 */
export function measureAccuracy(
  labels: Labels,
  original: Outputs,
  changed: Outputs,
  decision: Decision,
  confidence: number,
  items: number,
): Accuracy {
  const name = Object.keys(original)[0];
  if (decision.kind === 'error')
    throw new KerfError('OPTION_INVALID', '--labels', 'relative errors have no right answer. Leave the labels out.');
  const [before, after] = [original, changed].map((outputs) => decide(outputs[name], decision));
  const n = before.length;
  if (labels.length !== n) {
    const problem = `one label per decision is needed: got ${labels.length}, expected ${n}. Give one for each guard item.`;
    throw new KerfError('DATA_INVALID', '--labels', problem, { got: labels.length, expected: n });
  }
  requireClasses(labels, original[name], decision);
  const areClustered = items < n;
  let [right, lost, gained] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const label = Number(labels[i]);
    if (before[i] === label) right++;
    if (before[i] === label && after[i] !== label) lost++;
    if (before[i] !== label && after[i] === label) gained++;
  }
  return {
    n,
    before: right / n,
    after: (right - lost + gained) / n,
    lost,
    gained,
    change: (gained - lost) / n,
    interval: areClustered ? null : changeInterval(lost, gained, n, confidence),
    pValue: areClustered ? null : mcNemar(lost, gained),
  };
}
