/** Plain f64 distributions: the slow truth beside assembly/statistics. */

/** ln Phi(-x): erfc by its Taylor series near 0, by its continued fraction in the tail. */
export function normalLogTailOracle(x: number): number {
  if (x < 0) return Math.log1p(-Math.exp(normalLogTailOracle(-x)));
  if (x < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 200; n++) {
      term *= (x * x) / (2 * n + 1);
      sum += term;
    }
    return Math.log(0.5 - (sum * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI));
  }
  let fraction = x;
  for (let n = 300; n > 0; n--) fraction = x + n / fraction;
  return -0.5 * x * x - 0.5 * Math.log(2 * Math.PI) - Math.log(fraction);
}

/** The x >= 0 with ln Phi(-x) = logP, by bisection. */
export function normalQuantileOracle(logP: number): number {
  let low = 0;
  let high = 1e6;
  for (let step = 0; step < 200; step++) {
    const middle = 0.5 * (low + high);
    if (normalLogTailOracle(middle) > logP) low = middle;
    else high = middle;
  }
  return low;
}

/** ln Gamma(a), a a whole or half number: by the recurrence from Gamma(1) = 1 and Gamma(1/2) = sqrt(pi). */
export function logGammaOracle(a: number): number {
  let sum = Number.isInteger(a) ? 0 : 0.5 * Math.log(Math.PI);
  for (let k = Number.isInteger(a) ? 1 : 0.5; k < a; k++) sum += Math.log(k);
  return sum;
}

/** ln P(chi^2_df > x): the finite sums for whole df (Poisson tail; for odd df, from the normal tail on). */
export function chiSquareLogTailOracle(x: number, df: number): number {
  const y = 0.5 * x;
  const logs: number[] = [];
  let start = 0;
  if (df % 2 === 1) {
    logs.push(Math.log(2) + normalLogTailOracle(Math.sqrt(x)));
    start = 0.5;
  }
  for (let k = start; k < df / 2; k++) logs.push(k * Math.log(y) - y - logGammaOracle(k + 1));
  const largest = Math.max(...logs);
  return largest + Math.log(logs.reduce((sum, value) => sum + Math.exp(value - largest), 0));
}

/** P(w > x scale) for x >= 0 under a law of the given family. */
export function upperTailOracle(family: 'normal' | 'truncated-normal' | 'uniform', x: number): number {
  const tail = (t: number) => Math.exp(normalLogTailOracle(t));
  if (family === 'uniform') return Math.max(0, 0.5 * (1 - x));
  if (family === 'normal') return tail(x);
  // The difference of two tails cancels near the edge, so the mass there is integrated (Simpson).
  if (x >= 2) return 0;
  const steps = 200;
  const width = (2 - x) / steps;
  let sum = 0;
  for (let i = 0; i <= steps; i++) {
    const weight = i === 0 || i === steps ? 1 : 2 + 2 * (i % 2);
    sum += weight * Math.exp(-0.5 * (x + i * width) ** 2);
  }
  return (sum * width) / 3 / Math.sqrt(2 * Math.PI) / (1 - 2 * tail(2));
}

/** z = +-Phi^-1(min(F, 1 - F)) of w = x scale. */
export function pitOracle(family: 'normal' | 'truncated-normal' | 'uniform', x: number): number {
  if (family === 'normal') return x;
  return Math.sign(x) * normalQuantileOracle(Math.log(upperTailOracle(family, Math.abs(x))));
}

/** sup |F_n - Phi|, by definition. */
export function ksDistanceOracle(sample: ArrayLike<number>): number {
  const sorted = Float64Array.from(sample).sort();
  const n = sorted.length;
  let distance = 0;
  for (let i = 0; i < n; i++) {
    const u = Math.exp(normalLogTailOracle(-sorted[i]));
    distance = Math.max(distance, (i + 1) / n - u, u - i / n);
  }
  return distance;
}

/** P(sqrt(n) D > k) as n grows, by both of Kolmogorov's series. */
export function kolmogorovTailOracle(k: number): number {
  let sum = 0;
  if (k > 0.7) {
    for (let j = 1; j < 50; j++) sum += 2 * (-1) ** (j - 1) * Math.exp(-2 * j * j * k * k);
    return sum;
  }
  for (let j = 1; j < 50; j++) sum += Math.exp((-((2 * j - 1) ** 2) * Math.PI ** 2) / (8 * k * k));
  return 1 - (Math.sqrt(2 * Math.PI) / k) * sum;
}

/** Mass of the Marchenko-Pastur law below x: Simpson's rule over its density. */
export function marchenkoPasturOracle(beta: number, x: number): number {
  const a = (1 - Math.sqrt(beta)) ** 2;
  const b = (1 + Math.sqrt(beta)) ** 2;
  const steps = 20000;
  const end = Math.asin(Math.sqrt((x - a) / (b - a)));
  let sum = 0;
  for (let i = 0; i <= steps; i++) {
    const t = (end * i) / steps;
    const y = a + (b - a) * Math.sin(t) ** 2;
    const density =
      y > 0 ? ((b - a) ** 2 * Math.sin(t) ** 2 * Math.cos(t) ** 2) / (Math.PI * beta * y) : (b - a) / Math.PI;
    sum += (i === 0 || i === steps ? 1 : 2 + 2 * (i % 2)) * density;
  }
  return (sum * end) / steps / 3;
}
