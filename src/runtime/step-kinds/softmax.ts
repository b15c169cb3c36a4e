/** Softmax along one axis of x [outer, axis, inner]. */
import type { BoundParams, StepKind } from '../step-kind.js';
import { spanRegion } from './box.js';
import { integerWord, pointerWord, sizeOf, wordOf } from './params.js';

const float32 = ['float32'] as const;

/** The functions of `softmax`, in the order of assembly/operators/softmax.ts. */
export const softmaxWords = ['softmax', 'log-softmax'] as const;

/** Sizes of x [outer, axis, inner]. */
export function sizesAround(params: BoundParams): readonly [outer: number, axis: number, inner: number] {
  return [sizeOf(params, 'outer'), sizeOf(params, 'axis'), sizeOf(params, 'inner', 1)];
}

/** Params of a step along one axis. */
export function axisParams(words: readonly string[]): StepKind['params'] {
  return {
    f: { type: 'word', words },
    outer: { type: 'size' },
    axis: { type: 'size' },
    inner: { type: 'size', optional: true },
  };
}

/** y = softmax(x) or its logarithm along the axis, both [outer, axis, inner]; y may be x itself. */
export const softmax: StepKind = {
  opcode: 6,
  reads: [{ name: 'x', dtypes: float32 }],
  writes: [{ name: 'y', dtypes: float32 }],
  params: axisParams(softmaxWords),
  work(params) {
    const [outer, axis, inner] = sizesAround(params);
    return outer * Math.max(1, axis) * inner;
  },
  regions(params) {
    const [outer, axis, inner] = sizesAround(params);
    return [spanRegion(0, outer * axis * inner), spanRegion(1, outer * axis * inner)];
  },
  encode(params, [x, y]) {
    return [...[x, y].map(pointerWord), wordOf(params, 'f', softmaxWords), ...sizesAround(params).map(integerWord)];
  },
};
