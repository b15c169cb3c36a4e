/**
 * Products and ratios of two independent mean squares of weights: what a hidden unit is tested by.
 *
 * A mean of n squares of standardised weights is taken for a power of a gamma variable, A = G_a^delta over its mean,
 * with the law's variance and third moment. That is exact for normal weights (a = n / 2, delta = 1) and for a single
 * uniform one (delta -> 0, a = delta / 2); ln A has a closed cumulant function, so the tail of ln A +- ln B follows by
 * the saddle point.
 */
import { logGamma } from './gamma';
import { normalLogTail } from './normal';

/** From this many squares on the fit by the first terms in 1 / n is as good as the exact one, which cancels. */
const MANY: f64 = 300;

/** Digamma function, x > 0. */
function digamma(x: f64): f64 {
  let shift: f64 = 0;
  while (x < 10) {
    shift -= 1 / x;
    x += 1;
  }
  const r = 1 / (x * x);
  const rest = r * (1.0 / 12 - r * (1.0 / 120 - r * (1.0 / 252 - r * (1.0 / 240 - r * (1.0 / 132)))));
  return shift + Math.log(x) - 0.5 / x - rest;
}

/** Its derivative, x > 0. */
function trigamma(x: f64): f64 {
  let shift: f64 = 0;
  while (x < 10) {
    shift += 1 / (x * x);
    x += 1;
  }
  const r = 1 / (x * x);
  const rest = r * (1.0 / 6 - r * (1.0 / 30 - r * (1.0 / 42 - r * (1.0 / 30 - r * (5.0 / 66)))));
  return shift + (1 + 0.5 / x + rest) / x;
}

/** ln E[A^2] where E[A] = 1. */
function logSecond(a: f64, delta: f64): f64 {
  return logGamma(a + 2 * delta) + logGamma(a) - 2 * logGamma(a + delta);
}

/** Skewness of A. */
function skewness(a: f64, delta: f64): f64 {
  const second = logSecond(a, delta);
  const third = logGamma(a + 3 * delta) + 2 * logGamma(a) - 3 * logGamma(a + delta);
  const variance = Math.expm1(second);
  return (Math.exp(third) - 3 * variance - 1) / (variance * Math.sqrt(variance));
}

/** The a at which A has a variance, which falls as a grows. */
function shapeOf(delta: f64, variance: f64): f64 {
  const wanted = Math.log1p(variance);
  let low: f64 = -20;
  let high: f64 = 30;
  for (let step = 0; step < 70; step++) {
    const middle = 0.5 * (low + high);
    if (logSecond(Math.exp(middle), delta) > wanted) low = middle;
    else high = middle;
  }
  return Math.exp(low);
}

/**
 * Fits a and delta to a mean of n independent squares of mean 1.
 * @param n  squares
 * @param variance  sum of their variances
 * @param third  sum of their third central moments
 * @param outPtr  a, delta [2], f64
 */
export function f64_fit_power_gamma(n: f64, variance: f64, third: f64, outPtr: usize): void {
  const spread = variance / (n * n);
  const skew = third / (variance * Math.sqrt(variance));
  let low: f64 = 1e-3;
  let high: f64 = 1.2;
  if (n >= MANY) {
    low = 1 / (3 - skew / Math.sqrt(spread));
    store<f64>(outPtr, (low * low) / spread, 0);
  } else {
    // The skewness at a given variance grows with delta.
    for (let step = 0; step < 50; step++) {
      const middle = 0.5 * (low + high);
      if (skewness(shapeOf(middle, spread), middle) < skew) low = middle;
      else high = middle;
    }
    store<f64>(outPtr, shapeOf(low, spread), 0);
  }
  store<f64>(outPtr, low, 8);
}

/** ln E[A^s] of the fit at sidePtr. */
function cumulants(sidePtr: usize, s: f64): f64 {
  const a = load<f64>(sidePtr, 0);
  const delta = load<f64>(sidePtr, 8);
  return logGamma(a + delta * s) - logGamma(a) - s * (logGamma(a + delta) - logGamma(a));
}

/** Its derivative in s. */
function slope(sidePtr: usize, s: f64): f64 {
  const a = load<f64>(sidePtr, 0);
  const delta = load<f64>(sidePtr, 8);
  return delta * digamma(a + delta * s) - (logGamma(a + delta) - logGamma(a));
}

/** Its second derivative. */
function curvature(sidePtr: usize, s: f64): f64 {
  const delta = load<f64>(sidePtr, 8);
  return delta * delta * trigamma(load<f64>(sidePtr, 0) + delta * s);
}

/** Largest s below which E[A^-s] is finite. */
function reach(sidePtr: usize): f64 {
  return load<f64>(sidePtr, 0) / load<f64>(sidePtr, 8);
}

/** The s with K'(s) = x, K the cumulant function of ln A + sign ln B. */
function saddleOf(x: f64, aPtr: usize, bPtr: usize, sign: f64): f64 {
  // K' rises from -infinity at the lower end to infinity at the upper one.
  let low = sign > 0 ? -min<f64>(reach(aPtr), reach(bPtr)) : -reach(aPtr);
  let high: f64 = sign > 0 ? 1 : reach(bPtr);
  if (sign > 0) {
    while (high < 1e12 && slope(aPtr, high) + slope(bPtr, high) < x) high *= 2;
  }
  for (let step = 0; step < 200; step++) {
    const middle = 0.5 * (low + high);
    if (middle <= low || middle >= high) break;
    if (slope(aPtr, middle) + sign * slope(bPtr, sign * middle) < x) low = middle;
    else high = middle;
  }
  return 0.5 * (low + high);
}

/** r* of Barndorff-Nielsen, standard normal to a relative error of order 1 / n^(3/2); the limit at s = 0 is left out. */
function rootAt(s: f64, x: f64, aPtr: usize, bPtr: usize, sign: f64): f64 {
  const k = cumulants(aPtr, s) + cumulants(bPtr, sign * s);
  const r = copysign<f64>(Math.sqrt(max<f64>(0, 2 * (s * x - k))), s);
  const u = s * Math.sqrt(curvature(aPtr, s) + curvature(bPtr, sign * s));
  return r + Math.log(u / r) / r;
}

/**
 * ln P(ln A + sign ln B > x) for each x, by the saddle point.
 * Null hypothesis: A and B are independent mean squares as fitted. Asymptotic in n; at n >= 8 on each side the size at
 * .05 and .01 is right within a few per cent of itself.
 * @param count  values of x
 * @param xPtr  x [count], f64; may be infinite
 * @param fitPtr  a and delta of A, then of B [4], f64
 * @param sign  1 for the product of A and B, -1 for their ratio
 * @param outPtr  ln p [count], f64; may be xPtr
 */
export function f64_log_product_log_p(count: usize, xPtr: usize, fitPtr: usize, sign: f64, outPtr: usize): void {
  const other = fitPtr + 16;
  const middle = slope(fitPtr, 0) + sign * slope(other, 0);
  // Near the mean r* is 0 / 0: it is interpolated over a hundredth of a standard deviation on either side.
  const gap = 0.01 * Math.sqrt(curvature(fitPtr, 0) + curvature(other, 0));
  const below = rootAt(saddleOf(middle - gap, fitPtr, other, sign), middle - gap, fitPtr, other, sign);
  const above = rootAt(saddleOf(middle + gap, fitPtr, other, sign), middle + gap, fitPtr, other, sign);
  for (let i: usize = 0; i < count; i++) {
    const x = load<f64>(xPtr + (i << 3));
    let logP: f64;
    if (x === -Infinity) logP = 0;
    else if (x === Infinity) logP = -Infinity;
    else if (abs(x - middle) < gap) logP = normalLogTail(below + ((x - middle + gap) * (above - below)) / (2 * gap));
    else logP = normalLogTail(rootAt(saddleOf(x, fitPtr, other, sign), x, fitPtr, other, sign));
    store<f64>(outPtr + (i << 3), logP);
  }
}
