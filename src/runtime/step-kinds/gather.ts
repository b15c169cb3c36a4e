/** Gathers of blocks, whose addresses come from data and are checked in the kernel. */
import type { BoundParams, StepKind } from '../step-kind.js';
import { boxRegion, spanRegion } from './box.js';
import { elementSize, movedBytesProblem } from './move.js';
import { integerWord, pointerWord, sizeOf, wordOf } from './params.js';

const float32 = ['float32'] as const;
const int32 = ['int32'] as const;

/**
 * y [outer, count, inner]: y[o, j, i] = x[o, indices[j], i] of x [outer, axis, inner].
 * An index below 0 counts from the end; one outside -axis..axis-1 fails the run.
 */
export const gather: StepKind = {
  opcode: 9,
  reads: [{ name: 'x' }, { name: 'indices', dtypes: int32 }],
  writes: [{ name: 'y' }],
  params: {
    elementBytes: { type: 'size', optional: true },
    outer: { type: 'size' },
    axis: { type: 'size' },
    inner: { type: 'size', optional: true },
    count: { type: 'size' },
  },
  work: (params) => sizeOf(params, 'outer') * sizeOf(params, 'count') * sizeOf(params, 'inner', 1),
  dtypeProblem(params, [x, , y]) {
    return movedBytesProblem(elementSize(params), [x, y]);
  },
  regions(params) {
    const [outer, axis, inner] = [sizeOf(params, 'outer'), sizeOf(params, 'axis'), sizeOf(params, 'inner', 1)];
    const count = sizeOf(params, 'count');
    return [
      spanRegion(0, count === 0 ? 0 : outer * axis * inner),
      spanRegion(1, count),
      spanRegion(2, outer * count * inner),
    ];
  },
  encode(params, pointers) {
    const sizes = [sizeOf(params, 'outer'), sizeOf(params, 'axis'), sizeOf(params, 'inner', 1)];
    const count = sizeOf(params, 'count');
    return [...pointers.map(pointerWord), elementSize(params), ...[...sizes, count].map(integerWord)];
  },
};

/** The modes of `embedding-bag`, in the order of assembly/operators/gather.ts. */
export const bagWords = ['sum', 'mean'] as const;

function bagSizes(params: BoundParams) {
  const D = sizeOf(params, 'D');
  return {
    M: sizeOf(params, 'M'),
    L: sizeOf(params, 'L'),
    V: sizeOf(params, 'V'),
    D,
    ldy: sizeOf(params, 'ldy', D),
  };
}

/**
 * y[m] = sum or mean of the rows table[ids[m, l]], l ascending, plus bias; y [M, D] with row stride ldy.
 * An id below 0 is padding and changes no bit; a row of padding gives zeros plus bias; an id >= V fails the run.
 */
export const embeddingBag: StepKind = {
  opcode: 10,
  reads: [
    { name: 'ids', dtypes: int32 },
    { name: 'table', dtypes: float32 },
    { name: 'bias', dtypes: float32, optional: true },
  ],
  writes: [{ name: 'y', dtypes: float32 }],
  params: {
    mode: { type: 'word', words: bagWords },
    M: { type: 'size' },
    L: { type: 'size' },
    V: { type: 'size' },
    D: { type: 'size' },
    ldy: { type: 'size', optional: true },
  },
  work: (params) => sizeOf(params, 'M') * Math.max(1, sizeOf(params, 'L')) * Math.max(1, sizeOf(params, 'D')),
  regions(params) {
    const { M, L, V, D, ldy } = bagSizes(params);
    return [
      spanRegion(0, M * L),
      spanRegion(1, M * L === 0 ? 0 : V * D),
      spanRegion(2, M === 0 ? 0 : D),
      boxRegion(3, [M, D], [ldy, 1]),
    ];
  },
  encode(params, pointers) {
    const { M, L, V, D, ldy } = bagSizes(params);
    const words = [0, 1, 2, 3].map((slot) => pointerWord(pointers[slot]));
    return [...words, wordOf(params, 'mode', bagWords), ...[M, L, V, D, ldy].map(integerWord)];
  },
};
