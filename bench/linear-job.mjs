/** The data of a linear layer job, made from its seed alone, so that every process makes the same. */

/** Inputs that take turns: none is the one of the call before. */
const inputCount = 4;

/** Uniform numbers in (-scale, scale) from a 32-bit xorshift. */
export function randomFloats(length, seed, scale = 1) {
  const values = new Float32Array(length);
  let state = Math.imul(seed + 1, 0x9e3779b9) | 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    values[i] = (state / 2 ** 31) * scale;
  }
  return values;
}

/**
 * @param job  { M, K, N, seed }
 * @returns inputs: several x [M, K]; w [N, K] and b [N] as torch initialises them
 */
export function linearData({ M, K, N, seed }) {
  const inputs = Array.from({ length: inputCount }, (_, i) => randomFloats(M * K, seed + 10 + i));
  const scale = 1 / Math.sqrt(K);
  return { inputs, w: randomFloats(N * K, seed, scale), b: randomFloats(N, seed + 1, scale) };
}

/** Indices of the outputs that are checked: both ends, and some between. */
export function probesOf(length) {
  const count = Math.min(length, 96);
  return Array.from({ length: count }, (_, i) => Math.round((i * (length - 1)) / Math.max(1, count - 1)));
}
