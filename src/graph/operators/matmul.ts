/** MatMul: numpy's matrix product, batched and broadcast over the leading dimensions. */
import { multiply, product } from '../../runtime/extent.js';
import { elementCount, type Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { requireInput } from './attributes.js';
import { always, define, lastOpset, requireSameDType } from './define.js';
import { floatDTypes, wideIntegerDTypes } from './elements.js';
import { lowerMatMul } from './lower-matmul.js';
import { matMulSizes } from './product-sizes.js';
import { contract } from './products.js';
import { broadcastIndex } from './shapes.js';

function evaluate(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const [a, b] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1)];
  const sizes = matMulSizes(node, a.dims, b.dims);
  const [M, N, K] = [sizes.M, sizes.N, sizes.K] as readonly number[];
  const batch = sizes.batch as readonly number[];
  const at = [sizes.batchA, sizes.batchB].map((dims) => broadcastIndex(dims as readonly number[], batch));
  const matrix = M * N;
  const result = contract(a, b, {
    dims: [elementCount(batch), M, N],
    K,
    strideA: 1,
    strideB: N,
    startsOf: (index) => {
      const which = Math.floor(index / matrix);
      const row = Math.floor((index % matrix) / N);
      return [at[0][which] * M * K + row * K, at[1][which] * K * N + (index % N)];
    },
  });
  return [result.reshape(sizes.shape as readonly number[])];
}

const shapesOf = (node: Node, inputs: readonly (Fact | undefined)[]) =>
  matMulSizes(node, requireInput(node, inputs, 0).shape, requireInput(node, inputs, 1).shape);

export const matMulOperators: readonly Operator[] = define(
  [
    [1, 8, floatDTypes],
    [9, lastOpset, [...floatDTypes, ...wideIntegerDTypes]],
  ],
  {
    name: 'MatMul',
    infer: (node, inputs) => [{ dtype: requireSameDType(node, inputs), shape: shapesOf(node, inputs).shape }],
    evaluate,
    lower: lowerMatMul,
    rowIndependent: always,
    macs: (node, inputs) => {
      const { batch, M, N, K } = shapesOf(node, inputs);
      return [product(batch), M, N, K].reduce(multiply);
    },
  },
);
