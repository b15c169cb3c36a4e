/** One-sided Clopper-Pearson bounds on a proportion, through the regularised incomplete beta function. f64. */

/** Lanczos coefficients for g = 7, nine terms: log gamma to about 1e-14. */
function logGamma(x: f64): f64 {
  const z = x - 1;
  let sum: f64 = 0.99999999999980993;
  sum += 676.5203681218851 / (z + 1);
  sum += -1259.1392167224028 / (z + 2);
  sum += 771.32342877765313 / (z + 3);
  sum += -176.61502916214059 / (z + 4);
  sum += 12.507343278686905 / (z + 5);
  sum += -0.13857109526572012 / (z + 6);
  sum += 9.9843695780195716e-6 / (z + 7);
  sum += 1.5056327351493116e-7 / (z + 8);
  const t = z + 7.5;
  return 0.9189385332046727 + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}

/** Continued fraction of the incomplete beta function, by the modified Lentz scheme. Converges fast for x < a / (a + b). */
function betaFraction(x: f64, a: f64, b: f64): f64 {
  const tiny: f64 = 1e-300;
  let c: f64 = 1;
  let d: f64 = 1 - ((a + b) * x) / (a + 1);
  if (abs(d) < tiny) d = tiny;
  d = 1 / d;
  let value = d;
  for (let m: f64 = 1; m < 10000; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 + even * d;
    c = 1 + even / c;
    if (abs(d) < tiny) d = tiny;
    if (abs(c) < tiny) c = tiny;
    d = 1 / d;
    value *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 + odd * d;
    c = 1 + odd / c;
    if (abs(d) < tiny) d = tiny;
    if (abs(c) < tiny) c = tiny;
    d = 1 / d;
    const step = d * c;
    value *= step;
    if (abs(step - 1) < 1e-15) break;
  }
  return value;
}

/**
 * Regularised incomplete beta function I_x(a, b), for a, b > 0 and 0 <= x <= 1.
 * The probability that a Beta(a, b) variable is at most x; P(X >= a) of Binomial(a + b - 1, x) for whole a, b.
 */
export function f64_incomplete_beta(x: f64, a: f64, b: f64): f64 {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b);
  if (x * (a + b + 2) < a + 1) return (Math.exp(front) * betaFraction(x, a, b)) / a;
  return 1 - (Math.exp(front) * betaFraction(1 - x, b, a)) / b;
}

/** The x with I_x(a, b) = p, by bisection to the last bit. */
function inverseBeta(p: f64, a: f64, b: f64): f64 {
  let low: f64 = 0;
  let high: f64 = 1;
  for (let step = 0; step < 200; step++) {
    const middle = 0.5 * (low + high);
    if (middle <= low || middle >= high) break;
    if (f64_incomplete_beta(middle, a, b) < p) low = middle;
    else high = middle;
  }
  return high;
}

/**
 * Upper end of the one-sided Clopper-Pearson interval: the largest proportion at which `seen` or fewer of `n` still has
 * probability 1 - confidence. Exact; Clopper and Pearson 1934.
 */
export function f64_binomial_upper(seen: f64, n: f64, confidence: f64): f64 {
  if (seen >= n) return 1;
  if (seen == 0) return -Math.expm1(Math.log1p(-confidence) / n);
  return inverseBeta(confidence, seen + 1, n - seen);
}

/** Lower end: the smallest proportion at which `seen` or more of `n` still has probability 1 - confidence. */
export function f64_binomial_lower(seen: f64, n: f64, confidence: f64): f64 {
  if (seen <= 0) return 0;
  return inverseBeta(1 - confidence, seen, n - seen + 1);
}
