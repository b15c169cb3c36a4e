/** Checks outputs against an f64 sum before anything is timed. */

/** Unit round-off of f32. */
const u = 2 ** -24;

/**
 * Verifies probed outputs of y = x W^T + b: the error of an f32 sum of K + 1 terms in any order is at most
 * gamma_{K+1} (|b| + sum |x||w|), gamma_j = j u / (1 - j u).
 * @throws Error when an output lies outside the bound
 */
export function verifyLinear(who, { K, N }, x, w, b, probes, values) {
  const gamma = ((K + 1) * u) / (1 - (K + 1) * u);
  for (const [i, index] of probes.entries()) {
    const [m, n] = [Math.floor(index / N), index % N];
    let [value, size] = [b[n], Math.abs(b[n])];
    for (let k = 0; k < K; k++) {
      const product = x[m * K + k] * w[n * K + k];
      value += product;
      size += Math.abs(product);
    }
    if (!(Math.abs(values[i] - value) <= gamma * size)) {
      throw new Error(`${who}: output [${m}, ${n}] is wrong: got ${values[i]}, expected ${value} +- ${gamma * size}`);
    }
  }
}
