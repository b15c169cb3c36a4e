/** Draws of initialisation laws: what a fresh network's weights are. Shares nothing with the transform that tests them. */
import { NORMAL, UNIFORM } from './law';
import { uniformAt } from './random';

/** Numbers of the stream that one weight may use: up to 32 attempts of two. */
const PER_WEIGHT: u64 = 64;

/** A standard normal by Box and Muller, from numbers `at` and `at + 1` of the stream. */
function normalAt(key: u64, at: u64): f64 {
  return Math.sqrt(-2 * Math.log(uniformAt(key, at))) * Math.cos(2 * Math.PI * uniformAt(key, at + 1));
}

/** A standard normal conditional on |x| <= 2, by rejection. */
function cutNormalAt(key: u64, at: u64): f64 {
  for (let attempt: u64 = 0; attempt < PER_WEIGHT; attempt += 2) {
    const x = normalAt(key, at + attempt);
    if (abs(x) <= 2) return x;
  }
  return 0; // with probability 1e-43
}

/**
 * Fills w with independent draws of a law; w[i] depends on (key, first + i) alone.
 * @param n  weights
 * @param family  NORMAL, TRUNCATED or UNIFORM
 * @param scale  the law's scale
 * @param key  stream
 * @param first  index of w[0] in the stream
 * @param wPtr  w [n], f32
 */
export function f32_draw(n: usize, family: i32, scale: f64, key: u64, first: u64, wPtr: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const at = (first + i) * PER_WEIGHT;
    let x: f64;
    if (family === UNIFORM) x = 2 * uniformAt(key, at) - 1;
    else x = family === NORMAL ? normalAt(key, at) : cutNormalAt(key, at);
    store<f32>(wPtr + (i << 2), <f32>(scale * x));
  }
}
