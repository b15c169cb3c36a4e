/** Steps that compute each element on its own, but for `unary`. Output may be the very input, else disjoint. */
import type { BoundParams, StepKind } from '../step-kind.js';
import type { DType } from '../tensor.js';
import { boxRegion, coalesce, contiguousStrides, spanRegion } from './box.js';
import { boxOf, integerWord, pointerWord, realOf, realWord, sizeOf, wordOf } from './params.js';

const float32 = ['float32'] as const;

/** The functions of `binary`, in the order of assembly/operators/binary.ts. NaN wins in max and min. */
export const binaryWords = ['add', 'sub', 'mul', 'div', 'max', 'min', 'pow'] as const;

/** y = f(a, b) over `dims`; y is contiguous, a and b are reached by strides, 0 along the axes they are broadcast on. */
export const binary: StepKind = {
  opcode: 4,
  reads: [
    { name: 'a', dtypes: float32 },
    { name: 'b', dtypes: float32 },
  ],
  writes: [{ name: 'y', dtypes: float32 }],
  params: {
    f: { type: 'word', words: binaryWords },
    dims: { type: 'sizes' },
    stridesA: { type: 'sizes' },
    stridesB: { type: 'sizes' },
  },
  work: (params) => boxOf(params, ['dims'])[0].reduce((product, dim) => product * dim, 1),
  regions(params) {
    const [dims, stridesA, stridesB] = boxOf(params, ['dims', 'stridesA', 'stridesB']);
    return [boxRegion(0, dims, stridesA), boxRegion(1, dims, stridesB), boxRegion(2, dims, contiguousStrides(dims))];
  },
  encode(params, [a, b, y]) {
    const [shape, stridesA, stridesB] = boxOf(params, ['dims', 'stridesA', 'stridesB']);
    const { dims, strides } = coalesce(shape, [stridesA, stridesB, contiguousStrides(shape)]);
    const axes = dims.flatMap((dim, d) => [dim, ...strides.map((list) => list[d])]);
    return [...[a, b, y].map(pointerWord), wordOf(params, 'f', binaryWords), dims.length, ...axes.map(integerWord)];
  },
};

/** When the condition of `select` holds: where it is not 0, NaN included, or where it is NaN. */
const conditionWords = ['nonzero', 'nan'] as const;

/** y = a where the condition c holds, b elsewhere, over `dims`; strides as in `binary`. */
export const select: StepKind = {
  opcode: 20,
  reads: ['c', 'a', 'b'].map((name) => ({ name, dtypes: float32 })),
  writes: [{ name: 'y', dtypes: float32 }],
  params: {
    f: { type: 'word', words: conditionWords },
    dims: { type: 'sizes' },
    stridesC: { type: 'sizes' },
    stridesA: { type: 'sizes' },
    stridesB: { type: 'sizes' },
  },
  work: (params) => boxOf(params, ['dims'])[0].reduce((product, dim) => product * dim, 1),
  regions(params) {
    const [dims, ...strides] = boxOf(params, ['dims', 'stridesC', 'stridesA', 'stridesB']);
    return [...strides, contiguousStrides(dims)].map((list, slot) => boxRegion(slot, dims, list));
  },
  encode(params, pointers) {
    const [shape, ...given] = boxOf(params, ['dims', 'stridesC', 'stridesA', 'stridesB']);
    const { dims, strides } = coalesce(shape, [...given, contiguousStrides(shape)]);
    const axes = dims.flatMap((dim, d) => [dim, ...strides.map((list) => list[d])]);
    return [...pointers.map(pointerWord), wordOf(params, 'f', conditionWords), dims.length, ...axes.map(integerWord)];
  },
};

/** The dtypes of `cast`, in the order of assembly/operators/cast.ts. */
export const castDtypes = ['float32', 'int32', 'uint8', 'int8', 'bool', 'int64', 'float64'] as const;

/**
 * y[i] = x[i] in another dtype. Real to integer truncates and saturates (NaN gives 0); integer to integer keeps the low
 * bits; bool is `x != 0`.
 */
export const cast: StepKind = {
  opcode: 11,
  reads: [{ name: 'x', dtypes: castDtypes }],
  writes: [{ name: 'y', dtypes: castDtypes }],
  params: {
    from: { type: 'word', words: castDtypes },
    to: { type: 'word', words: castDtypes },
    count: { type: 'size' },
  },
  work: (params) => sizeOf(params, 'count'),
  dtypeProblem({ from, to }, [x, y]) {
    if (x === from && y === to) return null;
    return `cast on other dtypes: got ${x} to ${y}, expected ${String(from)} to ${String(to)}`;
  },
  regions(params) {
    const count = sizeOf(params, 'count');
    return [spanRegion(0, count), spanRegion(1, count)];
  },
  encode(params, [x, y]) {
    const words = [wordOf(params, 'from', castDtypes), wordOf(params, 'to', castDtypes)];
    return [...[x, y].map(pointerWord), ...words, integerWord(sizeOf(params, 'count'))];
  },
};

const fourByteDtypes: readonly DType[] = ['float32', 'int32', 'uint32'];

function fillWord(params: BoundParams): number {
  if (params.bits === undefined) return realWord(realOf(params, 'value', 0));
  return integerWord(realOf(params, 'bits'));
}

/** y[i] = value for i < count; for an integer y, `bits` gives the 32 bits of the element instead. */
export const fill: StepKind = {
  opcode: 12,
  reads: [],
  writes: [{ name: 'y', dtypes: fourByteDtypes }],
  params: {
    count: { type: 'size' },
    value: { type: 'real', optional: true },
    bits: { type: 'size', optional: true, signed: true },
  },
  work: (params) => sizeOf(params, 'count'),
  regions: (params) => [spanRegion(0, sizeOf(params, 'count'))],
  encode: (params, [y]) => [pointerWord(y), integerWord(sizeOf(params, 'count')), fillWord(params)],
};
