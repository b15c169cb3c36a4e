/** Plain twins of the linear kernels: f64 truth with its error bound, and the exact order of the f32 sums. */
import { NR, panelLength, panelWidth } from '../../src/runtime/panels.js';

/** A linear layer with a second source: y = clamp(x W^T + z U^T + b, lo, hi). */
export interface LinearCase {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly R: number;
  /** [M, K], `ldx` elements between rows. */
  readonly x: Float32Array;
  readonly ldx: number;
  /** [M, R], `ldz` elements between rows. */
  readonly z: Float32Array;
  readonly ldz: number;
  /** [W, U] as [N, K + R]. */
  readonly w: Float32Array;
  /** [N] */
  readonly b: Float32Array;
  readonly lo: number;
  readonly hi: number;
}

/** Input k of row m, from x and then from z. */
function input(c: LinearCase, m: number, k: number): number {
  return k < c.K ? c.x[m * c.ldx + k]! : c.z[m * c.ldz + k - c.K]!;
}

/** Unit round-off of f32. */
const u = 2 ** -24;

/** Clamps; NaN stays, as in Math.min and Math.max. */
function clamp(value: number, lo: number, hi: number): number {
  return Math.min(Math.max(value, lo), hi);
}

/**
 * Output [m, n] in f64, and the bound on the error of an f32 sum of 1 + K + R terms in any order:
 * gamma_{K+R+1} (|b| + sum |x||w|), gamma_j = j u / (1 - j u). Clamping moves no two values further apart.
 */
export function linearTruth(c: LinearCase, m: number, n: number): { value: number; bound: number } {
  const terms = c.K + c.R;
  let value = c.b[n]!;
  let size = Math.abs(value);
  for (let k = 0; k < terms; k++) {
    const product = input(c, m, k) * c.w[n * terms + k]!;
    value += product;
    size += Math.abs(product);
  }
  const gamma = ((terms + 1) * u) / (1 - (terms + 1) * u);
  return { value: clamp(value, c.lo, c.hi), bound: gamma * size };
}

/** Output [m, n] as kerf defines it: bias + 0, then k ascending, each product and each sum rounded to f32. */
export function linearInOrder(c: LinearCase, m: number, n: number): number {
  const terms = c.K + c.R;
  let sum = c.b[n]! + 0;
  for (let k = 0; k < terms; k++) sum = Math.fround(sum + Math.fround(input(c, m, k) * c.w[n * terms + k]!));
  return clamp(sum, Math.fround(c.lo), Math.fround(c.hi));
}

/** Panels of W [N, K], element (n, k) at n * strideN + k * strideK, and a bias with its stride. */
export function packLinear(
  w: Float32Array,
  strideN: number,
  strideK: number,
  bias: Float32Array | null,
  biasStride: number,
  N: number,
  K: number,
): Float32Array {
  const panels = new Float32Array(panelLength(N, K));
  let at = 0;
  for (let panel = 0; panel * NR < N; panel++) {
    const width = panelWidth(N, panel);
    for (let column = 0; column < width; column++) {
      const n = panel * NR + column;
      if (n >= N) continue;
      panels[at + column] = (bias ? bias[n * biasStride]! : 0) + 0;
      for (let k = 0; k < K; k++) panels[at + (1 + k) * width + column] = w[n * strideN + k * strideK]!;
    }
    at += width * (1 + K);
  }
  return panels;
}
