/** Weights of calibration rows: what is rare among the decisions must not be rare in the fit. */
import { toNumbers } from '../graph/operators/elements.js';
import type { Outputs } from '../runtime/executor.js';
import { decisionKeys } from './comparison.js';
import type { Decision } from './decision.js';
import { itemsPerClass } from './guard.js';

/** With more classes than this, decisions are words rather than classes and stay as they come. */
const mostClasses = 64;

/** What every score adds to its nearness to the threshold. */
const scoreFloor = 0.1;

/**
 * Weights with mean 1: every decision class gets the same share; a single score also by how near it is to flipping,
 * s (1 - s) + .1.
 * @param outputs  the original's, on the rows
 * @returns null where all rows count alike
 */
export function rowWeights(n: number, outputs: Outputs, decision: Decision): Float64Array<ArrayBuffer> | null {
  if (decision.kind === 'error') return null;
  const keys = decisionKeys(n, outputs, decision);
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  if (counts.size < 2 || counts.size > mostClasses) return null;
  const scores = scoreOf(n, outputs, decision);
  const weights = Float64Array.from(keys, (key, row) => {
    // A class of one or two rows says too little to count like a class.
    const share = 1 / Math.max(counts.get(key) as number, itemsPerClass);
    return scores ? share * (scores[row] * (1 - scores[row]) + scoreFloor) : share;
  });
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / n;
  return weights.map((weight) => weight / mean);
}

/** The one probability of each row, where that is what the network gives. */
function scoreOf(n: number, outputs: Outputs, decision: Decision): ArrayLike<number> | null {
  const [first, ...others] = Object.values(outputs);
  if (decision.kind !== 'threshold' || others.length > 0 || first.size !== n) return null;
  const scores = Float64Array.from(toNumbers(first), Number);
  return scores.every((score) => score >= 0 && score <= 1) ? scores : null;
}
