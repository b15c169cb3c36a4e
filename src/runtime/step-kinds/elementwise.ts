/** Steps that compute each element on its own, but for `unary`. Output may be the very input, else disjoint. */
import type { BoundParams, StepKind } from '../step-kind.js';
import type { DType } from '../tensor.js';
import { boxRegion, coalesce, contiguousStrides, spanRegion } from './box.js';
import { boxOf, integerWord, pointerWord, realOf, realWord, sizeOf, wordOf } from './params.js';

const float32 = ['float32'] as const;

/** The functions of `binary`, in the order of assembly/operators/elementwise.ts. NaN wins in max and min. */
export const binaryWords = ['add', 'sub', 'mul', 'div', 'max', 'min', 'pow'] as const;

/** When the condition of `select` holds: where it is not 0, NaN included, or where it is NaN. */
const selectWords = ['nonzero', 'nan'] as const;

/**
 * A step over `dims` whose y is contiguous; operands are reached by strides, 0 along the axes they are broadcast on.
 * @param first  number of the first function in assembly/operators/elementwise.ts
 */
function boxed(operands: readonly string[], words: readonly string[], first: number): StepKind {
  const names = ['dims', ...operands.map((name) => `strides${name.toUpperCase()}`)];
  return {
    opcode: 4,
    reads: operands.map((name) => ({ name, dtypes: float32 })),
    writes: [{ name: 'y', dtypes: float32 }],
    params: { f: { type: 'word', words }, ...Object.fromEntries(names.map((name) => [name, { type: 'sizes' }])) },
    work: (params) => boxOf(params, ['dims'])[0].reduce((product, dim) => product * dim, 1),
    regions(params) {
      const [dims, ...strides] = boxOf(params, names);
      return [...strides, contiguousStrides(dims)].map((list, slot) => boxRegion(slot, dims, list));
    },
    encode(params, [a, b, ...others]) {
      const [shape, ...given] = boxOf(params, names);
      const [y, c = a] = others.reverse();
      const third = given[2] ?? shape.map(() => 0);
      const { dims, strides } = coalesce(shape, [given[0], given[1], third, contiguousStrides(shape)]);
      const axes = dims.flatMap((dim, d) => [dim, ...strides.map((list) => list[d])]);
      const f = first + wordOf(params, 'f', words);
      return [...[a, b, c, y].map(pointerWord), f, dims.length, ...axes.map(integerWord)];
    },
  };
}

/** y = f(a, b). */
export const binary = boxed(['a', 'b'], binaryWords, 0);

/** y = a where the condition c holds, b elsewhere. */
export const select = boxed(['a', 'b', 'c'], selectWords, binaryWords.length);

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
