/** Operators that order or accumulate along one axis: ArgMax, ArgMin, TopK, Hardmax, CumSum; reference steps. */
import type { Extent } from '../../runtime/extent.js';
import type { Tensor } from '../../runtime/tensor.js';
import type { Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { constantInput, integerOf, nodeError, requireInput, wholeNumbers } from './attributes.js';
import { define, lastOpset, type Version } from './define.js';
import {
  fillBigints,
  fillNumbers,
  floatDTypes,
  isFloat,
  numericDTypes,
  pick,
  toBigints,
  toNumbers,
  wideIntegerDTypes,
} from './elements.js';
import { sizesAround } from './lower-copy.js';
import { mismatchCode, normaliseAxis, type Shape } from './shapes.js';

/** Sizes of x [outer, axis, inner], and the element at a place along the axis of a line. */
function linesOf(dims: readonly number[], first: number, end = first + 1) {
  const { outer, axis, inner } = sizesAround(dims, first, end) as Record<'outer' | 'axis' | 'inner', number>;
  const at = (line: number, a: number) => (Math.floor(line / inner) * axis + a) * inner + (line % inner);
  return { lines: outer * inner, axis, inner, at };
}

/** Elements that can be compared: exact also for 64-bit integers. */
const comparable = (x: Tensor): ArrayLike<number | bigint> => (isFloat(x.type) ? toNumbers(x) : toBigints(x));

function argument(node: Node, x: Tensor, isMax: boolean): Tensor {
  const first = normaliseAxis(node, integerOf(node, 'axis', 0), x.dims.length);
  const takesLast = integerOf(node, 'select_last_index', 0) !== 0;
  const { axis, at } = linesOf(x.dims, first);
  const values = comparable(x);
  const dims = x.dims.map((size, axis) => (axis === first ? 1 : size));
  const best = (line: number) => {
    let chosen = 0;
    for (let a = 1; a < axis; a++) {
      const [value, top] = [values[at(line, a)], values[at(line, chosen)]];
      if (isMax ? value > top : value < top) chosen = a;
      else if (takesLast && value === top) chosen = a;
    }
    return BigInt(chosen);
  };
  const result = fillBigints('int64', dims, best);
  return integerOf(node, 'keepdims', 1) === 0 ? result.reshape(dims.filter((_, axis) => axis !== first)) : result;
}

function defineArgument(name: string, isMax: boolean): readonly Operator[] {
  return define([[1, lastOpset, numericDTypes]], {
    name,
    infer: (node, inputs) => {
      const { shape } = requireInput(node, inputs, 0);
      const first = normaliseAxis(node, integerOf(node, 'axis', 0), shape.length);
      const keeps = integerOf(node, 'keepdims', 1) !== 0;
      const rest = shape.flatMap((size, axis): Extent[] => (axis === first ? (keeps ? [1] : []) : [size]));
      return [{ dtype: 'int64', shape: rest }];
    },
    evaluate: (node, inputs) => [argument(node, requireInput(node, inputs, 0), isMax)],
    rowIndependent: (node, inputs) => {
      const rank = requireInput(node, inputs, 0).shape.length;
      return normaliseAxis(node, integerOf(node, 'axis', 0), rank) !== 0;
    },
  });
}

/** How many TopK keeps: an attribute before opset 10, an input from then on. */
function keptOf(node: Node, k: Tensor | undefined, opset: number): number {
  const kept = opset < 10 ? integerOf(node, 'k', -1) : k ? wholeNumbers(node, k.reshape([k.size]))[0] : -1;
  if (kept >= 0) return kept;
  throw nodeError('MODEL_INVALID', node, `k: got ${kept}, expected a whole number >= 0.`);
}

function topShape(node: Node, shape: Shape, kept: number): { first: number; shape: Shape } {
  const first = normaliseAxis(node, integerOf(node, 'axis', -1), shape.length);
  const size = shape[first];
  if (typeof size !== 'number' || kept > size) {
    throw nodeError(mismatchCode(size), node, `k: got ${kept}, expected at most the axis's known size.`);
  }
  return { first, shape: shape.map((dim, axis) => (axis === first ? kept : dim)) };
}

function top(node: Node, x: Tensor, kept: number): readonly Tensor[] {
  const { first, shape } = topShape(node, x.dims, kept);
  const dims = shape as readonly number[];
  const isLargest = integerOf(node, 'largest', 1) !== 0;
  const { lines, axis, inner, at } = linesOf(x.dims, first);
  const values = comparable(x);
  const [source, indices] = [new Float64Array(lines * kept), new Float64Array(lines * kept)];
  for (let line = 0; line < lines; line++) {
    const order = Array.from({ length: axis }, (_, a) => a).sort((a, b) => {
      const [left, right] = [values[at(line, a)], values[at(line, b)]];
      if (left === right) return a - b;
      return left > right === isLargest ? -1 : 1;
    });
    for (let a = 0; a < kept; a++) {
      const place = (Math.floor(line / inner) * kept + a) * inner + (line % inner);
      source[place] = at(line, order[a]);
      indices[place] = order[a];
    }
  }
  return [pick(x, dims, source), fillBigints('int64', dims, (i) => BigInt(indices[i]))];
}

function hardmax(node: Node, x: Tensor, opset: number): Tensor {
  const axis = normaliseAxis(node, integerOf(node, 'axis', opset < 13 ? 1 : -1), x.dims.length);
  const { lines, axis: size, at } = linesOf(x.dims, axis, opset < 13 ? x.dims.length : axis + 1);
  const values = toNumbers(x);
  const isOne = new Uint8Array(x.size);
  for (let line = 0; line < lines; line++) {
    let chosen = 0;
    for (let a = 1; a < size; a++) if (values[at(line, a)] > values[at(line, chosen)]) chosen = a;
    isOne[at(line, chosen)] = 1;
  }
  return fillNumbers(x.type, x.dims, (i) => isOne[i]);
}

function cumulate(node: Node, inputs: readonly (Tensor | undefined)[]): Tensor {
  const [x, axisInput] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1)];
  const first = normaliseAxis(node, wholeNumbers(node, axisInput.reshape([1]))[0], x.dims.length);
  const isReverse = integerOf(node, 'reverse', 0) !== 0;
  const isExclusive = integerOf(node, 'exclusive', 0) !== 0;
  const { lines, axis, at } = linesOf(x.dims, first);
  const isReal = isFloat(x.type);
  const values = comparable(x) as ArrayLike<number>;
  const sums = new Array<number>(x.size);
  for (let line = 0; line < lines; line++) {
    let sum = (isReal ? 0 : 0n) as number;
    for (let a = 0; a < axis; a++) {
      const place = at(line, isReverse ? axis - 1 - a : a);
      const next = sum + values[place];
      sums[place] = isExclusive ? sum : next;
      sum = next;
    }
  }
  if (isReal) return fillNumbers(x.type, x.dims, (i) => sums[i]);
  return fillBigints(x.type, x.dims, (i) => sums[i] as unknown as bigint);
}

const topVersions: readonly Version[] = [
  [1, 10, floatDTypes],
  [11, lastOpset, numericDTypes],
];

export const alongAxisOperators: readonly Operator[] = [
  ...defineArgument('ArgMax', true),
  ...defineArgument('ArgMin', false),
  ...define(topVersions, {
    name: 'TopK',
    infer: (node, inputs, opset) => {
      const { dtype, shape: given } = requireInput(node, inputs, 0);
      const kept = keptOf(node, opset < 10 ? undefined : constantInput(node, inputs, 1), opset);
      const { shape } = topShape(node, given, kept);
      return [
        { dtype, shape },
        { dtype: 'int64', shape },
      ];
    },
    evaluate: (node, inputs, opset) => top(node, requireInput(node, inputs, 0), keptOf(node, inputs[1], opset)),
  }),
  ...define([[1, lastOpset, floatDTypes]], {
    name: 'Hardmax',
    infer: (node, inputs) => {
      const { dtype, shape } = requireInput(node, inputs, 0);
      return [{ dtype, shape }];
    },
    evaluate: (node, inputs, opset) => [hardmax(node, requireInput(node, inputs, 0), opset)],
  }),
  ...define([[11, lastOpset, [...floatDTypes, ...wideIntegerDTypes]]], {
    name: 'CumSum',
    infer: (node, inputs) => {
      const { dtype, shape } = requireInput(node, inputs, 0);
      return [{ dtype, shape }];
    },
    evaluate: (node, inputs) => [cumulate(node, inputs)],
  }),
];
