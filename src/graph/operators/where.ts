/** Where picks by a condition; Not, IsNaN and IsInf make conditions. */
import { product } from '../../runtime/extent.js';
import type { Tensor } from '../../runtime/tensor.js';
import type { Node } from '../graph.js';
import type { Operator, PlanBuilder } from '../operator.js';
import { integerOf, nodeError, requireInput } from './attributes.js';
import { always, define, lastOpset, requireSameDType, type Version } from './define.js';
import { allDTypes, fillNumbers, floatDTypes, pick, toNumbers } from './elements.js';
import { emitSelect, maximumStepRank, placeFloat32, scalarView, type View, viewOf } from './lowering.js';
import { broadcastIndex, broadcastShapes } from './shapes.js';

function evaluateWhere(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const [condition, x, y] = [0, 1, 2].map((index) => requireInput(node, inputs, index));
  const dims = broadcastShapes(node, [condition.dims, x.dims, y.dims]) as readonly number[];
  const chosen = pick(condition, dims, broadcastIndex(condition.dims, dims));
  const result = pick(y, dims, broadcastIndex(y.dims, dims));
  const at = broadcastIndex(x.dims, dims);
  for (let i = 0; i < result.size; i++) {
    if (chosen.data[i]) (result.data as Float32Array)[i] = (x.data as Float32Array)[at[i]];
  }
  return [result];
}

/** A condition as 1 and 0. */
function placeCondition(builder: PlanBuilder, value: string): View {
  const { shape, constant } = builder.fact(value);
  if (constant) return viewOf(placeFloat32(builder, value)!);
  const count = product(shape);
  const operand = builder.scratch('float32', count);
  builder.step('cast', [builder.place(value).operand], [operand], { from: 'bool', to: 'float32', count });
  return { operand, shape };
}

function lowerWhere(node: Node, builder: PlanBuilder): boolean {
  const { dtype, shape } = builder.fact(node.outputs[0]);
  if (dtype !== 'float32' || shape.length > maximumStepRank) return false;
  const [c, ...values] = node.inputs;
  const operands = [...values.map((value) => viewOf(builder.place(value))), placeCondition(builder, c)];
  emitSelect(builder, 'nonzero', operands, builder.output(node.outputs[0]).operand, shape);
  return true;
}

/** y = a where the condition holds, b elsewhere, for numbers a and b, as a condition. */
function emitTest(node: Node, builder: PlanBuilder, word: 'nonzero' | 'nan', c: View, [a, b]: number[]): boolean {
  const count = product(c.shape);
  const operand = builder.scratch('float32', count);
  emitSelect(builder, word, [scalarView(builder, a), scalarView(builder, b), c], operand, c.shape);
  builder.step('cast', [operand], [builder.output(node.outputs[0]).operand], { from: 'float32', to: 'bool', count });
  return true;
}

function lowerIsNaN(node: Node, builder: PlanBuilder): boolean {
  const { dtype, shape } = builder.fact(node.inputs[0]);
  if (dtype !== 'float32' || shape.length > maximumStepRank) return false;
  return emitTest(node, builder, 'nan', viewOf(builder.place(node.inputs[0])), [1, 0]);
}

function lowerNot(node: Node, builder: PlanBuilder): boolean {
  if (builder.fact(node.inputs[0]).shape.length > maximumStepRank) return false;
  return emitTest(node, builder, 'nonzero', placeCondition(builder, node.inputs[0]), [0, 1]);
}

/** A test of each element. */
function condition(
  name: string,
  versions: readonly Version[],
  holds: (x: number, node: Node) => boolean,
  lower?: (node: Node, builder: PlanBuilder) => boolean,
): readonly Operator[] {
  return define(versions, {
    name,
    infer: (node, inputs) => [{ dtype: 'bool', shape: requireInput(node, inputs, 0).shape }],
    evaluate: (node, inputs) => {
      const x = requireInput(node, inputs, 0);
      const values = toNumbers(x);
      return [fillNumbers('bool', x.dims, (i) => Number(holds(values[i], node)))];
    },
    ...(lower && { lower }),
    rowIndependent: always,
  });
}

function isWantedInfinity(x: number, node: Node): boolean {
  if (x === Number.POSITIVE_INFINITY) return integerOf(node, 'detect_positive', 1) !== 0;
  return x === Number.NEGATIVE_INFINITY && integerOf(node, 'detect_negative', 1) !== 0;
}

export const whereOperators: readonly Operator[] = [
  ...define([[9, lastOpset, ['bool']]], {
    name: 'Where',
    infer: (node, inputs) => {
      const [condition, x, y] = [0, 1, 2].map((index) => requireInput(node, inputs, index));
      if (!allDTypes.includes(x.dtype)) throw nodeError('DTYPE_UNSUPPORTED', node, `dtype: got ${x.dtype}.`);
      const shape = broadcastShapes(node, [condition.shape, x.shape, y.shape]);
      return [{ dtype: requireSameDType(node, [x, y]), shape }];
    },
    evaluate: evaluateWhere,
    lower: lowerWhere,
    rowIndependent: always,
  }),
  ...condition('Not', [[1, lastOpset, ['bool']]], (x) => x === 0, lowerNot),
  ...condition('IsNaN', [[9, lastOpset, floatDTypes]], Number.isNaN, lowerIsNaN),
  ...condition('IsInf', [[10, lastOpset, ['float32', 'float64']]], isWantedInfinity),
];
