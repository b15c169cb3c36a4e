/** Families of initialisation laws, all symmetric about 0, by the tail beyond |x| where x = w / scale. */
import { normalDensity, normalTail } from './normal';

/** N(0, scale^2). */
export const NORMAL: i32 = 0;
/** N(0, scale^2) conditional on |w| <= 2 scale. */
export const TRUNCATED: i32 = 1;
/** U(-scale, scale). */
export const UNIFORM: i32 = 2;

/** 1 - 2 Phi(-2), the mass that truncation keeps. */
const KEPT: f64 = 0.9544997361036416;

/** Phi(-2 + d) - Phi(-2) for 0 <= d <= 1/2, to full relative accuracy: exp(2 s - s^2 / 2) as a Hermite series. */
function massAtEdge(d: f64): f64 {
  let previous: f64 = 0;
  let hermite: f64 = 1;
  let power = d;
  let sum: f64 = 0;
  for (let k: f64 = 0; k < 40; k++) {
    sum += hermite * power;
    const next = 2 * hermite - k * previous;
    previous = hermite;
    hermite = next;
    power *= d / (k + 2);
  }
  return sum * normalDensity(2);
}

/** P(w > |x| scale) where `t` = 1 - |x| / edge is the distance from the edge of the support (edge 2, or 1 if uniform). */
export function edgeTail(family: i32, t: f64): f64 {
  if (t <= 0) return 0;
  if (family === UNIFORM) return 0.5 * t;
  return (t <= 0.25 ? massAtEdge(2 * t) : normalTail(2 - 2 * t) - normalTail(2)) / KEPT;
}

/** P(w > x scale) for x >= 0. */
export function upperTail(family: i32, x: f64): f64 {
  if (family === NORMAL) return normalTail(x);
  return edgeTail(family, family === TRUNCATED ? 1 - 0.5 * x : 1 - x);
}
