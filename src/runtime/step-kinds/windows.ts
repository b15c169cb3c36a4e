/** Sliding windows over images of three axes: convolution and pooling. */
import { NR } from '../panels.js';
import type { BoundParams, StepKind } from '../step-kind.js';
import { spanRegion } from './box.js';
import { integerWord, pointerWord, realOf, realWord, sizeOf, sizesOf, wordOf } from './params.js';

const float32 = ['float32'] as const;

/** The functions of `pool`, in the order of assembly/operators/windows.ts. */
export const poolWords = ['max', 'sum'] as const;

/** Sizes along depth, height, width; 1 where an image has fewer axes. */
type Triple = readonly number[];

/** The sizes of a windowed step; pooling has one channel and one output a group. */
export interface WindowSizes {
  readonly N: number;
  readonly groups: number;
  /** Channels and outputs of a group. */
  readonly C: number;
  readonly O: number;
  readonly input: Triple;
  readonly kernel: Triple;
  readonly strides: Triple;
  readonly dilations: Triple;
  /** Padding before each axis; behind it, as much as the outputs ask for. */
  readonly pads: Triple;
  readonly output: Triple;
  /** Rows and columns of outputs that are computed at a time. */
  readonly tile: readonly number[];
}

const lists = ['input', 'kernel', 'strides', 'dilations', 'pads', 'output', 'tile'] as const;

function windowSizes(params: BoundParams): WindowSizes {
  const [N, groups, C, O] = ['N', 'groups', 'C', 'O'].map((name) => sizeOf(params, name, 1));
  const sizes = Object.fromEntries(lists.map((name) => [name, sizesOf(params, name)]));
  return { N, groups, C, O, ...(sizes as Record<(typeof lists)[number], Triple>) };
}

const volume = (sizes: readonly number[]) => sizes.reduce((product, size) => product * size, 1);

/** Inputs that `count` windows span along axis `axis`. */
function spanOf({ kernel, strides, dilations }: WindowSizes, axis: number, count: number): number {
  return (count - 1) * strides[axis] + (kernel[axis] - 1) * dilations[axis] + 1;
}

/**
 * Elements of scratch, as drawn in assembly/operators/windows.ts: offsets, taps, panels and the band of one tile.
 * Panels are counted also where the kernel does without, and the band also where nothing is padded.
 */
export function scratchLength(sizes: WindowSizes): number {
  const { C, kernel, tile } = sizes;
  const taps = C * volume(kernel);
  const places = Math.ceil((tile[0] * tile[1]) / NR) * NR;
  return NR + taps + (2 + taps) * places + C * kernel[0] * spanOf(sizes, 1, tile[0]) * spanOf(sizes, 2, tile[1]);
}

/** What would lead the kernel astray, or null. Its sizes are i32, also those that it makes of these. */
function sizeProblem(sizes: WindowSizes): string | null {
  const { C, O, input, kernel, strides, dilations, pads, output, tile } = sizes;
  const wrong = lists.find((name) => sizes[name].length !== (name === 'tile' ? 2 : 3));
  if (wrong) return `sizes of "${wrong}": got ${sizes[wrong].length}, expected ${wrong === 'tile' ? 2 : 3}`;
  if ([...kernel, ...strides, ...dilations, ...tile].includes(0)) return 'a kernel, stride, dilation or tile of 0';
  const reaches = output.map((count, axis) => spanOf(sizes, axis, count) + pads[axis]);
  const counts = [C * volume(kernel), C * volume(input), O * volume(output), O * (1 + C * volume(kernel))];
  const largest = Math.max(...reaches, ...counts, scratchLength(sizes));
  return largest * 4 < 2 ** 31 ? null : `sizes too large for one image: got ${largest} elements`;
}

function shapeWords(sizes: WindowSizes): number[] {
  const { N, groups, C, O } = sizes;
  return [N, groups, C, O, ...lists.flatMap((name) => sizes[name])].map(integerWord);
}

const size = { type: 'size' } as const;
const sizeList = { type: 'sizes' } as const;
const axisParams = Object.fromEntries(lists.map((name) => [name, sizeList]));

/** Elements of x, of y and of the scratch. */
function lengthsOf(sizes: WindowSizes) {
  const { N, groups, C, O, input, output } = sizes;
  const isEmpty = N * groups * O * volume(output) === 0;
  return {
    x: isEmpty ? 0 : N * groups * C * volume(input),
    y: N * groups * O * volume(output),
    scratch: isEmpty ? 0 : scratchLength(sizes),
  };
}

/**
 * y [N, groups, O, output] = clamp(bias + sum over the window of x [N, groups, C, input] times its weights, lo, hi);
 * w is [groups, O, 1 + C * kernel] with the bias first. Padding counts as zeros.
 */
export const conv: StepKind = {
  opcode: 13,
  reads: [
    { name: 'x', dtypes: float32 },
    { name: 'w', dtypes: float32 },
  ],
  writes: [
    { name: 'y', dtypes: float32 },
    { name: 'scratch', dtypes: float32, scratch: true },
  ],
  params: {
    ...{ N: size, groups: size, C: size, O: size },
    ...axisParams,
    lo: { type: 'real', optional: true },
    hi: { type: 'real', optional: true },
  },
  work(params) {
    const { C, kernel, ...sizes } = windowSizes(params);
    return sizes.N * sizes.groups * sizes.O * volume(sizes.output) * Math.max(1, C * volume(kernel));
  },
  dtypeProblem: (params) => sizeProblem(windowSizes(params)),
  regions(params) {
    const sizes = windowSizes(params);
    const { x, y, scratch } = lengthsOf(sizes);
    const weights = sizes.groups * sizes.O * (1 + sizes.C * volume(sizes.kernel));
    return [x, y === 0 ? 0 : weights, y, scratch].map((length, slot) => spanRegion(slot, length));
  },
  encode(params, pointers) {
    const [lo, hi] = [realOf(params, 'lo', Number.NEGATIVE_INFINITY), realOf(params, 'hi', Number.POSITIVE_INFINITY)];
    return [...pointers.map(pointerWord), realWord(lo), realWord(hi), ...shapeWords(windowSizes(params))];
  },
};

/** y [N, groups, output] = maximum or sum over the window of x [N, groups, input]; padding is -infinity or zero. */
export const pool: StepKind = {
  opcode: 14,
  reads: [{ name: 'x', dtypes: float32 }],
  writes: [
    { name: 'y', dtypes: float32 },
    { name: 'scratch', dtypes: float32, scratch: true },
  ],
  params: { f: { type: 'word', words: poolWords }, N: size, groups: size, ...axisParams },
  work(params) {
    const { N, groups, output, kernel } = windowSizes(params);
    return N * groups * volume(output) * volume(kernel);
  },
  dtypeProblem: (params) => sizeProblem(windowSizes(params)),
  regions(params) {
    const { x, y, scratch } = lengthsOf(windowSizes(params));
    return [x, y, scratch].map((length, slot) => spanRegion(slot, length));
  },
  encode(params, pointers) {
    return [...pointers.map(pointerWord), wordOf(params, 'f', poolWords), ...shapeWords(windowSizes(params))];
  },
};
