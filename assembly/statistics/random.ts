/** A counter-based generator: a number depends on (key, index) alone, so threads and order cannot change it. */

/** Mixes 64 bits so that every input bit changes every output bit with probability about 1/2. */
export function mix64(x: u64): u64 {
  x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93;
  x = (x ^ (x >> 29)) * 0xa0761d6478bd642f;
  return x ^ (x >> 32);
}

/** Uniform on (0, 1), 52 bits and a half: never 0, never 1. */
export function uniformAt(key: u64, index: u64): f64 {
  const bits = mix64(mix64(key + index * 0x9e3779b97f4a7c15) + key);
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
