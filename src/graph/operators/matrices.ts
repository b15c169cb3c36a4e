/** Det: determinants of a stack of matrices. */
import { equals } from '../../runtime/extent.js';
import type { Tensor } from '../../runtime/tensor.js';
import type { Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { nodeError, requireInput } from './attributes.js';
import { define, lastOpset } from './define.js';
import { fillNumbers, floatDTypes, toNumbers } from './elements.js';
import { formatShape, mismatchCode, type Shape } from './shapes.js';

/** By elimination with the largest pivot of each column. */
function determinant(values: ArrayLike<number>, start: number, size: number): number {
  const rows = Array.from({ length: size }, (_, i) =>
    Array.from({ length: size }, (_place, j) => values[start + i * size + j]),
  );
  let result = 1;
  for (let k = 0; k < size; k++) {
    let pivot = k;
    for (let i = k + 1; i < size; i++) if (Math.abs(rows[i][k]) > Math.abs(rows[pivot][k])) pivot = i;
    if (rows[pivot][k] === 0) return 0;
    if (pivot !== k) {
      [rows[k], rows[pivot]] = [rows[pivot], rows[k]];
      result = -result;
    }
    result *= rows[k][k];
    for (let i = k + 1; i < size; i++) {
      const factor = rows[i][k] / rows[k][k];
      for (let j = k; j < size; j++) rows[i][j] -= factor * rows[k][j];
    }
  }
  return result;
}

function stackOf(node: Node, shape: Shape): Shape {
  const [rows, columns] = shape.slice(-2);
  if (shape.length >= 2 && equals(rows, columns)) return shape.slice(0, -2);
  throw nodeError(mismatchCode(...shape.slice(-2)), node, `x: got ${formatShape(shape)}, expected square matrices.`);
}

export const matrixOperators: readonly Operator[] = define([[11, lastOpset, floatDTypes]], {
  name: 'Det',
  infer: (node, inputs) => {
    const { dtype, shape } = requireInput(node, inputs, 0);
    return [{ dtype, shape: stackOf(node, shape) }];
  },
  evaluate: (node, inputs: readonly (Tensor | undefined)[]) => {
    const x = requireInput(node, inputs, 0);
    const size = x.dims.at(-1)!;
    const values = toNumbers(x);
    return [fillNumbers(x.type, x.dims.slice(0, -2), (i) => determinant(values, i * size * size, size))];
  },
});
