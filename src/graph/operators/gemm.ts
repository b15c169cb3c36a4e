/** Gemm: y = alpha A' B' + beta C. */
import { equals, multiply } from '../../runtime/extent.js';
import type { Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { integerOf, nodeError, realOf, requireInput } from './attributes.js';
import { define, lastOpset, requireSameDType } from './define.js';
import { fillBigints, fillNumbers, floatDTypes, isFloat, toBigints, toNumbers, wideIntegerDTypes } from './elements.js';
import { lowerGemm } from './lower-matmul.js';
import { type GemmSizes, gemmSizes } from './product-sizes.js';
import { contract } from './products.js';
import { broadcastIndex, broadcastShapes, formatShape, mismatchCode, type Shape } from './shapes.js';

function infer(node: Node, inputs: readonly (Fact | undefined)[]): readonly Fact[] {
  const [a, b, c] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1), inputs[2]];
  const dtype = requireSameDType(node, [a, b, c]);
  const { M, N } = gemmSizes(node, a.shape, b.shape);
  const shape = [M, N];
  if (c && !sameShape(broadcastShapes(node, [shape, c.shape]), shape)) {
    throw nodeError(
      mismatchCode(...c.shape),
      node,
      `C: got ${formatShape(c.shape)}, expected a shape that broadcasts to ${formatShape(shape)}.`,
    );
  }
  return [{ dtype, shape }];
}

function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => equals(dim, b[axis]));
}

function evaluate(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const [a, b, c] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1), inputs[2]];
  const { M, N, K, transA, transB } = gemmSizes(node, a.dims, b.dims) as { [key in keyof GemmSizes]: never };
  const dims = [M, N] as readonly number[];
  const product = contract(a, b, {
    dims,
    K,
    strideA: transA ? M : 1,
    strideB: transB ? 1 : N,
    startsOf: (index) => [Math.floor(index / N) * (transA ? 1 : K), (index % N) * (transB ? K : 1)],
  });
  const [alpha, beta] = [realOf(node, 'alpha', 1), realOf(node, 'beta', 1)];
  const at = c && broadcastIndex(c.dims, dims);
  if (isFloat(a.type)) {
    const [values, addends] = [toNumbers(product), c && toNumbers(c)];
    return [fillNumbers(a.type, dims, (i) => alpha * values[i] + (addends ? beta * addends[at![i]] : 0))];
  }
  const [values, addends] = [toBigints(product), c && toBigints(c)];
  const scaled = (value: bigint, by: number) => (by === 1 ? value : BigInt(Math.trunc(Number(value) * by)));
  return [fillBigints(a.type, dims, (i) => scaled(values[i], alpha) + (addends ? scaled(addends[at![i]], beta) : 0n))];
}

export const gemmOperators: readonly Operator[] = define(
  [
    [1, 8, floatDTypes],
    [9, lastOpset, [...floatDTypes, ...wideIntegerDTypes]],
  ],
  {
    name: 'Gemm',
    infer,
    evaluate,
    lower: lowerGemm,
    rowIndependent: (node) => integerOf(node, 'transA', 0) === 0,
    macs: (node, inputs) => {
      const { M, N, K } = gemmSizes(node, requireInput(node, inputs, 0).shape, requireInput(node, inputs, 1).shape);
      return multiply(multiply(M, N), K);
    },
  },
);
