/** Reductions along one axis of x [outer, axis, inner]. */
import type { StepKind } from '../step-kind.js';
import { spanRegion } from './box.js';
import { integerWord, pointerWord, wordOf } from './params.js';
import { axisParams, sizesAround } from './softmax.js';

const float32 = ['float32'] as const;

/** The functions of `reduce`, in the order of assembly/operators/reduce.ts. */
export const reduceWords = ['sum', 'mean', 'max', 'min', 'prod', 'sumsq', 'l1', 'l2', 'log-sum-exp'] as const;

/** y [outer, inner] = f over the axis of x [outer, axis, inner]; an empty axis gives the neutral element. */
export const reduce: StepKind = {
  opcode: 5,
  reads: [{ name: 'x', dtypes: float32 }],
  writes: [{ name: 'y', dtypes: float32 }],
  params: axisParams(reduceWords),
  work(params) {
    const [outer, axis, inner] = sizesAround(params);
    return outer * Math.max(1, axis) * inner;
  },
  regions(params) {
    const [outer, axis, inner] = sizesAround(params);
    return [spanRegion(0, outer * axis * inner), spanRegion(1, outer * inner)];
  },
  encode(params, [x, y]) {
    return [...[x, y].map(pointerWord), wordOf(params, 'f', reduceWords), ...sizesAround(params).map(integerWord)];
  },
};
