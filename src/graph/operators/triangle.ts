/** Trilu and EyeLike: what lies on one side of a diagonal, and the diagonal itself. */
import { dtypeOfOnnxNumber, Tensor } from '../../runtime/tensor.js';
import type { Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { integerOf, nodeError, requireInput, wholeNumbers } from './attributes.js';
import { define, lastOpset } from './define.js';
import { allDTypes, fillBigints, fillNumbers, isFloat } from './elements.js';

/** @throws SHAPE_MISMATCH for less than two axes */
function requireMatrix(node: Node, rank: number): void {
  if (rank < 2) throw nodeError('SHAPE_MISMATCH', node, `rank: got ${rank}, expected a matrix or a stack of them.`);
}

function triangle(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const x = requireInput(node, inputs, 0);
  requireMatrix(node, x.dims.length);
  const k = inputs[1] ? wholeNumbers(node, inputs[1].reshape([1]))[0] : 0;
  const isUpper = integerOf(node, 'upper', 1) !== 0;
  const [rows, columns] = x.dims.slice(-2);
  const data = x.data.slice();
  for (let from = 0, row = 0; from < data.length; from += columns, row = (row + 1) % rows) {
    // The first column beyond the diagonal of this row, and the columns on one side of it.
    const edge = Math.min(Math.max(row + k + (isUpper ? 0 : 1), 0), columns);
    const [first, end] = isUpper ? [0, edge] : [edge, columns];
    (data as Float32Array).fill((typeof data[from] === 'bigint' ? 0n : 0) as number, from + first, from + end);
  }
  return [new Tensor(x.type, data, x.dims)];
}

const dtypeOfEye = (node: Node, fallback: Tensor['type']) => {
  const number = integerOf(node, 'dtype', undefined);
  return number === undefined ? fallback : (dtypeOfOnnxNumber(number) ?? fallback);
};

function eye(node: Node, x: Tensor): Tensor {
  const [k, columns, dtype] = [integerOf(node, 'k', 0), x.dims[1], dtypeOfEye(node, x.type)];
  const isOne = (i: number) => (i % columns) - Math.floor(i / columns) === k;
  if (isFloat(dtype)) return fillNumbers(dtype, x.dims, (i) => Number(isOne(i)));
  return fillBigints(dtype, x.dims, (i) => BigInt(isOne(i)));
}

export const triangleOperators: readonly Operator[] = [
  ...define([[14, lastOpset, allDTypes]], {
    name: 'Trilu',
    infer: (node, inputs) => {
      const { dtype, shape } = requireInput(node, inputs, 0);
      requireMatrix(node, shape.length);
      return [{ dtype, shape }];
    },
    evaluate: triangle,
  }),
  ...define([[9, lastOpset, allDTypes]], {
    name: 'EyeLike',
    infer: (node, inputs) => {
      const { dtype, shape } = requireInput(node, inputs, 0);
      if (shape.length !== 2) throw nodeError('SHAPE_MISMATCH', node, `rank: got ${shape.length}, expected 2.`);
      return [{ dtype: dtypeOfEye(node, dtype), shape }];
    },
    evaluate: (node, inputs) => [eye(node, requireInput(node, inputs, 0))],
  }),
];
