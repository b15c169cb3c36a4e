/** What a step must write, in terms that every reference shares. */
import type { BoundParams } from '../../src/runtime/step-kind.js';
import { ulpError } from './special-functions.js';

/** Reads element `index` of the operand in `slot`. */
export type Read = (slot: number, index: number) => number | bigint;

/** Element `index` of the written operand must satisfy `fits`; `value` is for the message. */
export interface Expectation {
  /** Where a step writes several results: which of them, counted from the first; 0 by default. */
  readonly result?: number;
  readonly index: number;
  readonly value: number | bigint;
  fits(got: number | bigint): boolean;
}

/** What a step must write, element by element; what it does not name must stay as it was. */
export type Reference = (params: BoundParams, read: Read, isPresent: (slot: number) => boolean) => Expectation[];

/** The very bits of `value` (any NaN equals any NaN). */
export function exactly(index: number, value: number | bigint): Expectation {
  return { index, value, fits: (got) => Object.is(got, value) };
}

/** Within `tolerance` of `value`. */
export function within(index: number, value: number, tolerance: number): Expectation {
  return { index, value, fits: (got) => Math.abs(Number(got) - value) <= tolerance };
}

/** Within `ulps` of `value`. */
export function withinUlps(index: number, value: number, ulps: number): Expectation {
  return { index, value, fits: (got) => ulpError(Number(got), value) <= ulps };
}

/** Bound on the relative error of n roundings to float32. */
export function gamma(n: number): number {
  const u = 2 ** -24;
  return (n * u) / (1 - n * u);
}

/** Every index of a box, outermost axis first. */
export function* boxIndices(dims: readonly number[]): Generator<number[]> {
  const count = dims.reduce((product, dim) => product * dim, 1);
  for (let i = 0; i < count; i++) {
    const index = new Array<number>(dims.length);
    let rest = i;
    for (let d = dims.length - 1; d >= 0; d--) {
      index[d] = rest % dims[d];
      rest = Math.floor(rest / dims[d]);
    }
    yield index;
  }
}

export function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}
