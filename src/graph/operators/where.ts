/** Where picks by a condition; Not, IsNaN and IsInf make conditions. */
import type { Tensor } from '../../runtime/tensor.js';
import type { Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { integerOf, nodeError, requireInput } from './attributes.js';
import { always, define, lastOpset, requireSameDType, type Version } from './define.js';
import { allDTypes, fillNumbers, floatDTypes, pick, toNumbers } from './elements.js';
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

/** A test of each element. */
function condition(
  name: string,
  versions: readonly Version[],
  holds: (x: number, node: Node) => boolean,
): readonly Operator[] {
  return define(versions, {
    name,
    infer: (node, inputs) => [{ dtype: 'bool', shape: requireInput(node, inputs, 0).shape }],
    evaluate: (node, inputs) => {
      const x = requireInput(node, inputs, 0);
      const values = toNumbers(x);
      return [fillNumbers('bool', x.dims, (i) => Number(holds(values[i], node)))];
    },
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
    rowIndependent: always,
  }),
  ...condition('Not', [[1, lastOpset, ['bool']]], (x) => x === 0),
  ...condition('IsNaN', [[9, lastOpset, floatDTypes]], Number.isNaN),
  ...condition('IsInf', [[10, lastOpset, ['float32', 'float64']]], isWantedInfinity),
];
