/** Quantised operators as reference steps: exact integer sums, rounded once. */
import { type Extent, equals, multiply, product } from '../../runtime/extent.js';
import { type DType, dtypeOfOnnxNumber, elementCount, type Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { integerOf, nodeError, requireInput } from './attributes.js';
import { convMacs, convShape, convSizes, sumWindows } from './conv-reference.js';
import { define, lastOpset } from './define.js';
import { fillBigints, fillNumbers, toNumbers } from './elements.js';
import {
  lowerDequantizeLinear,
  lowerDynamicQuantizeLinear,
  lowerMatMulInteger,
  lowerQLinearMatMul,
  lowerQuantizeLinear,
} from './lower-quantize.js';
import { matMulSizes } from './product-sizes.js';
import { factsOf } from './reshape.js';
import { roundToEven } from './scalar-functions.js';
import { broadcastIndex, normaliseAxis } from './shapes.js';

const bytes: readonly DType[] = ['uint8', 'int8'];

/** The dtype that QuantizeLinear gives: that of its zero point, else what an attribute says, else uint8. */
function quantizedType(node: Node, inputs: readonly (Fact | undefined)[]): DType {
  if (inputs[2]) return requireBytes(node, inputs, 2).dtype;
  const asked = integerOf(node, 'output_dtype', 0);
  const dtype = asked === 0 ? 'uint8' : dtypeOfOnnxNumber(asked);
  if (dtype && bytes.includes(dtype)) return dtype;
  throw nodeError('DTYPE_UNSUPPORTED', node, `output_dtype: got ${asked}, expected uint8 or int8.`);
}

/** The fact of an input of bytes. @throws DTYPE_UNSUPPORTED for another dtype */
function requireBytes(node: Node, inputs: readonly (Fact | undefined)[], index: number): Fact {
  const fact = requireInput(node, inputs, index);
  if (bytes.includes(fact.dtype)) return fact;
  const problem = `dtype of input ${index}: got ${fact.dtype}, expected ${bytes.join(' or ')}.`;
  throw nodeError('DTYPE_UNSUPPORTED', node, problem);
}

const limitsOf: Partial<Record<DType, readonly [least: number, most: number]>> = { uint8: [0, 255], int8: [-128, 127] };

/** Rounded to the nearest even, shifted by the zero point and clipped into the dtype. */
function saturate(dtype: DType, value: number, zero: number): bigint {
  const [least, most] = limitsOf[dtype]!;
  const rounded = roundToEven(value) + zero;
  return BigInt(Math.min(Math.max(Number.isNaN(rounded) ? 0 : rounded, least), most));
}

/** Entries of a scale of blocks: one for each block of `block_size` elements along the axis, of every line of them. */
function blockEntryOf(node: Node, dims: readonly number[], scale: Tensor, block: number): (i: number) => number {
  const axis = normaliseAxis(node, integerOf(node, 'axis', 1), dims.length);
  const expected = dims.map((dim, at) => (at === axis ? Math.ceil(dim / block) : dim));
  if (scale.dims.join() !== expected.join()) {
    throw nodeError('SHAPE_MISMATCH', node, `scale: got [${scale.dims}], expected [${expected}].`);
  }
  const inner = elementCount(dims.slice(axis + 1));
  return (i) => {
    const [outer, at] = [Math.floor(i / inner / dims[axis]), Math.floor(i / inner) % dims[axis]];
    return (outer * expected[axis] + Math.floor(at / block)) * inner + (i % inner);
  };
}

/** Which entry of a scale or zero point belongs to each element of x: one for all, one along an axis, one for a block. */
function entryOf(node: Node, dims: readonly number[], scale: Tensor): (i: number) => number {
  const block = integerOf(node, 'block_size', 0);
  if (block > 0) return blockEntryOf(node, dims, scale, block);
  if (scale.size === 1) return () => 0;
  const axis = normaliseAxis(node, integerOf(node, 'axis', 1), dims.length);
  if (scale.size !== dims[axis]) {
    throw nodeError('SHAPE_MISMATCH', node, `scale: got ${scale.size} numbers, expected 1 or ${dims[axis]}.`);
  }
  const inner = elementCount(dims.slice(axis + 1));
  return (i) => Math.floor(i / inner) % dims[axis];
}

const zerosOf = (zero: Tensor | undefined): ((at: number) => number) => {
  const values = zero && toNumbers(zero);
  return values ? (at) => values[values.length === 1 ? 0 : at] : () => 0;
};

function quantize(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const [x, scale, zero] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1), inputs[2]];
  const dtype = quantizedType(node, factsOf(inputs));
  const [values, scales, zeros, at] = [toNumbers(x), toNumbers(scale), zerosOf(zero), entryOf(node, x.dims, scale)];
  return [fillBigints(dtype, x.dims, (i) => saturate(dtype, Math.fround(values[i] / scales[at(i)]), zeros(at(i))))];
}

function dequantize(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const [x, scale] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1)];
  const [values, scales, zeros, at] = [
    toNumbers(x),
    toNumbers(scale),
    zerosOf(inputs[2]),
    entryOf(node, x.dims, scale),
  ];
  return [fillNumbers(scale.type, x.dims, (i) => (values[i] - zeros(at(i))) * scales[at(i)])];
}

/** y = x / scale + zero over the range of x and 0, in float32 as the definition has it. */
function quantizeDynamically(x: Tensor): readonly Tensor[] {
  const values = toNumbers(x) as Float32Array;
  const [least, most] = values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [0, 0]);
  const scale = Math.fround(Math.fround(most - least) / 255);
  const zero = scale === 0 ? 0 : Math.min(Math.max(roundToEven(Math.fround((0 - least) / scale)), 0), 255);
  const y = fillBigints('uint8', x.dims, (i) =>
    saturate('uint8', scale === 0 ? 0 : Math.fround(values[i] / scale), zero),
  );
  return [y, fillNumbers('float32', [], () => scale), fillBigints('uint8', [], () => BigInt(zero))];
}

/** Which zero point (or scale) belongs to row `row` of a [.., M, K] or column of b [.., K, N]: one for all, or one each. */
const entry = (values: ArrayLike<number>, at: number) => values[values.length === 1 ? 0 : at];

/** Sums (a - zeroA) (b - zeroB) of a matrix product, exact: 8-bit factors keep them far below 2^53. */
function integerProduct(node: Node, a: Tensor, b: Tensor, zeroA: Tensor | undefined, zeroB: Tensor | undefined) {
  const sizes = matMulSizes(node, a.dims, b.dims);
  const [M, N, K] = [sizes.M, sizes.N, sizes.K] as readonly number[];
  const batch = sizes.batch as readonly number[];
  const [atA, atB] = [sizes.batchA, sizes.batchB].map((dims) => broadcastIndex(dims as readonly number[], batch));
  const [as, bs, za, zb] = [toNumbers(a), toNumbers(b), zeroA ? toNumbers(zeroA) : [0], zeroB ? toNumbers(zeroB) : [0]];
  const sums = new Float64Array(elementCount(batch) * M * N);
  for (let i = 0; i < sums.length; i++) {
    const [which, m, n] = [Math.floor(i / (M * N)), Math.floor(i / N) % M, i % N];
    const [startA, startB] = [(atA[which] * M + m) * K, atB[which] * K * N + n];
    const [offA, offB] = [entry(za, m), entry(zb, n)];
    for (let k = 0; k < K; k++) sums[i] += (as[startA + k] - offA) * (bs[startB + k * N] - offB);
  }
  return { sums, dims: sizes.shape as readonly number[], M, N };
}

function multiplyQuantized(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const [a, scaleA, zeroA, b, scaleB, zeroB, scaleY, zeroY] = [0, 1, 2, 3, 4, 5, 6, 7].map((i) =>
    requireInput(node, inputs, i),
  );
  const { sums, dims, M, N } = integerProduct(node, a, b, zeroA, zeroB);
  const [sa, sb, sy, zy] = [scaleA, scaleB, scaleY, zeroY].map(toNumbers);
  return [
    fillBigints(zeroY.type, dims, (i) => {
      const scale = (entry(sa, Math.floor(i / N) % M) * entry(sb, i % N)) / sy[0];
      return saturate(zeroY.type, Math.fround(sums[i] * scale), zy[0]);
    }),
  ];
}

/** Facts of a Conv whose operands are x and w, for its geometry. */
function convSums(node: Node, x: Tensor, w: Tensor, zeroX: Tensor | undefined, zeroW: Tensor | undefined) {
  const sizes = convSizes(node, { shape: x.dims }, { shape: w.dims });
  const [zx, zw] = [zeroX ? toNumbers(zeroX)[0] : 0, zerosOf(zeroW)];
  const [xs, ws] = [toNumbers(x), toNumbers(w)];
  const perOutput = w.size / w.dims[0];
  const shiftedX = Float64Array.from(xs, (value) => value - zx);
  const shiftedW = Float64Array.from(ws, (value, i) => value - zw(Math.floor(i / perOutput)));
  return {
    sums: sumWindows(sizes, x.dims[0], shiftedX, shiftedW, undefined),
    dims: convShape(sizes) as readonly number[],
  };
}

function convolveQuantized(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const [x, scaleX, zeroX, w, scaleW, zeroW, scaleY, zeroY] = [0, 1, 2, 3, 4, 5, 6, 7].map((i) =>
    requireInput(node, inputs, i),
  );
  const { sums, dims } = convSums(node, x, w, zeroX, zeroW);
  const [sx, sw, sy, zy] = [scaleX, scaleW, scaleY, zeroY].map(toNumbers);
  const [bias, places] = [inputs[8] && toNumbers(inputs[8]), elementCount(dims.slice(2))];
  return [
    fillBigints(zeroY.type, dims, (i) => {
      const o = Math.floor(i / places) % dims[1];
      const scale = (sx[0] * entry(sw, o)) / sy[0];
      return saturate(zeroY.type, Math.fround((sums[i] + (bias ? bias[o] : 0)) * scale), zy[0]);
    }),
  ];
}

/** Whether one scale and zero point serve all rows: a column of them would belong to the rows of one batch. */
const isPerTensor = (_node: Node, inputs: readonly (Fact | undefined)[]): boolean =>
  inputs.slice(1).every((fact) => !fact || equals(product(fact.shape), 1));

function productMacs(node: Node, a: Fact, b: Fact): Extent {
  const { batch, M, N, K } = matMulSizes(node, a.shape, b.shape);
  return [product(batch), M, N, K].reduce(multiply);
}

const productShape = (node: Node, a: Fact, b: Fact) => matMulSizes(node, a.shape, b.shape).shape;

/** dtypes of the operators whose first input is quantised already. */
const quantised = [[10, lastOpset, bytes]] as const;

export const quantizeOperators: readonly Operator[] = [
  ...define([[10, lastOpset, ['float32', 'int32']]], {
    name: 'QuantizeLinear',
    infer: (node, inputs) => {
      requireInput(node, inputs, 1);
      return [{ dtype: quantizedType(node, inputs), shape: requireInput(node, inputs, 0).shape }];
    },
    evaluate: quantize,
    lower: lowerQuantizeLinear,
    rowIndependent: isPerTensor,
  }),
  ...define([[10, lastOpset, [...bytes, 'int32']]], {
    name: 'DequantizeLinear',
    infer: (node, inputs) => {
      const { dtype } = requireInput(node, inputs, 1);
      return [{ dtype, shape: requireInput(node, inputs, 0).shape }];
    },
    evaluate: dequantize,
    lower: lowerDequantizeLinear,
    rowIndependent: isPerTensor,
  }),
  ...define([[11, lastOpset, ['float32']]], {
    name: 'DynamicQuantizeLinear',
    infer: (node, inputs) => [
      { dtype: 'uint8', shape: requireInput(node, inputs, 0).shape },
      { dtype: 'float32', shape: [] },
      { dtype: 'uint8', shape: [] },
    ],
    evaluate: (node, inputs) => quantizeDynamically(requireInput(node, inputs, 0)),
    lower: lowerDynamicQuantizeLinear,
  }),
  ...define(quantised, {
    name: 'MatMulInteger',
    infer: (node, inputs) => [
      { dtype: 'int32', shape: productShape(node, requireInput(node, inputs, 0), requireBytes(node, inputs, 1)) },
    ],
    evaluate: (node, inputs) => {
      const { sums, dims } = integerProduct(
        node,
        requireInput(node, inputs, 0),
        requireInput(node, inputs, 1),
        inputs[2],
        inputs[3],
      );
      return [fillBigints('int32', dims, (i) => BigInt(sums[i]))];
    },
    lower: lowerMatMulInteger,
    macs: (node, inputs) => productMacs(node, requireInput(node, inputs, 0), requireInput(node, inputs, 1)),
  }),
  ...define(quantised, {
    name: 'QLinearMatMul',
    infer: (node, inputs) => [
      {
        dtype: requireBytes(node, inputs, 7).dtype,
        shape: productShape(node, requireInput(node, inputs, 0), requireBytes(node, inputs, 3)),
      },
    ],
    evaluate: multiplyQuantized,
    lower: lowerQLinearMatMul,
    macs: (node, inputs) => productMacs(node, requireInput(node, inputs, 0), requireInput(node, inputs, 3)),
  }),
  ...define(quantised, {
    name: 'ConvInteger',
    infer: (node, inputs) => [
      {
        dtype: 'int32',
        shape: convShape(convSizes(node, requireInput(node, inputs, 0), requireBytes(node, inputs, 1))),
      },
    ],
    evaluate: (node, inputs) => {
      const { sums, dims } = convSums(
        node,
        requireInput(node, inputs, 0),
        requireInput(node, inputs, 1),
        inputs[2],
        inputs[3],
      );
      return [fillBigints('int32', dims, (i) => BigInt(sums[i]))];
    },
    macs: (node, inputs) => convMacs(convSizes(node, requireInput(node, inputs, 0), requireInput(node, inputs, 1))),
  }),
  ...define(quantised, {
    name: 'QLinearConv',
    infer: (node, inputs) => [
      {
        dtype: requireBytes(node, inputs, 7).dtype,
        shape: convShape(convSizes(node, requireInput(node, inputs, 0), requireBytes(node, inputs, 3))),
      },
    ],
    evaluate: convolveQuantized,
    macs: (node, inputs) => convMacs(convSizes(node, requireInput(node, inputs, 0), requireInput(node, inputs, 3))),
  }),
];
