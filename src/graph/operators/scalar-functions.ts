/** Scalar functions that JavaScript lacks, in f64. */

/** sum_n (-1)^n x^(2n+1) / (n! (2n+1)), the Maclaurin series of erf times sqrt(pi)/2; for |x| < 3. */
function erfSeries(x: number): number {
  let power = x;
  let sum = x;
  for (let n = 1; n < 200; n++) {
    power *= (-x * x) / n;
    const term = power / (2 * n + 1);
    sum += term;
    if (Math.abs(term) < 1e-17 * Math.abs(sum)) break;
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** erfc by its continued fraction, evaluated from the tail; for x >= 3. */
function erfcFraction(x: number): number {
  let tail = x;
  for (let n = 60; n >= 1; n--) tail = x + n / 2 / tail;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * tail);
}

/** The error function, absolute error below 1e-12. */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  const magnitude = Math.abs(x);
  if (magnitude < 3) return erfSeries(x);
  return Math.sign(x) * (1 - erfcFraction(magnitude));
}

/** Nearest whole number, ties to even. */
export function roundToEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  if (rest !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}

/** log(1 + exp(x)) without overflow. */
export function softplus(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
}

/** 1 / (1 + exp(-x)). */
export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** x times the share of a normal law below x; at -Infinity its limit. */
export function gelu(x: number): number {
  if (x === Number.NEGATIVE_INFINITY) return 0;
  return (x * (1 + erf(x / Math.SQRT2))) / 2;
}

/** Scale and cubic part of the approximation of {@link gelu} by tanh (Hendrycks, Gimpel, 2016). */
export const geluScale = Math.sqrt(2 / Math.PI);
export const geluCubic = 0.044715;

/** {@link gelu} by tanh. */
export function geluTanh(x: number): number {
  return (x * (1 + Math.tanh(geluScale * (x + geluCubic * x ** 3)))) / 2;
}
