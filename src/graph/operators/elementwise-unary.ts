/** Operators of one input that treat every element alike. */
import type { Tensor } from '../../runtime/tensor.js';
import type { Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { realOf, requireInput, textOf } from './attributes.js';
import { always, define, lastOpset, type Version } from './define.js';
import {
  fillBigints,
  fillNumbers,
  floatDTypes,
  integerDTypes,
  isFloat,
  numericDTypes,
  signedDTypes,
  toBigints,
  toNumbers,
} from './elements.js';
import { lowerMish, lowerSelu, lowerSoftsign } from './lower-activations.js';
import { lowerUnary, type UnaryStep } from './lowering.js';
import { erf, gelu, geluCubic, geluScale, geluTanh, roundToEven, sigmoid, softplus } from './scalar-functions.js';

interface Unary {
  readonly name: string;
  readonly domain?: string;
  readonly versions: readonly Version[];
  /** The function on floats; attributes are read once per call. */
  real(node: Node, opset: number): (x: number) => number;
  /** The function on integers, where the operator takes them. */
  integer?(x: bigint, node: Node): bigint;
  /** The step that computes it in float32, if there is one. */
  step?(node: Node): UnaryStep;
  /** Other steps that do. */
  lower?: Operator['lower'];
}

function evaluateUnary(unary: Unary, node: Node, x: Tensor, opset: number): Tensor {
  if (isFloat(x.type)) {
    const values = toNumbers(x);
    const real = unary.real(node, opset);
    return fillNumbers(x.type, x.dims, (i) => real(values[i]));
  }
  const values = toBigints(x);
  return fillBigints(x.type, x.dims, (i) => unary.integer!(values[i], node));
}

function defineUnary(unary: Unary): readonly Operator[] {
  const { step } = unary;
  return define(unary.versions, {
    name: unary.name,
    ...(unary.domain === undefined ? {} : { domain: unary.domain }),
    infer: (node, inputs) => {
      const { dtype, shape } = requireInput(node, inputs, 0);
      return [{ dtype, shape }];
    },
    evaluate: (node, inputs, opset) => [evaluateUnary(unary, node, requireInput(node, inputs, 0), opset)],
    ...(unary.lower ? { lower: unary.lower } : {}),
    ...(step ? { lower: (node, builder) => lowerUnary(node, builder, step(node)) } : {}),
    rowIndependent: always,
  });
}

const floatsFrom = (first: number): readonly Version[] => [[first, lastOpset, floatDTypes]];
const floatsThen = (split: number, dtypes: Version[2]): readonly Version[] => [
  [1, split - 1, floatDTypes],
  [split, lastOpset, dtypes],
];
const floatAndSigned = [...floatDTypes, ...signedDTypes];
const absolute = (x: bigint) => (x < 0n ? -x : x);

/** An operator without attributes: its name, first opset, function, and whether the step loop has it. */
function plain(name: string, first: number, real: (x: number) => number, step = true): readonly Operator[] {
  const word = name.toLowerCase();
  return defineUnary({
    name,
    versions: floatsFrom(first),
    real: () => real,
    ...(step ? { step: () => ({ word }) } : {}),
  });
}

/** x moved towards zero by the bias where it lies beyond lambd, zero between. */
function shrink(node: Node): (x: number) => number {
  const [lambda, bias] = [realOf(node, 'lambd', 0.5), realOf(node, 'bias', 0)];
  return (x) => (x < -lambda ? x + bias : x > lambda ? x - bias : 0);
}

/** (1 + tanh u) / 2 is sigmoid(2 u). */
export const tanhGelu = { alpha: 2 * geluScale, beta: 2 * geluScale * geluCubic };

const isTanhGelu = (node: Node) => textOf(node, 'approximate', 'none') === 'tanh';

/** Selu's attributes; the first definition had shorter defaults. */
function seluConstants(node: Node, opset: number): { alpha: number; gamma: number } {
  return {
    alpha: realOf(node, 'alpha', opset < 6 ? 1.6732 : 1.6732632423543772),
    gamma: realOf(node, 'gamma', opset < 6 ? 1.0507 : 1.0507009873554805),
  };
}

const slopeOf = (node: Node) => [realOf(node, 'alpha', 0.2), realOf(node, 'beta', 0.5)] as const;

const hardSigmoid = (alpha: number, beta: number) => (x: number) => Math.max(0, Math.min(1, alpha * x + beta));

const hardSwish = (alpha: number, beta: number) => (x: number) => x * hardSigmoid(alpha, beta)(x);

const cubicOf = (node: Node) => [realOf(node, 'alpha', 1), realOf(node, 'beta', 0)] as const;

/** x sigmoid(alpha x + beta x^3). */
const silu = (alpha: number, beta: number) => (x: number) =>
  x * sigmoid(x * (beta === 0 ? alpha : alpha + beta * x * x));

export const unaryOperators: readonly Operator[] = [
  ...plain('Sqrt', 1, Math.sqrt),
  ...plain('Exp', 1, Math.exp),
  ...plain('Log', 1, Math.log),
  ...plain('Reciprocal', 1, (x) => 1 / x),
  ...plain('Floor', 1, Math.floor),
  ...plain('Ceil', 1, Math.ceil),
  ...plain('Sigmoid', 1, sigmoid),
  ...plain('Tanh', 1, Math.tanh),
  ...plain('Softplus', 1, softplus),
  ...plain('Round', 11, roundToEven),
  ...defineUnary({
    name: 'Softsign',
    versions: floatsFrom(1),
    real: () => (x) => x / (1 + Math.abs(x)),
    lower: lowerSoftsign,
  }),
  ...defineUnary({
    name: 'HardSwish',
    versions: floatsFrom(14),
    real: () => hardSwish(1 / 6, 0.5),
    step: () => ({ word: 'hard-swish', alpha: 1 / 6, beta: 0.5 }),
  }),
  ...defineUnary({
    name: 'HardSwish',
    domain: 'kerf',
    versions: [[1, lastOpset, ['float32']]],
    real: (node) => hardSwish(...slopeOf(node)),
    step: (node) => ({ word: 'hard-swish', alpha: slopeOf(node)[0], beta: slopeOf(node)[1] }),
  }),
  ...defineUnary({
    name: 'Silu',
    domain: 'kerf',
    versions: [[1, lastOpset, ['float32']]],
    real: (node) => silu(...cubicOf(node)),
    step: (node) => ({ word: 'silu', alpha: cubicOf(node)[0], beta: cubicOf(node)[1] }),
  }),
  ...defineUnary({
    name: 'Gelu',
    versions: floatsFrom(20),
    real: (node) => (isTanhGelu(node) ? geluTanh : gelu),
    step: (node) => (isTanhGelu(node) ? { word: 'silu', ...tanhGelu } : { word: 'gelu' }),
  }),
  ...defineUnary({
    name: 'Gelu',
    domain: 'kerf',
    versions: [[1, lastOpset, ['float32']]],
    real: () => gelu,
    step: () => ({ word: 'gelu' }),
  }),
  ...defineUnary({
    name: 'Mish',
    versions: floatsFrom(18),
    real: () => (x) => x * Math.tanh(softplus(x)),
    lower: lowerMish,
  }),
  ...defineUnary({
    name: 'Swish',
    versions: floatsFrom(24),
    real: (node) => silu(...cubicOf(node)),
    step: (node) => ({ word: 'silu', alpha: realOf(node, 'alpha', 1) }),
  }),
  ...plain('Sin', 7, Math.sin, false),
  ...plain('Cos', 7, Math.cos, false),
  ...plain('Tan', 7, Math.tan, false),
  ...plain('Asin', 7, Math.asin, false),
  ...plain('Acos', 7, Math.acos, false),
  ...plain('Atan', 7, Math.atan, false),
  ...plain('Sinh', 9, Math.sinh, false),
  ...plain('Cosh', 9, Math.cosh, false),
  ...plain('Asinh', 9, Math.asinh, false),
  ...plain('Acosh', 9, Math.acosh, false),
  ...plain('Atanh', 9, Math.atanh, false),
  ...defineUnary({ name: 'Erf', versions: floatsFrom(9), real: () => erf, step: () => ({ word: 'erf' }) }),
  ...defineUnary({
    name: 'Abs',
    versions: floatsThen(6, numericDTypes),
    real: () => Math.abs,
    integer: absolute,
    step: () => ({ word: 'abs' }),
  }),
  ...defineUnary({
    name: 'BitwiseNot',
    versions: [[18, lastOpset, integerDTypes]],
    real: () => (x) => x,
    // Wrapping into the dtype gives unsigned numbers their own bits.
    integer: (x) => ~x,
  }),
  ...defineUnary({
    name: 'Neg',
    versions: floatsThen(6, floatAndSigned),
    real: () => (x) => -x,
    integer: (x) => -x,
    step: () => ({ word: 'neg' }),
  }),
  ...defineUnary({
    name: 'Sign',
    versions: [[9, lastOpset, numericDTypes]],
    real: () => Math.sign,
    integer: (x) => (x > 0n ? 1n : x < 0n ? -1n : 0n),
    step: () => ({ word: 'sign' }),
  }),
  ...defineUnary({
    name: 'Relu',
    versions: floatsThen(14, floatAndSigned),
    real: () => (x) => Math.max(x, 0),
    integer: (x) => (x > 0n ? x : 0n),
    step: () => ({ word: 'relu' }),
  }),
  ...defineUnary({
    name: 'LeakyRelu',
    versions: floatsFrom(1),
    real: (node) => {
      const alpha = realOf(node, 'alpha', 0.01);
      return (x) => (x < 0 ? alpha * x : x);
    },
    step: (node) => ({ word: 'leaky-relu', alpha: realOf(node, 'alpha', 0.01) }),
  }),
  ...defineUnary({
    name: 'Elu',
    versions: floatsFrom(1),
    real: (node) => {
      const alpha = realOf(node, 'alpha', 1);
      return (x) => (x < 0 ? alpha * Math.expm1(x) : x);
    },
    step: (node) => ({ word: 'elu', alpha: realOf(node, 'alpha', 1) }),
  }),
  ...defineUnary({
    name: 'Celu',
    versions: [[12, lastOpset, ['float32']]],
    real: (node) => {
      const alpha = realOf(node, 'alpha', 1);
      return (x) => Math.max(0, x) + Math.min(0, alpha * Math.expm1(x / alpha));
    },
  }),
  ...defineUnary({
    name: 'Selu',
    versions: floatsFrom(1),
    real: (node, opset) => {
      const { alpha, gamma } = seluConstants(node, opset);
      return (x) => gamma * (x > 0 ? x : alpha * Math.expm1(x));
    },
    lower: (node, builder, opset) => lowerSelu(node, builder, seluConstants(node, opset)),
  }),
  ...defineUnary({
    name: 'HardSigmoid',
    versions: floatsFrom(1),
    real: (node) => hardSigmoid(...slopeOf(node)),
    step: (node) => ({ word: 'hard-sigmoid', alpha: slopeOf(node)[0], beta: slopeOf(node)[1] }),
  }),
  ...defineUnary({
    name: 'ThresholdedRelu',
    versions: floatsFrom(10),
    real: (node) => {
      const alpha = realOf(node, 'alpha', 1);
      return (x) => (x > alpha ? x : 0);
    },
  }),
  ...defineUnary({
    name: 'Shrink',
    versions: [[9, lastOpset, numericDTypes]],
    real: shrink,
    integer: (x, node) => BigInt(Math.trunc(shrink(node)(Number(x)))),
  }),
];
