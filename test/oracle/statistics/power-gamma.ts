/** Powers of gamma variables in plain f64: moments by definition, tails of products by integration. */

/** ln Gamma(x), x > 0: shifted to 20, then Stirling's series. */
export function logGamma(x: number): number {
  let shift = 0;
  let y = x;
  for (; y < 20; y++) shift += Math.log(y);
  const rest = 1 / (12 * y) - 1 / (360 * y ** 3) + 1 / (1260 * y ** 5);
  return (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + rest - shift;
}

/** Variance and skewness of G_a^delta over its mean. */
export function momentsOracle(a: number, delta: number): { variance: number; skewness: number } {
  const mean = logGamma(a + delta) - logGamma(a);
  const raw = (k: number) => Math.exp(logGamma(a + k * delta) - logGamma(a) - k * mean);
  const variance = raw(2) - 1;
  return { variance, skewness: (raw(3) - 3 * raw(2) + 2) / variance ** 1.5 };
}

/** Density of y = ln(G_a^delta over its mean). */
function logDensity(a: number, delta: number, y: number): number {
  const g = (y + logGamma(a + delta) - logGamma(a)) / delta; // ln G
  return Math.exp(a * g - Math.exp(g) - logGamma(a)) / delta;
}

/** P(ln A + sign ln B > x) for several x: the density of ln A against the tail of ln B, on one grid. */
export function productTailsOracle(
  [a, delta]: readonly [number, number],
  [b, epsilon]: readonly [number, number],
  sign: 1 | -1,
  xs: readonly number[],
): number[] {
  const step = 0.01;
  const half = 1000;
  const densities = Array.from({ length: 2 * half + 1 }, (_, i) => step * logDensity(a, delta, (i - half) * step));
  // tails[i] = P(sign ln B > (i - half) step), summed from the far end.
  const tails = new Float64Array(2 * half + 2);
  for (let i = 2 * half; i >= 0; i--) {
    tails[i] = tails[i + 1] + step * logDensity(b, epsilon, sign * (i - half + 0.5) * step);
  }
  // Every x is a multiple of the step.
  const tailAt = (i: number) => (i < 0 ? 1 : (tails[Math.min(i, 2 * half + 1)] ?? 0));
  return xs.map((x) => densities.reduce((sum, f, i) => sum + f * tailAt(Math.round(x / step) - i + 2 * half), 0));
}
