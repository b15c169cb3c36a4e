/** References of the steps along an axis, with the tolerances that assembly/operators/{reduce,softmax}.ts derive. */
import { boxIndices, exactly, gamma, type Read, type Reference, within } from './expectation.js';

/** Smallest float32 above 0: what a denormal result may be off by besides its relative error. */
const tiny = 2 ** -149;

function slice(read: Read, axis: number, inner: number, o: number, i: number): number[] {
  return Array.from({ length: axis }, (_, k) => read(0, (o * axis + k) * inner + i) as number);
}

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

/** What softmax is made of: x - max, the sum of e^(x - max), its logarithm, and the units that rounding costs the sum. */
function softmaxParts(x: readonly number[]) {
  const top = Math.max(...x);
  const differences = x.map((value) => value - top);
  const powers = differences.map(Math.exp);
  const sum = total(powers);
  const meanDifference = -total(powers.map((power, k) => power * differences[k])) / sum;
  return { top, differences, powers, sum, units: x.length / 16 + 9 + meanDifference };
}

type Reduction = (x: readonly number[]) => { value: number; tolerance: number };

/** A sum of terms, each rounded `roundings` times before it enters the tree. */
function sumOf(terms: readonly number[], roundings: number) {
  return { value: total(terms), tolerance: gamma(terms.length / 16 + 5 + roundings) * total(terms.map(Math.abs)) };
}

const reductions: Record<string, Reduction> = {
  sum: (x) => sumOf(x, 0),
  mean(x) {
    const { value, tolerance } = sumOf(x, 1);
    return { value: value / x.length, tolerance: tolerance / x.length + tiny };
  },
  max: (x) => ({ value: Math.max(...x), tolerance: 0 }),
  min: (x) => ({ value: Math.min(...x), tolerance: 0 }),
  prod(x) {
    const value = x.reduce((product, factor) => product * factor, 1);
    return { value, tolerance: gamma(x.length) * Math.abs(value) + tiny };
  },
  sumsq: (x) =>
    sumOf(
      x.map((value) => value * value),
      1,
    ),
  l1: (x) => sumOf(x.map(Math.abs), 0),
  l2(x) {
    const { value } = sumOf(
      x.map((element) => element * element),
      1,
    );
    return { value: Math.sqrt(value), tolerance: gamma(x.length / 16 + 7) * Math.sqrt(value) };
  },
  'log-sum-exp'(x) {
    const { top, sum, units } = softmaxParts(x);
    const value = top + Math.log(sum);
    return { value, tolerance: gamma(units) + gamma(4) * Math.log(sum) + gamma(1) * Math.abs(value) };
  },
};

const reduce: Reference = (params, read) => {
  const [outer, axis, inner] = [params.outer, params.axis, params.inner] as number[];
  return [...boxIndices([outer, inner])].map(([o, i]) => {
    const x = slice(read, axis, inner, o, i);
    const at = o * inner + i;
    if (axis > 0) {
      const { value, tolerance } = reductions[params.f as string](x);
      return within(at, value, tolerance);
    }
    const neutral: Record<string, number> = { max: -Infinity, min: Infinity, prod: 1, mean: Number.NaN };
    return exactly(at, params.f === 'log-sum-exp' ? -Infinity : (neutral[params.f as string] ?? 0));
  });
};

const softmax: Reference = (params, read) => {
  const [outer, axis, inner] = [params.outer, params.axis, params.inner] as number[];
  return [...boxIndices([outer, inner])].flatMap(([o, i]) => {
    if (axis === 0) return [];
    const { differences, powers, sum, units } = softmaxParts(slice(read, axis, inner, o, i));
    return differences.map((difference, k) => {
      const at = (o * axis + k) * inner + i;
      if (params.f === 'softmax') {
        const value = powers[k] / sum;
        return within(at, value, gamma(units + 5 - difference) * value + tiny);
      }
      const value = difference - Math.log(sum);
      const tolerance = gamma(1) * (Math.abs(value) - difference) + gamma(units) + gamma(4) * Math.log(sum);
      return within(at, value, tolerance);
    });
  });
};

export const reduceReferences: readonly (readonly [string, Reference])[] = [
  ['reduce', reduce],
  ['softmax', softmax],
];
