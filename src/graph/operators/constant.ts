/** Operators whose value follows from attributes or shapes alone: Constant, Shape, Size, Range. */
import { add, type Extent, isStatic, multiply, product } from '../../runtime/extent.js';
import { Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { constantInput, integerOf, nodeError, requireInput } from './attributes.js';
import { define, lastOpset, requireSameDType } from './define.js';
import { allDTypes, fillBigints, fillNumbers, isFloat, toBigints, toNumbers } from './elements.js';
import { factsOf } from './reshape.js';
import { isSize } from './shapes.js';

/** An int64 tensor of small whole numbers. */
export function int64Tensor(values: readonly number[], dims: readonly number[] = [values.length]): Tensor<'int64'> {
  return new Tensor('int64', BigInt64Array.from(values, BigInt), dims);
}

const numberLists: Readonly<Record<string, (value: never) => Tensor>> = {
  value_float: (value: number) => new Tensor('float32', Float32Array.of(value), []),
  value_floats: (value: readonly number[]) => new Tensor('float32', Float32Array.from(value)),
  value_int: (value: number | bigint) => new Tensor('int64', BigInt64Array.of(BigInt(value)), []),
  value_ints: (value: readonly number[]) => int64Tensor(value),
};

function constantValue(node: Node): Tensor {
  const value = node.attributes.get('value');
  if (value instanceof Tensor) return value;
  for (const [name, toTensor] of Object.entries(numberLists)) {
    const list = node.attributes.get(name);
    if (list !== undefined) return toTensor(list as never);
  }
  const got = [...node.attributes.keys()].join(', ') || 'no attribute';
  throw nodeError('DTYPE_UNSUPPORTED', node, `value: got ${got}, expected a dense tensor or numbers.`);
}

/** The dimensions that Shape tells; from opset 15 on a slice of them. */
function dimsOf<T>(node: Node, shape: readonly T[]): readonly T[] {
  return shape.slice(integerOf(node, 'start', 0), integerOf(node, 'end', undefined));
}

function listFact(extents: readonly Extent[], shape: readonly number[]): Fact {
  if (extents.every(isStatic)) return { dtype: 'int64', shape, constant: int64Tensor(extents, shape) };
  return { dtype: 'int64', shape, extents };
}

/** A whole number, as far as it is known. */
function wholeExtent(fact: Fact | undefined): Extent | undefined {
  if (fact?.extents?.length === 1) return fact.extents[0];
  const number = fact?.constant?.size === 1 ? toNumbers(fact.constant)[0] : undefined;
  return Number.isSafeInteger(number) ? number : undefined;
}

/** How many whole numbers there are from one size to another that is larger for all values; undefined for other ranges. */
function openCount(inputs: readonly (Fact | undefined)[]): Extent | undefined {
  const [from, end, by] = inputs.map(wholeExtent);
  if (from === undefined || end === undefined || by !== 1 || (isStatic(from) && isStatic(end))) return undefined;
  const count = add(end, multiply(-1, from));
  return isSize(from) && isSize(count) ? count : undefined;
}

function rangeCount(node: Node, inputs: readonly (Fact | undefined)[]): number {
  const [start, limit, delta] = [0, 1, 2].map((index) => toNumbers(constantInput(node, inputs, index)!)[0]);
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  if (Number.isFinite(count)) return count;
  throw nodeError('MODEL_INVALID', node, `range: got ${start} to ${limit} by ${delta}, expected a step other than 0.`);
}

function evaluateRange(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const count = rangeCount(node, factsOf(inputs));
  const [start, , delta] = inputs as readonly Tensor[];
  if (isFloat(start.type)) {
    const [from, by] = [toNumbers(start)[0], toNumbers(delta)[0]];
    return [fillNumbers(start.type, [count], (i) => from + i * by)];
  }
  const [from, by] = [toBigints(start)[0], toBigints(delta)[0]];
  return [fillBigints(start.type, [count], (i) => from + BigInt(i) * by)];
}

export const constantOperators: readonly Operator[] = [
  ...define([[1, lastOpset, allDTypes]], {
    name: 'Constant',
    infer: (node) => {
      const constant = constantValue(node);
      return [{ dtype: constant.type, shape: constant.dims, constant }];
    },
    evaluate: (node) => [constantValue(node)],
    // Folded before a plan is built.
    lower: () => true,
  }),
  ...define([[1, lastOpset, allDTypes]], {
    name: 'Shape',
    infer: (node, inputs) => {
      const dims = dimsOf(node, requireInput(node, inputs, 0).shape);
      return [listFact(dims, [dims.length])];
    },
    evaluate: (node, inputs) => [int64Tensor(dimsOf(node, requireInput(node, inputs, 0).dims))],
  }),
  ...define([[1, lastOpset, allDTypes]], {
    name: 'Size',
    infer: (node, inputs) => [listFact([product(requireInput(node, inputs, 0).shape)], [])],
    evaluate: (node, inputs) => [int64Tensor([requireInput(node, inputs, 0).size], [])],
  }),
  ...define([[11, lastOpset, ['float32', 'float64', 'int16', 'int32', 'int64']]], {
    name: 'Range',
    infer: (node, inputs) => {
      const dtype = requireSameDType(node, inputs);
      return [{ dtype, shape: [openCount(inputs) ?? rangeCount(node, inputs)] }];
    },
    evaluate: evaluateRange,
  }),
];
