/**
 * Fixed-sequence testing: stages come from gentle to aggressive in an order that the guard did not influence, the first
 * failure stops, and a pass is kept, the last unless it does not pay. So each stage may be tested at the full level: a
 * promise is broken only if a stage whose true rate exceeds it passes, and the first such stage passes with probability
 * at most 1 - confidence.
 */
import type { Stage } from './annealing.js';
import { type GuardPromise, upperBound } from './bounds.js';
import type { Fallback } from './cascade.js';
import type { ClassAgreement } from './comparison.js';

/** Independent items that a decision class needs before anything is said of it. */
export const itemsPerClass = 3;

/**
 * Level of a control: a fixed 2 %, or the promise where that is weaker. A control asks whether the function leans on
 * what is to be removed at all, not whether the promise holds.
 */
const controlDisagreement = 0.02;

/** One stage before it is tested. */
export interface Candidate<T> {
  readonly name: string;
  readonly macs: number;
  readonly value: T;
  /** A test that the stages behind it depend on; it must pass at the level of a control and is never kept itself. */
  readonly isControl?: boolean;
  /** Whether it gives the original's bits on every input, by construction. */
  readonly isExact?: boolean;
  /** Which rows run the original instead; `macs` then counts them. */
  readonly fallback?: Fallback;
}

export interface Tested<T> {
  /** Every stage that was tested; the last one failed, unless all passed. */
  readonly stages: readonly Stage[];
  /** Those that passed and may be kept: the promise holds for each of them. */
  readonly passed: readonly Candidate<T>[];
}

/** Applies the promise to counts. */
export function judge(name: string, macs: number, n: number, seen: number, promise: GuardPromise): Stage {
  const bound = upperBound(seen, n, promise.confidence);
  return { name, macs, n, seen, bound, passed: bound <= promise.maxDisagreement };
}

function controlPromise({ maxDisagreement, confidence }: GuardPromise): GuardPromise {
  return { maxDisagreement: Math.max(maxDisagreement, controlDisagreement), confidence };
}

/**
 * Tests candidates in order until one fails.
 * @param candidates  made one at a time, only while the ones before passed
 * @param count  disagreements of a candidate on the guard
 */
export async function testInSequence<T>(
  candidates: AsyncIterable<Candidate<T>> | Iterable<Candidate<T>>,
  count: (candidate: Candidate<T>) => Promise<{ n: number; seen: number }> | { n: number; seen: number },
  promise: GuardPromise,
): Promise<Tested<T>> {
  const stages: Stage[] = [];
  const passed: Candidate<T>[] = [];
  for await (const candidate of candidates) {
    const { n, seen } = await count(candidate);
    const { name, macs, isControl = false, isExact = false } = candidate;
    const judged = judge(name, macs, n, seen, isControl ? controlPromise(promise) : promise);
    // What is exact needs no bound, so it also holds where nothing may change.
    const stage = isExact ? { ...judged, passed: seen === 0 } : judged;
    stages.push(stage);
    if (!stage.passed) break;
    if (!isControl) passed.push(candidate);
  }
  return { stages, passed };
}

/**
 * Whether the guard can prove anything: the original must give at least two different decisions, each on enough items.
 * An always-no network agrees with a network that says yes once in fifty; such a guard proves nothing.
 */
export function isInformative(classes: readonly ClassAgreement[]): boolean {
  if (classes.length === 1 && classes[0].decision === 'all') return classes[0].n > 0;
  return classes.filter(({ n }) => n >= itemsPerClass).length >= 2;
}
