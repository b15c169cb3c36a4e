/** Seeded cases of the linear kernels, and the comparison of their outputs. */
import assert from 'node:assert/strict';
import type { LinearCase } from './linear.js';

/** Numbers in (-1, 1) from a 32-bit xorshift. */
export function randomFloats(length: number, seed: number): Float32Array {
  let state = (seed * 0x9e3779b9 + 0x7f4a7c15) | 0 || 1;
  return Float32Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 2 ** 31;
  });
}

/** A random case; rows of x and z are 3 and 5 elements longer than they need to be. */
export function linearCase(M: number, N: number, K: number, R = 0, lo = -Infinity, hi = Infinity): LinearCase {
  const seed = ((M * 31 + N) * 31 + K) * 31 + R;
  const ldx = K + 3;
  const ldz = R + 5;
  const [x, z] = [randomFloats(M * ldx, seed), randomFloats(M * ldz, seed + 1)];
  const [w, b] = [randomFloats(N * (K + R), seed + 2), randomFloats(N, seed + 3)];
  return { M, N, K, R, x, ldx, z, ldz, w, b, lo, hi };
}

/** Asserts equal bits; any NaN equals any NaN. */
export function assertSameBits(actual: Float32Array, expected: Float32Array, what: string): void {
  assert.equal(actual.length, expected.length, what);
  for (let i = 0; i < actual.length; i++) {
    if (!Object.is(actual[i], expected[i])) {
      assert.fail(`${what}: element ${i} differs: got ${actual[i]}, expected ${expected[i]}`);
    }
  }
}
