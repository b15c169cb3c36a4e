/** A counter-based generator: a number depends on (key, index) alone, so threads and order cannot change it. */

const FACTOR_A: u64 = ((<u64>0xd6e8feb8) << 32) | 0x6659fd93;
const FACTOR_B: u64 = ((<u64>0xa0761d64) << 32) | 0x78bd642f;
/** 2^64 over the golden ratio: the counter's step. */
const GOLDEN: u64 = ((<u64>0x9e3779b9) << 32) | 0x7f4a7c15;

/** Mixes 64 bits so that every input bit changes every output bit with probability about 1/2. */
export function mix64(x: u64): u64 {
  x = (x ^ (x >> 32)) * FACTOR_A;
  x = (x ^ (x >> 29)) * FACTOR_B;
  return x ^ (x >> 32);
}

/** Uniform on (0, 1), 52 bits and a half: never 0, never 1. */
export function uniformAt(key: u64, index: u64): f64 {
  const bits = mix64(mix64(key + index * GOLDEN) + key);
  return (<f64>(bits >> 12) + 0.5) * (1.0 / 4503599627370496.0);
}

/**
 * Fills x with uniform numbers on (0, 1).
 * @param n  elements
 * @param key  stream
 * @param first  index of the first number in the stream
 * @param xPtr  x [n], f64
 */
export function f64_uniform(n: usize, key: u64, first: u64, xPtr: usize): void {
  for (let i: usize = 0; i < n; i++) store<f64>(xPtr + (i << 3), uniformAt(key, first + i));
}
