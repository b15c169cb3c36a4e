/** Operators of two inputs that broadcast: arithmetic, comparison, logic. */
import { equals, product } from '../../runtime/extent.js';
import { type DType, Tensor } from '../../runtime/tensor.js';
import type { Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { integerOf, requireInput, textOf } from './attributes.js';
import { always, define, lastOpset, requireSameDType, type Version } from './define.js';
import {
  allDTypes,
  fillBigints,
  fillNumbers,
  floatDTypes,
  integerDTypes,
  isFloat,
  numericDTypes,
  toBigints,
  toNumbers,
  unsignedDTypes,
  wideIntegerDTypes,
} from './elements.js';
import { alignSecond } from './legacy-broadcast.js';
import { lowerPRelu } from './lower-activations.js';
import { lowerBinary } from './lowering.js';
import { broadcastIndex, broadcastShapes } from './shapes.js';

interface Binary {
  readonly name: string;
  readonly versions: readonly Version[];
  /** Bool for comparisons and logic; otherwise the first input's dtype. */
  readonly result?: 'bool';
  /** Whether the second input may have a dtype of its own. */
  readonly mixed?: boolean;
  readonly real: (a: number, b: number, node: Node) => number;
  readonly integer: (a: bigint, b: bigint, node: Node) => bigint;
  /** Word of the binary step, if there is one. */
  readonly word?: string;
  /** Other steps that compute it in float32. */
  readonly lower?: Operator['lower'];
  /** The second input's shape as numpy's broadcasting should see it. */
  readonly align?: typeof alignSecond;
}

/** The inputs broadcast to one shape, element i of both at `at(i)`. */
function evaluateBinary(binary: Binary, node: Node, a: Tensor, second: Tensor, opset: number): Tensor {
  const align = binary.align ?? alignSecond;
  const b = new Tensor(second.type, second.data, align(node, opset, a.dims.length, second.dims));
  const dims = broadcastShapes(node, [a.dims, b.dims]) as readonly number[];
  const [ai, bi] = [broadcastIndex(a.dims, dims), broadcastIndex(b.dims, dims)];
  const dtype: DType = binary.result ?? a.type;
  if (isFloat(a.type) || isFloat(b.type)) {
    const [av, bv] = [toNumbers(a), toNumbers(b)];
    const value = (i: number) => binary.real(av[ai[i]], bv[bi[i]], node);
    if (isFloat(dtype) || dtype === 'bool') return fillNumbers(dtype, dims, value);
    return fillBigints(dtype, dims, (i) => truncate(value(i)));
  }
  const [av, bv] = [toBigints(a), toBigints(b)];
  return fillBigints(dtype, dims, (i) => binary.integer(av[ai[i]], bv[bi[i]], node));
}

function truncate(value: number): bigint {
  return Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n;
}

function defineBinary(binary: Binary): readonly Operator[] {
  const { word } = binary;
  return define(binary.versions, {
    name: binary.name,
    infer: (node, inputs, opset) => {
      const [a, b] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1)];
      if (!binary.mixed) requireSameDType(node, [a, b]);
      const align = binary.align ?? alignSecond;
      const shape = broadcastShapes(node, [a.shape, align(node, opset, a.shape.length, b.shape)]);
      return [{ dtype: binary.result ?? a.dtype, shape }];
    },
    evaluate: (node, inputs, opset) => [
      evaluateBinary(binary, node, requireInput(node, inputs, 0), requireInput(node, inputs, 1), opset),
    ],
    ...(binary.lower ? { lower: binary.lower } : {}),
    ...(word ? { lower: (node, builder, opset) => lowerBinary(node, builder, word, opset) } : {}),
    rowIndependent: always,
  });
}

/** base^exponent mod 2^64; a negative exponent truncates toward zero. */
function integerPower(base: bigint, exponent: bigint): bigint {
  if (exponent < 0n) return base === 1n ? 1n : base === -1n ? (exponent % 2n === 0n ? 1n : -1n) : 0n;
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = BigInt.asIntN(64, result * square);
    square = BigInt.asIntN(64, square * square);
  }
  return result;
}

/** The sign of a remainder follows the divisor, or with fmod = 1 the dividend. */
function remainder(a: bigint, b: bigint, node: Node): bigint {
  if (b === 0n) return 0n;
  const rest = a % b;
  const follows = integerOf(node, 'fmod', 0) === 1 || rest === 0n || rest < 0n === b < 0n;
  return follows ? rest : rest + b;
}

/** Before opset 7 the slope of PRelu is one number, or one per channel, and channels are axis 1. */
function alignSlope<T>(_: Node, opset: number, rank: number, shape: readonly T[]): readonly (T | 1)[] {
  const isPerChannel = opset < 7 && shape.length === 1 && shape[0] !== 1;
  return isPerChannel ? [...shape, ...new Array<1>(Math.max(0, rank - 2)).fill(1)] : shape;
}

const arithmetic: readonly Version[] = [
  [1, 5, floatDTypes],
  [6, 13, [...floatDTypes, ...wideIntegerDTypes]],
  [14, lastOpset, numericDTypes],
];
const ordering: readonly Version[] = [
  [1, 8, floatDTypes],
  [9, lastOpset, numericDTypes],
];
const orderingOrEqual: readonly Version[] = [[12, lastOpset, numericDTypes]];
const logic: readonly Version[] = [[1, lastOpset, ['bool']]];

function compare(
  name: string,
  versions: readonly Version[],
  holds: (a: number | bigint, b: number | bigint) => boolean,
) {
  return defineBinary({
    name,
    versions,
    result: 'bool',
    real: (a, b) => Number(holds(a, b)),
    integer: (a, b) => BigInt(holds(a, b)),
  });
}

function bitwise(name: string, integer: (a: bigint, b: bigint) => bigint): readonly Operator[] {
  return defineBinary({ name, versions: [[18, lastOpset, integerDTypes]], real: (a) => a, integer });
}

export const binaryOperators: readonly Operator[] = [
  ...defineBinary({ name: 'Add', versions: arithmetic, real: (a, b) => a + b, integer: (a, b) => a + b, word: 'add' }),
  ...defineBinary({ name: 'Sub', versions: arithmetic, real: (a, b) => a - b, integer: (a, b) => a - b, word: 'sub' }),
  ...defineBinary({ name: 'Mul', versions: arithmetic, real: (a, b) => a * b, integer: (a, b) => a * b, word: 'mul' }),
  ...defineBinary({
    name: 'Div',
    versions: arithmetic,
    real: (a, b) => a / b,
    // Division by zero is undefined for integers; zero keeps a run alive.
    integer: (a, b) => (b === 0n ? 0n : a / b),
    word: 'div',
  }),
  ...defineBinary({
    name: 'Pow',
    versions: [
      [1, 11, floatDTypes],
      [12, lastOpset, ['int32', 'int64', ...floatDTypes]],
    ],
    mixed: true,
    real: (a, b) => a ** b,
    integer: integerPower,
    word: 'pow',
  }),
  ...defineBinary({
    name: 'Mod',
    versions: [[10, lastOpset, numericDTypes]],
    real: (a, b) => a % b,
    integer: remainder,
  }),
  ...defineBinary({
    name: 'PRelu',
    versions: [
      [1, 8, floatDTypes],
      [9, lastOpset, [...floatDTypes, ...wideIntegerDTypes]],
    ],
    align: alignSlope,
    lower: (node, builder, opset) => {
      const [x, slope] = node.inputs.map((value) => builder.fact(value));
      const isWidened = !equals(product(builder.fact(node.outputs[0]).shape), product(x.shape));
      if (x.dtype !== 'float32' || isWidened || slope.shape.length > x.shape.length) return false;
      const shape = alignSlope(node, opset, x.shape.length, slope.shape);
      return lowerPRelu(node, builder, { operand: builder.place(node.inputs[1]).operand, shape });
    },
    real: (x, slope) => (x < 0 ? slope * x : x),
    integer: (x, slope) => (x < 0n ? slope * x : x),
  }),
  ...defineBinary({
    name: 'BitShift',
    versions: [[11, lastOpset, unsignedDTypes]],
    real: (a) => a,
    // Wrapping into the dtype drops what a left shift moves out.
    integer: (a, b, node) => (textOf(node, 'direction', '') === 'LEFT' ? a << (b < 64n ? b : 64n) : a >> b),
  }),
  ...bitwise('BitwiseAnd', (a, b) => a & b),
  ...bitwise('BitwiseOr', (a, b) => a | b),
  ...bitwise('BitwiseXor', (a, b) => a ^ b),
  ...compare(
    'Equal',
    [
      [1, 10, ['bool', 'int32', 'int64']],
      [11, lastOpset, allDTypes],
    ],
    (a, b) => a === b,
  ),
  ...compare('Less', ordering, (a, b) => a < b),
  ...compare('Greater', ordering, (a, b) => a > b),
  ...compare('LessOrEqual', orderingOrEqual, (a, b) => a <= b),
  ...compare('GreaterOrEqual', orderingOrEqual, (a, b) => a >= b),
  ...compare('And', logic, (a, b) => a !== 0n && b !== 0n),
  ...compare('Or', logic, (a, b) => a !== 0n || b !== 0n),
  ...compare('Xor', logic, (a, b) => (a !== 0n) !== (b !== 0n)),
];
