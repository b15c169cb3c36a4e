/** The reference of attention, in f64, with bounds by first principles. */
import { boxIndices, dot, type Expectation, gamma, type Reference, within } from './expectation.js';

/** Unit roundoff of float32, and what a number that is flushed to 0 may have been, at most. */
const u = 2 ** -24;
const flushed = 2 ** -126;

const range = (length: number) => Array.from({ length }, (_, i) => i);
const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

interface Sizes {
  readonly [name: string]: number;
}

type Strides = Readonly<Record<string, readonly number[]>>;

/** A score before softmax, and a bound on the error of what the kernel has in its place. */
interface Score {
  readonly value: number;
  readonly error: number;
}

/** One row of scores: a product of D terms after a bias of 0, the scale, the mask. */
function scoresOf(q: readonly number[], keys: readonly (readonly number[])[], scale: number, mask?: readonly number[]) {
  return keys.map((key, t): Score => {
    const terms = key.map((weight, d) => weight * q[d]);
    const error = scale * (gamma(q.length + 1) * total(terms.map(Math.abs)) + (q.length + 1) * 2 ** -149);
    const scaled = scale * total(terms);
    const sum = scaled + (mask?.[t] ?? 0);
    const rounding = u * (Math.abs(scaled) + error) + (mask ? u * (Math.abs(sum) + 2 * error) : 0);
    return { value: sum, error: error + rounding };
  });
}

/**
 * Results of a row of scores. The largest score cancels; the power e^(s - top) is off by the factor e^(errors), by the
 * rounding of the difference, and by 2 ulp.
 */
function mix(scores: readonly Score[], values: readonly (readonly number[])[], E: number) {
  const top = Math.max(...scores.map(({ value }) => value));
  const weights = scores.map(({ value }) => Math.exp(value - top));
  const spread = Math.max(0, ...scores.map(({ error }) => error));
  const offs = scores.map(
    ({ value, error }, t) =>
      weights[t] * Math.expm1(error + spread + u * (Math.abs(value - top) + error + spread)) * (1 + 5 * u) +
      5 * u * weights[t] +
      flushed,
  );
  const [sum, sumOff] = [total(weights), total(offs)];
  const sumError = sumOff + gamma(scores.length / 16 + 5) * (sum + sumOff);
  return range(E).map((e) => {
    const exact = total(weights.map((weight, t) => weight * values[t][e])) / sum;
    const terms = weights.map((weight, t) => (weight + offs[t]) * Math.abs(values[t][e]));
    const off = total(offs.map((one, t) => one * Math.abs(values[t][e])));
    const error = off + gamma(scores.length + 1) * total(terms) + (scores.length + 1) * 2 ** -149;
    const bound = (error + Math.abs(exact) * sumError) / (sum - sumError);
    return { value: exact, error: bound + 2 * u * (Math.abs(exact) + bound) + 2 ** -149 };
  });
}

const attention: Reference = (params, read, isPresent) => {
  const { scale } = params as unknown as Sizes;
  const { dims, stridesQ, stridesK, stridesV, stridesMask, stridesY } = params as unknown as Strides;
  const [B, H, M, T, D, E] = dims;
  const number = (slot: number, index: readonly number[], strides: readonly number[]) =>
    read(slot, dot(index, strides)) as number;
  const expected: Expectation[] = [];
  for (const [b, h] of boxIndices([B, H])) {
    if (M === 0) continue;
    const keys = range(T).map((t) => range(D).map((d) => number(1, [b, h, t, d], stridesK)));
    const values = range(T).map((t) => range(E).map((e) => number(2, [b, h, t, e], stridesV)));
    for (let m = 0; m < M; m++) {
      const q = T === 0 ? [] : range(D).map((d) => number(0, [b, h, m, d], [...stridesQ, 1]));
      const mask = isPresent(3) ? range(T).map((t) => number(3, [b, h, m, t], [...stridesMask, 1])) : undefined;
      mix(scoresOf(q, keys, scale, mask), values, E).forEach(({ value, error }, e) => {
        const at = dot([b, h, m, e], [...stridesY, 1]);
        expected.push(T === 0 ? { index: at, value: Number.NaN, fits: Number.isNaN } : within(at, value, error));
      });
    }
  }
  return expected as Expectation[];
};

export const transformerReferences: readonly (readonly [string, Reference])[] = [['attention', attention]];
