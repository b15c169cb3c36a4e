/** f64 references of the elementwise functions, and the unit in which their kernels are judged. */

/** erf in f64, relative error below 1e-14: the Taylor series below 3, 1 - erfc by continued fraction above. */
export function erf(x: number): number {
  const t = Math.abs(x);
  if (Number.isNaN(x) || t === 0) return x;
  if (t > 6) return Math.sign(x);
  if (t < 3) {
    // e^(-t^2) sum of 2^n t^(2n+1) / (2n+1)!!: no cancellation.
    let term = t;
    let sum = t;
    for (let n = 1; term > sum * 1e-17; n++) {
      term *= (2 * t * t) / (2 * n + 1);
      sum += term;
    }
    return (Math.sign(x) * 2 * Math.exp(-t * t) * sum) / Math.sqrt(Math.PI);
  }
  return Math.sign(x) * (1 - farErfc(t));
}

/** 1 - erf t by its continued fraction, for t >= 3. */
function farErfc(t: number): number {
  let fraction = 0;
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (t + fraction);
  return Math.exp(-t * t) / ((t + fraction) * Math.sqrt(Math.PI));
}

/** The share of the standard normal law below x, relative error below 1e-9. */
export function normalBelow(x: number): number {
  const z = x / Math.SQRT2;
  return z <= -3 ? farErfc(-z) / 2 : (1 + erf(z)) / 2;
}

export function sigmoid(x: number): number {
  const e = Math.exp(-Math.abs(x));
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** Half to even, as ONNX Round. */
export function roundHalfEven(x: number): number {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}

/** pow with C's and numpy's special cases, which JavaScript does not share for a base of 1 or -1. */
export function power(x: number, y: number): number {
  if (x === 1 || (x === -1 && Math.abs(y) === Number.POSITIVE_INFINITY)) return 1;
  return x ** y;
}

/** Distance of the float32 `y` from the exact `expected` in units of the last place of float32 at `expected`. */
export function ulpError(y: number, expected: number): number {
  if (Number.isNaN(expected)) return Number.isNaN(y) ? 0 : Number.POSITIVE_INFINITY;
  if (Object.is(Math.fround(expected), y)) return 0;
  if (!Number.isFinite(expected) || Number.isNaN(y)) return Number.POSITIVE_INFINITY;
  const bounded = Math.min(Math.abs(expected), 3.4028234663852886e38);
  const exponent = bounded < 2 ** -126 ? -126 : Math.floor(Math.log2(bounded));
  const ulp = 2 ** (exponent - 23);
  const value = Number.isFinite(y) ? y : Math.sign(y) * 2 ** 128;
  return Math.abs(value - expected) / ulp;
}
