/** Group tests by their definitions, plain f64. */
import { normalLogTailOracle } from './distributions.js';

const twoSided = (z: number) => Math.min(1, 2 * Math.exp(normalLogTailOracle(Math.abs(z))));

/** P(U_(j) < b_j for some j): counts of points carried over the intervals between the bounds. */
export function lowerCrossingOracle(b: readonly number[]): number {
  const n = b.length;
  let law = [1, ...new Array<number>(n).fill(0)]; // probability of k points below the last bound, none crossed
  let last = 0;
  for (const [i, bound] of b.entries()) {
    const share = last < 1 ? (bound - last) / (1 - last) : 0;
    const next = new Array<number>(n + 1).fill(0);
    for (let k = 0; k <= i; k++) {
      for (let more = 0; k + more <= i; more++) {
        // At most i points may lie below b_(i + 1).
        next[k + more] += law[k] * choose(n - k, more) * share ** more * (1 - share) ** (n - k - more);
      }
    }
    law = next;
    last = bound;
  }
  return 1 - law.reduce((sum, p) => sum + p, 0);
}

function choose(n: number, k: number): number {
  let value = 1;
  for (let i = 0; i < k; i++) value *= (n - i) / (i + 1);
  return value;
}

export function maxOracle(z: readonly number[]): number {
  return -Math.expm1(z.length * Math.log1p(-Math.min(...z.map(twoSided))));
}

export function meanOracle(z: readonly number[]): number {
  return twoSided(z.reduce((sum, value) => sum + value, 0) / Math.sqrt(z.length));
}

/** The higher criticism statistic. */
export function higherCriticismOracle(z: readonly number[]): number {
  const n = z.length;
  const p = z.map(twoSided).sort((a, b) => a - b);
  const values = p.slice(0, (n + 1) >> 1).map((value, i) => {
    return (Math.sqrt(n) * ((i + 1) / n - value)) / Math.sqrt(value * (1 - value));
  });
  return Math.max(...values);
}

/** Its p-value: each bound by bisection, then the crossing probability. */
export function higherCriticismPOracle(z: readonly number[]): number {
  const n = z.length;
  const statistic = higherCriticismOracle(z);
  if (statistic <= 0) return 1;
  const half = (n + 1) >> 1;
  const bounds = z.map((_, i) => {
    const x = Math.min(i + 1, half) / n;
    let [low, high] = [0, x];
    for (let step = 0; step < 200; step++) {
      const b = 0.5 * (low + high);
      if ((Math.sqrt(n) * (x - b)) / Math.sqrt(b * (1 - b)) > statistic) low = b;
      else high = b;
    }
    return low;
  });
  return lowerCrossingOracle(bounds);
}

export function andersonDarlingOracle(z: readonly number[]): number {
  const n = z.length;
  const sorted = [...z].sort((a, b) => a - b);
  let sum = 0;
  for (let j = 0; j < n; j++) {
    sum += (2 * j + 1) * (normalLogTailOracle(-sorted[j]) + normalLogTailOracle(sorted[n - 1 - j]));
  }
  return -n - sum / n;
}
