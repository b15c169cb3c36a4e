/** Cast: the same elements in another dtype. */
import { product } from '../../runtime/extent.js';
import { type DType, dtypeOfOnnxNumber, Tensor } from '../../runtime/tensor.js';
import type { Node } from '../graph.js';
import type { Operator, PlanBuilder } from '../operator.js';
import { integerOf, nodeError, requireInput, textOf } from './attributes.js';
import { always, define, lastOpset } from './define.js';
import { allDTypes, fillBigints, fillNumbers, isFloat, toBigints, toNumbers, wrap } from './elements.js';
import { narrowToHalves, widenHalf } from './half.js';

/** The names that `to` had before opset 6. */
const dtypeOfName: Readonly<Record<string, DType>> = {
  FLOAT: 'float32',
  DOUBLE: 'float64',
  FLOAT16: 'float16',
  BFLOAT16: 'bfloat16',
  BOOL: 'bool',
  INT8: 'int8',
  INT16: 'int16',
  INT32: 'int32',
  INT64: 'int64',
  UINT8: 'uint8',
  UINT16: 'uint16',
  UINT32: 'uint32',
  UINT64: 'uint64',
};

function targetOf(node: Node, opset: number): DType {
  const given = opset < 6 ? textOf(node, 'to', '') : integerOf(node, 'to', 0);
  const dtype = typeof given === 'string' ? dtypeOfName[given.toUpperCase()] : dtypeOfOnnxNumber(given);
  if (dtype) return dtype;
  throw nodeError('DTYPE_UNSUPPORTED', node, `target dtype: got ${given}, expected a number or bool dtype.`);
}

/** Toward zero, into the range of the dtype; NaN gives 0. */
function saturate(dtype: DType, value: number): bigint {
  if (Number.isNaN(value)) return 0n;
  const bits = Number(dtype.replace(/\D/g, ''));
  const least = dtype.startsWith('u') ? 0n : -(1n << BigInt(bits - 1));
  const most = (dtype.startsWith('u') ? 1n << BigInt(bits) : 1n << BigInt(bits - 1)) - 1n;
  if (value >= 2 ** 64) return most;
  if (value <= -(2 ** 63)) return least;
  const whole = BigInt(Math.trunc(value));
  return whole < least ? least : whole > most ? most : whole;
}

function evaluate(x: Tensor, to: DType): Tensor {
  if (x.type === to) return x;
  // The edges of networks of halves: whole images, at every run.
  if (x.type === 'float16' && to === 'float32') return new Tensor(to, widenHalf(x.data as Uint16Array), x.dims);
  if (x.type === 'float32' && to === 'float16') return new Tensor(to, narrowToHalves(x.data as Float32Array), x.dims);
  if (isFloat(to)) {
    const values = toNumbers(x);
    return fillNumbers(to, x.dims, (i) => values[i]);
  }
  if (isFloat(x.type)) {
    const values = toNumbers(x);
    if (to === 'bool') return fillNumbers(to, x.dims, (i) => values[i]);
    return fillBigints(to, x.dims, (i) => saturate(to, values[i]));
  }
  const values = toBigints(x);
  return fillBigints(to, x.dims, (i) => (to === 'bool' ? BigInt(values[i] !== 0n) : wrap(to, values[i])));
}

/** Also bfloat16, which other operators do not take. */
const castDTypes: readonly DType[] = [...allDTypes, 'bfloat16'];

const stepDTypes: readonly DType[] = ['float32', 'int32', 'uint8', 'int8', 'bool', 'int64', 'float64'];

function lowerTo(node: Node, builder: PlanBuilder, to: DType): boolean {
  const from = builder.fact(node.inputs[0]).dtype;
  if (from === to) {
    builder.alias(node.outputs[0], node.inputs[0]);
    return true;
  }
  if (!stepDTypes.includes(from) || !stepDTypes.includes(to)) return false;
  const x = builder.place(node.inputs[0]);
  const y = builder.output(node.outputs[0]);
  builder.step('cast', [x.operand], [y.operand], { from, to, count: product(y.fact.shape) });
  return true;
}

export const castOperators: readonly Operator[] = [
  ...define([[1, lastOpset, castDTypes]], {
    name: 'Cast',
    infer: (node, inputs, opset) => [{ dtype: targetOf(node, opset), shape: requireInput(node, inputs, 0).shape }],
    evaluate: (node, inputs, opset) => [evaluate(requireInput(node, inputs, 0), targetOf(node, opset))],
    lower: (node, builder, opset) => lowerTo(node, builder, targetOf(node, opset)),
    rowIndependent: always,
  }),
  ...define([[15, lastOpset, castDTypes]], {
    name: 'CastLike',
    infer: (node, inputs) => [
      { dtype: requireInput(node, inputs, 1).dtype, shape: requireInput(node, inputs, 0).shape },
    ],
    evaluate: (node, inputs) => [evaluate(requireInput(node, inputs, 0), requireInput(node, inputs, 1).type)],
    lower: (node, builder) => lowerTo(node, builder, builder.fact(node.inputs[1]).dtype),
    rowIndependent: always,
  }),
];
