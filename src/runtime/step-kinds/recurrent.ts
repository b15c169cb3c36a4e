/** Recurrent layers over all times, one direction. */
import { panelLength } from '../panels.js';
import type { BoundParams, Region, StepKind } from '../step-kind.js';
import type { DType } from '../tensor.js';
import { boxRegion, spanRegion } from './box.js';
import { integerWord, pointerWord, sizeOf, wordOf } from './params.js';

const float32 = ['float32'] as const;

/** From the first time on, or from the last. */
export const directionWords = ['forward', 'reverse'] as const;

/** Whether a GRU's reset gate scales the state before its product, or the product. */
export const resetWords = ['before', 'after'] as const;

interface RecurrentSizes {
  readonly T: number;
  readonly B: number;
  readonly H: number;
  readonly strideT: number;
  /** Inner rank of the state's matrices; 0 where they are whole. */
  readonly rank: number;
}

function recurrentSizes(params: BoundParams): RecurrentSizes {
  const [T, B, H] = ['T', 'B', 'H'].map((name) => sizeOf(params, name));
  return { T, B, H, strideT: sizeOf(params, 'strideT', B * H), rank: sizeOf(params, 'rank', 0) };
}

const params: StepKind['params'] = {
  direction: { type: 'word', words: directionWords },
  T: { type: 'size' },
  B: { type: 'size' },
  H: { type: 'size' },
  strideT: { type: 'size', optional: true },
  rank: { type: 'size', optional: true },
};

/** y [T, B, H] with strideT elements between times; the state of one time is read again at the next. */
function outputRegion(slot: number, { T, B, H, strideT }: RecurrentSizes): Region {
  return boxRegion(slot, [T, B * H], [strideT, 1]);
}

/**
 * The kernels take sizes of a row of gates as i32.
 * @param v  dtype of the inner matrix, undefined where there is none
 */
function sizeProblem(bound: BoundParams, gates: number, v: DType | undefined): string | null {
  const { B, H, T, strideT, rank } = recurrentSizes(bound);
  if (rank > H || rank > 0 !== (v !== undefined)) return `inner rank: got ${rank} ${v ? 'with' : 'without'} a matrix`;
  if (T > 1 && strideT < B * H) return `stride of times: got ${strideT}, expected at least ${B * H}`;
  return (gates + 1) * Math.max(1, B) * H < 2 ** 29 ? null : `a state too large: got ${B} x ${H}`;
}

const wordsOf = (bound: BoundParams) => {
  const { T, B, H, strideT, rank } = recurrentSizes(bound);
  return [T, B, H, strideT, rank].map(integerWord);
};

/**
 * LSTM: gates i, o, f = sigmoid, c = tanh of z [T, B, 4H] + R h [+ peepholes p [3, H] of i, o, f];
 * c' = f c + i tanh, h' = o tanh(c'). R [4H, H], or of inner rank: r [4H, rank] times v [rank, H].
 */
export const lstm: StepKind = {
  opcode: 15,
  reads: [
    { name: 'z', dtypes: float32 },
    { name: 'r', dtypes: float32, layout: 'panels' },
    { name: 'h', dtypes: float32 },
    { name: 'c', dtypes: float32 },
    { name: 'p', dtypes: float32, optional: true },
    { name: 'v', dtypes: float32, layout: 'panels', optional: true },
  ],
  writes: [
    { name: 'y', dtypes: float32 },
    { name: 'cell', dtypes: float32 },
    { name: 'gates', dtypes: float32, scratch: true },
  ],
  params,
  work(bound) {
    const { T, B, H, rank } = recurrentSizes(bound);
    return T * B * (4 * H * ((rank || H) + 1) + rank * (H + 1));
  },
  dtypeProblem: (bound, dtypes) => sizeProblem(bound, 4, dtypes[5]),
  regions(bound) {
    const sizes = recurrentSizes(bound);
    const { T, B, H, rank } = sizes;
    const state = T === 0 ? 0 : B * H;
    const weights = state === 0 ? [0, 0, 0] : [panelLength(4 * H, rank || H), 3 * H, panelLength(rank, H)];
    const reads = [T * B * 4 * H, weights[0], state, state, weights[1], weights[2]];
    return [
      ...reads.map((size, slot) => spanRegion(slot, size)),
      outputRegion(6, sizes),
      spanRegion(7, state),
      spanRegion(8, state === 0 ? 0 : 4 * state + B * rank),
    ];
  },
  encode: (bound, pointers) => [
    ...pointers.map(pointerWord),
    wordOf(bound, 'direction', directionWords),
    ...wordsOf(bound),
  ],
};

/**
 * GRU: gates z, r = sigmoid, n = tanh of z [T, B, 3H] + R h, where r scales h or the product with `n`'s panels;
 * h' = (1 - z) n + z h. Of inner rank, with the reset after the product, both are r, n [.., rank] times v [rank, H].
 */
export const gru: StepKind = {
  opcode: 16,
  reads: [
    { name: 'z', dtypes: float32 },
    { name: 'r', dtypes: float32, layout: 'panels' },
    { name: 'n', dtypes: float32, layout: 'panels' },
    { name: 'h', dtypes: float32 },
    { name: 'v', dtypes: float32, layout: 'panels', optional: true },
  ],
  writes: [
    { name: 'y', dtypes: float32 },
    { name: 'scratch', dtypes: float32, scratch: true },
  ],
  params: { ...params, reset: { type: 'word', words: resetWords } },
  work(bound) {
    const { T, B, H, rank } = recurrentSizes(bound);
    return T * B * (3 * H * ((rank || H) + 1) + rank * (H + 1));
  },
  dtypeProblem(bound, dtypes) {
    if (dtypes[4] && bound['reset'] === 'before') return 'inner rank: got one with the reset before the product';
    return sizeProblem(bound, 3, dtypes[4]);
  },
  regions(bound) {
    const sizes = recurrentSizes(bound);
    const { T, B, H, rank } = sizes;
    const state = T === 0 ? 0 : B * H;
    const inner = rank || H;
    const weights = state === 0 ? [0, 0, 0] : [panelLength(2 * H, inner), panelLength(H, inner), panelLength(rank, H)];
    const reads = [T * B * 3 * H, weights[0], weights[1], state, weights[2]];
    return [
      ...reads.map((size, slot) => spanRegion(slot, size)),
      outputRegion(5, sizes),
      spanRegion(6, state === 0 ? 0 : 3 * state + B * rank),
    ];
  },
  encode: (bound, pointers) => [
    ...pointers.map(pointerWord),
    wordOf(bound, 'direction', directionWords),
    wordOf(bound, 'reset', resetWords),
    ...wordsOf(bound),
  ],
};
