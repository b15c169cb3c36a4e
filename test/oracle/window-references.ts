/** References of convolution and pooling. The order of the sums is part of the contract, so they are exact. */
import type { BoundParams } from '../../src/runtime/step-kind.js';
import { boxIndices, dot, exactly, type Reference } from './expectation.js';

const { fround } = Math;

type Triple = readonly number[];

const volume = (sizes: Triple) => sizes.reduce((product, size) => product * size, 1);

/** For each tap of the window at `place`, row-major: the index of its input in the image, -1 in the padding. */
function tapsOf(params: BoundParams, place: Triple): number[] {
  const [input, kernel, strides, dilations, pads] = ['input', 'kernel', 'strides', 'dilations', 'pads'].map(
    (name) => params[name] as Triple,
  );
  return [...boxIndices(kernel)].map((tap) => {
    const at = tap.map((k, axis) => place[axis] * strides[axis] + k * dilations[axis] - pads[axis]);
    const isInside = at.every((index, axis) => index >= 0 && index < input[axis]);
    return isInside ? dot(at, [input[1] * input[2], input[2], 1]) : -1;
  });
}

const conv: Reference = (params, read) => {
  const [N, groups, C, O, lo, hi] = ['N', 'groups', 'C', 'O', 'lo', 'hi'].map((name) => params[name] as number);
  const image = volume(params.input as Triple);
  const row = 1 + C * volume(params.kernel as Triple);
  const places = [...boxIndices(params.output as Triple)].map((place) => tapsOf(params, place));
  return [...boxIndices([N, groups, O, places.length])].map(([n, g, o, p], index) => {
    const weight = (k: number) => read(1, (g * O + o) * row + k) as number;
    let sum = weight(0) + 0;
    for (let c = 0; c < C; c++) {
      places[p].forEach((at, tap) => {
        const x = at < 0 ? 0 : (read(0, ((n * groups + g) * C + c) * image + at) as number);
        sum = fround(sum + fround(x * weight(1 + c * places[p].length + tap)));
      });
    }
    return exactly(index, Math.min(Math.max(sum, lo), hi));
  });
};

const pool: Reference = (params, read) => {
  const [N, groups] = [params.N, params.groups] as number[];
  const image = volume(params.input as Triple);
  const places = [...boxIndices(params.output as Triple)].map((place) => tapsOf(params, place));
  return [...boxIndices([N, groups, places.length])].map(([n, g, p], index) => {
    const isMax = params.f === 'max';
    const value = places[p].reduce(
      (sum, at) => {
        const x = at < 0 ? (isMax ? -Infinity : 0) : (read(0, (n * groups + g) * image + at) as number);
        return isMax ? Math.max(sum, x) : fround(sum + x);
      },
      isMax ? -Infinity : 0,
    );
    return exactly(index, value);
  });
};

export const windowReferences: readonly (readonly [string, Reference])[] = [
  ['conv', conv],
  ['pool', pool],
];
