/** Clip: y = min(max(x, lower), upper). */
import type { Tensor } from '../../runtime/tensor.js';
import type { Node } from '../graph.js';
import type { Operator, PlanBuilder } from '../operator.js';
import { nodeError, realOf, requireInput } from './attributes.js';
import { always, define, lastOpset } from './define.js';
import { fillBigints, fillNumbers, floatDTypes, isFloat, numericDTypes, toBigints, toNumbers } from './elements.js';
import { lowerClip } from './lowering.js';

/** The element of a scalar bound that came as an input. */
function scalar<T>(node: Node, elements: ArrayLike<T>): T {
  if (elements.length === 1) return elements[0];
  throw nodeError('SHAPE_MISMATCH', node, `bound: got ${elements.length} elements, expected a scalar.`);
}

function evaluate(node: Node, inputs: readonly (Tensor | undefined)[], opset: number): readonly Tensor[] {
  const x = requireInput(node, inputs, 0);
  const [lower, upper] = opset >= 11 ? [inputs[1], inputs[2]] : [];
  if (!isFloat(x.type)) {
    const values = toBigints(x);
    const least = lower && scalar(node, toBigints(lower));
    const most = upper && scalar(node, toBigints(upper));
    const clip = (value: bigint) => {
      const raised = least !== undefined && value < least ? least : value;
      return most !== undefined && raised > most ? most : raised;
    };
    return [fillBigints(x.type, x.dims, (i) => clip(values[i]))];
  }
  const values = toNumbers(x);
  const least = lower ? scalar(node, toNumbers(lower)) : realOf(node, 'min', Number.NEGATIVE_INFINITY);
  const most = upper ? scalar(node, toNumbers(upper)) : realOf(node, 'max', Number.POSITIVE_INFINITY);
  return [fillNumbers(x.type, x.dims, (i) => Math.min(Math.max(values[i], least), most))];
}

/** A bound as a number if it is constant, else the name of the value, else undefined. */
function bound(node: Node, builder: PlanBuilder, opset: number, index: 1 | 2): number | string | undefined {
  if (opset < 11) return realOf(node, index === 1 ? 'min' : 'max', undefined);
  const value = node.inputs[index];
  if (!value) return undefined;
  const { constant } = builder.fact(value);
  return constant ? scalar(node, toNumbers(constant)) : value;
}

export const clipOperators: readonly Operator[] = define(
  [
    [1, 11, floatDTypes],
    [12, lastOpset, numericDTypes],
  ],
  {
    name: 'Clip',
    infer: (node, inputs) => {
      const { dtype, shape } = requireInput(node, inputs, 0);
      return [{ dtype, shape }];
    },
    evaluate,
    lower: (node, builder, opset) => {
      if (builder.fact(node.inputs[0]).dtype !== 'float32') return false;
      return lowerClip(node, builder, bound(node, builder, opset, 1), bound(node, builder, opset, 2));
    },
    rowIndependent: always,
  },
);
