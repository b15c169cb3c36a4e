/** The incomplete gamma function in the log, f64: chi-square tails that do not underflow. */

const HALF_LOG_TWO_PI: f64 = 0.9189385332046728;

/** ln Gamma(a + 1) - (a + 1/2) ln a + a - ln(2 pi) / 2 for a >= 10: Stirling's series. */
function stirlingRest(a: f64): f64 {
  const r = 1 / (a * a);
  return (
    (1.0 / 12 - r * (1.0 / 360 - r * (1.0 / 1260 - r * (1.0 / 1680 - r * (1.0 / 1188 - r * (691.0 / 360360)))))) / a
  );
}

/** ln Gamma(a) for a > 0. */
export function logGamma(a: f64): f64 {
  let product: f64 = 1;
  while (a < 10) {
    product *= a;
    a += 1;
  }
  return (a - 0.5) * Math.log(a) - a + HALF_LOG_TWO_PI + stirlingRest(a) - Math.log(product);
}

/** ln(x^a e^-x / Gamma(a + 1)). For large a from the distance of x to a, so that nothing large cancels. */
function logFactor(a: f64, x: f64): f64 {
  if (a < 10) return a * Math.log(x) - x - logGamma(a + 1);
  const d = (x - a) / a;
  const divergence = d > -0.9 ? d - Math.log1p(d) : d - Math.log(x / a);
  return -a * divergence - HALF_LOG_TWO_PI - 0.5 * Math.log(a) - stirlingRest(a);
}

/** Sum of x^k / ((a + 1) .. (a + k)), k >= 0: P(a, x) over its factor. Converges fast for x <= a + 1. */
function lowerSeries(a: f64, x: f64): f64 {
  let sum: f64 = 1;
  let term: f64 = 1;
  for (let k: f64 = 1; k < 1e7; k++) {
    term *= x / (a + k);
    sum += term;
    if (term < sum * 1e-17) break;
  }
  return sum;
}

/** Q(a, x) over x^a e^-x / Gamma(a), for x > a + 1: Legendre's continued fraction by Lentz's method. */
function upperFraction(a: f64, x: f64): f64 {
  let b = x + 1 - a;
  let c: f64 = 1e300;
  let d = 1 / b;
  let h = d;
  for (let k: f64 = 1; k < 1e7; k++) {
    const an = -k * (k - a);
    b += 2;
    d = an * d + b;
    if (abs(d) < 1e-300) d = 1e-300;
    c = b + an / c;
    if (abs(c) < 1e-300) c = 1e-300;
    d = 1 / d;
    const factor = c * d;
    h *= factor;
    if (abs(factor - 1) < 1e-16) break;
  }
  return h;
}

/** ln(1 - e^y) for y < 0. */
function logComplement(y: f64): f64 {
  return y > -Math.LN2 ? Math.log(-Math.expm1(y)) : Math.log1p(-Math.exp(y));
}

/** ln P(a, x) of the regularised lower incomplete gamma function, a > 0, x >= 0. */
export function logGammaP(a: f64, x: f64): f64 {
  if (x <= 0) return -Infinity;
  if (x <= a + 1) return min<f64>(0, logFactor(a, x) + Math.log(lowerSeries(a, x)));
  return logComplement(logGammaQ(a, x));
}

/** ln Q(a, x) = ln(1 - P(a, x)), a > 0, x >= 0. */
export function logGammaQ(a: f64, x: f64): f64 {
  if (x <= 0) return 0;
  if (x > a + 1) return min<f64>(0, logFactor(a, x) + Math.log(a * upperFraction(a, x)));
  return logComplement(logGammaP(a, x));
}

/**
 * Log p-values of chi-square statistics.
 * Null hypothesis: each x is a sum of `df` squared independent standard normals. Alternative: larger (tail 0), smaller
 * (1), or either (2: twice the smaller tail, at most 1). Exact, by the regularised incomplete gamma function.
 * @param n  statistics
 * @param xPtr  x [n], f64, >= 0
 * @param df  degrees of freedom, > 0
 * @param outPtr  ln p [n], f64; may be xPtr
 */
export function f64_chi_square_log_p(n: usize, xPtr: usize, df: f64, tail: i32, outPtr: usize): void {
  const a = 0.5 * df;
  for (let i: usize = 0; i < n; i++) {
    const x = 0.5 * load<f64>(xPtr + (i << 3));
    let p: f64;
    if (tail === 0) p = logGammaQ(a, x);
    else if (tail === 1) p = logGammaP(a, x);
    else p = min<f64>(0, min<f64>(logGammaQ(a, x), logGammaP(a, x)) + Math.LN2);
    store<f64>(outPtr + (i << 3), p);
  }
}
