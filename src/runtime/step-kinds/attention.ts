/** Attention of every head at once. */
import { panelLength } from '../panels.js';
import type { BoundParams, StepKind } from '../step-kind.js';
import { boxRegion, spanRegion } from './box.js';
import { integerWord, pointerWord, realOf, realWord, sizesOf } from './params.js';

const float32 = ['float32'] as const;
const sizes = { type: 'sizes' } as const;

/** Rows of scores at a time, as in assembly/operators/attention.ts. */
export const scoreRows = 24;

/** Strides of each operand: batch, head, then of its rows, and of its columns where they need not be contiguous. */
const strideNames = ['stridesQ', 'stridesK', 'stridesV', 'stridesY', 'stridesMask'];
const strideCounts = [3, 4, 4, 3, 3];

function shapeOf(params: BoundParams) {
  const strides = strideNames.map((name) => (params[name] ? sizesOf(params, name) : [0, 0, 0]));
  return { dims: sizesOf(params, 'dims'), strides };
}

/** Elements of scratch: the panels of a head's keys and values, the scores of some rows, and their sums. */
function scratchLength(T: number, D: number, E: number): number {
  return panelLength(T, D) + panelLength(E, T) + scoreRows * (4 * Math.ceil(T / 4) + 1);
}

/**
 * y[b, h] = softmax(scale q k^T + mask) v over b < B, h < H: q [M, D], k [T, D], v [T, E], mask [M, T], y [M, E]; `dims`
 * is [B, H, M, T, D, E]. Rows of q, mask and y are contiguous; k and v may lie in any order, so that no transpose need be
 * made.
 */
export const attention: StepKind = {
  opcode: 19,
  reads: [
    { name: 'q', dtypes: float32 },
    { name: 'k', dtypes: float32 },
    { name: 'v', dtypes: float32 },
    { name: 'mask', dtypes: float32, optional: true },
  ],
  writes: [
    { name: 'y', dtypes: float32 },
    { name: 'scratch', dtypes: float32, scratch: true },
  ],
  params: {
    dims: sizes,
    ...Object.fromEntries(strideNames.map((name, i) => [name, { ...sizes, optional: i > 3 }])),
    scale: { type: 'real', optional: true },
  },
  work(params) {
    const [B, H, M, T, D, E] = shapeOf(params).dims;
    return B * H * M * Math.max(1, T) * Math.max(1, D + E);
  },
  dtypeProblem(params) {
    const { dims, strides } = shapeOf(params);
    const isShaped = dims.length === 6 && strides.every((list, i) => list.length === strideCounts[i]);
    return isShaped && realOf(params, 'scale', 1) > 0 ? null : 'dims, strides or scale of another form';
  },
  regions(params) {
    const { dims, strides } = shapeOf(params);
    const [B, H, M, T, D, E] = dims;
    const [q, k, v, y, mask] = strides;
    const rows = B * H === 0 ? 0 : M;
    const keys = rows === 0 ? 0 : T;
    return [
      boxRegion(0, [B, H, T === 0 ? 0 : rows, D], [...q, 1]),
      boxRegion(1, [B, H, keys, D], k),
      boxRegion(2, [B, H, keys, E], v),
      boxRegion(3, [B, H, rows, T], [...mask, 1]),
      boxRegion(4, [B, H, M, E], [...y, 1]),
      spanRegion(5, rows === 0 ? 0 : scratchLength(T, D, E)),
    ];
  },
  encode(params, pointers) {
    const { dims, strides } = shapeOf(params);
    const scale = realWord(realOf(params, 'scale', 1));
    return [...pointers.map(pointerWord), scale, ...[...dims, ...strides.flat()].map(integerWord)];
  },
};
