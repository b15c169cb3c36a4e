/** Multiple testing by its definitions, on plain p-values. */

export function bonferroniOracle(p: readonly number[], level: number): boolean[] {
  return p.map((value) => value <= level / p.length);
}

/** Rejects while the smallest remaining p-value passes level / (hypotheses remaining). */
export function holmOracle(p: readonly number[], level: number): boolean[] {
  const order = p.map((_, i) => i).sort((a, b) => p[a] - p[b]);
  const rejected = p.map(() => false);
  for (const [rank, i] of order.entries()) {
    if (p[i] > level / (p.length - rank)) break;
    rejected[i] = true;
  }
  return rejected;
}

/** Rejects p_i iff some k has at least k p-values at or below k level / n, with p_i among them. */
export function benjaminiHochbergOracle(p: readonly number[], level: number): boolean[] {
  let cut = -1;
  for (let k = 1; k <= p.length; k++) {
    const bound = (k * level) / p.length;
    if (p.filter((value) => value <= bound).length >= k) cut = bound;
  }
  return p.map((value) => value <= cut);
}

/** Benjamini-Hochberg at level / pi0, pi0 = (number of p > 1/2, plus one) / (n / 2), at most 1. */
export function storeyOracle(p: readonly number[], level: number): boolean[] {
  const share = Math.min(1, (p.filter((value) => value > 0.5).length + 1) / (0.5 * p.length));
  return benjaminiHochbergOracle(p, level / share);
}
