/** A counter-based generator: a number depends on (key, index) alone, so threads and order cannot change it. */

const FACTOR_A: u64 = ((<u64>0xd6e8feb8) << 32) | 0x6659fd93;
const FACTOR_B: u64 = ((<u64>0xa0761d64) << 32) | 0x78bd642f;
/** 2^64 over the golden ratio: the counter's step. */
const GOLDEN: u64 = ((<u64>0x9e3779b9) << 32) | 0x7f4a7c15;

/** Inlined: four multiplications cost less than a call. */
export class Stream {
  /** Mixes 64 bits so that every input bit changes every output bit with probability about 1/2. */
  @inline
  static mix64(x: u64): u64 {
    x = (x ^ (x >> 32)) * FACTOR_A;
    x = (x ^ (x >> 29)) * FACTOR_B;
    return x ^ (x >> 32);
  }

  /** The f64 1 + m 2^-52, as bits, where m is the top 52 of the 64 bits at (key, index). */
  @inline
  static bitsAt(key: u64, index: u64): u64 {
    return (Stream.mix64(Stream.mix64(key + index * GOLDEN) + key) >> 12) | ((<u64>1023) << 52);
  }
}

/** What turns 1 + m 2^-52 into (m + 1/2) 2^-52, exactly. */
export const BELOW_ONE: f64 = 1.0 - 1.0 / 9007199254740992.0;

/** Uniform on (0, 1), 52 bits and a half: never 0, never 1. */
export function uniformAt(key: u64, index: u64): f64 {
  return reinterpret<f64>(Stream.bitsAt(key, index)) - BELOW_ONE;
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
