/** Every function of the `unary` step in f64, with the bound that its kernel states, in ulp of float32. */
import { erf, normalBelow, roundHalfEven, sigmoid, softplus } from './special-functions.js';

export interface UnaryReference {
  readonly ulps: number;
  /** Absolute error allowed instead. */
  slack?(x: number, alpha: number, beta: number): number;
  /** Exact value for a float32 x; alpha and beta are float32 too. */
  f(x: number, alpha: number, beta: number): number;
}

/** max and min in which NaN wins, as in Math and in the kernels. */
const { max, min } = Math;

/** alpha x + beta x^3; without a cube also where that overflows. */
const cubic = (x: number, alpha: number, beta: number) => alpha * x + (beta === 0 ? 0 : beta * x ** 3);

export const unaryReferences: Readonly<Record<string, UnaryReference>> = {
  identity: { ulps: 0, f: (x) => x },
  relu: { ulps: 0, f: (x) => max(x, 0) },
  'leaky-relu': { ulps: 0.5, f: (x, alpha) => (x < 0 ? alpha * x : x) },
  clip: { ulps: 0, f: (x, lo, hi) => min(max(x, lo), hi) },
  neg: { ulps: 0, f: (x) => -x },
  abs: { ulps: 0, f: Math.abs },
  sqrt: { ulps: 0.5, f: Math.sqrt },
  reciprocal: { ulps: 0.5, f: (x) => 1 / x },
  floor: { ulps: 0, f: Math.floor },
  ceil: { ulps: 0, f: Math.ceil },
  round: { ulps: 0, f: roundHalfEven },
  sign: { ulps: 0, f: Math.sign },
  exp: { ulps: 2, f: Math.exp },
  log: { ulps: 2, f: Math.log },
  sigmoid: { ulps: 4, f: sigmoid },
  tanh: { ulps: 2, f: Math.tanh },
  erf: { ulps: 3, f: erf },
  'hard-sigmoid': {
    ulps: 0,
    f: (x, alpha, beta) => min(max(Math.fround(Math.fround(x * alpha) + beta), 0), 1),
  },
  'hard-swish': {
    ulps: 0,
    f: (x, alpha, beta) => Math.fround(x * min(max(Math.fround(Math.fround(x * alpha) + beta), 0), 1)),
  },
  elu: { ulps: 4, f: (x, alpha) => (x < 0 ? alpha * Math.expm1(x) : x) },
  softplus: { ulps: 4, f: softplus },
  silu: {
    ulps: 5,
    // The product with a denormal; and what three roundings of the terms of u, which may cancel, change in e^u.
    slack: (x, alpha, beta) => {
      const terms = Math.abs(alpha * x) + Math.abs(beta * x * x * x);
      const rounding =
        alpha === 1 && beta === 0 ? 0 : 4 * 2 ** -24 * terms * Math.abs(x * sigmoid(cubic(x, alpha, beta)));
      return Math.abs(x) * 2 ** -149 + rounding;
    },
    f: (x, alpha, beta) => x * sigmoid(cubic(x, alpha, beta)),
  },
  gelu: {
    ulps: 4,
    slack: (x) => (x < -6 ? 6e-9 : x < -1 ? 2 ** -16 * Math.abs(x * normalBelow(x)) : -1),
    // The limit at -Infinity.
    f: (x) => (x === Number.NEGATIVE_INFINITY ? 0 : x * normalBelow(x)),
  },
};
