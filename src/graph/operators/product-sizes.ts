/** Sizes of matrix products under symbolic shapes. */
import { type Extent, equals } from '../../runtime/extent.js';
import type { Node } from '../graph.js';
import { integerOf, nodeError } from './attributes.js';
import { broadcastShapes, formatShape, mismatchCode, type Shape } from './shapes.js';

export interface GemmSizes {
  readonly M: Extent;
  readonly N: Extent;
  readonly K: Extent;
  readonly transA: boolean;
  readonly transB: boolean;
}

/** Sizes of A' [M, K] and B' [K, N]. @throws SHAPE_MISMATCH when the ranks or inner dimensions differ */
export function gemmSizes(node: Node, a: Shape, b: Shape): GemmSizes {
  const transA = integerOf(node, 'transA', 0) !== 0;
  const transB = integerOf(node, 'transB', 0) !== 0;
  if (a.length !== 2 || b.length !== 2) {
    const got = `${formatShape(a)} x ${formatShape(b)}`;
    throw nodeError('SHAPE_MISMATCH', node, `ranks: got ${got}, expected two matrices. Flatten the input first.`);
  }
  const [M, K] = transA ? [a[1], a[0]] : a;
  const [KB, N] = transB ? [b[1], b[0]] : b;
  if (!equals(K, KB)) {
    throw nodeError(
      mismatchCode(K, KB),
      node,
      `inner dimensions differ: got ${formatShape(a)} x ${formatShape(b)}, expected A[${transA ? 0 : 1}] = B[${transB ? 1 : 0}]. Check the transpose flags.`,
      { equal: [K, KB] },
    );
  }
  return { M, N, K, transA, transB };
}

/** The operands as stacks of matrices: a [...batchA, M, K], b [...batchB, K, N]. */
export interface MatMulSizes {
  readonly M: Extent;
  readonly N: Extent;
  readonly K: Extent;
  readonly batchA: Shape;
  readonly batchB: Shape;
  readonly batch: Shape;
  /** Shape of the result: a vector operand's axis of size 1 is left out. */
  readonly shape: Shape;
}

/** @throws SHAPE_MISMATCH when an operand is a scalar or the inner dimensions differ */
export function matMulSizes(node: Node, a: Shape, b: Shape): MatMulSizes {
  const left = a.length === 1 ? [1, ...a] : a;
  const right = b.length === 1 ? [...b, 1] : b;
  const [K, KB] = [left.at(-1), right.at(-2)];
  if (K === undefined || KB === undefined || !equals(K, KB)) {
    throw nodeError(
      K === undefined || KB === undefined ? 'SHAPE_MISMATCH' : mismatchCode(K, KB),
      node,
      `inner dimensions differ: got ${formatShape(a)} x ${formatShape(b)}, expected A[-1] = B[-2]. Check the transposes.`,
      { equal: [K, KB] },
    );
  }
  const [batchA, batchB] = [left.slice(0, -2), right.slice(0, -2)];
  const batch = broadcastShapes(node, [batchA, batchB]);
  const [M, N] = [left.at(-2)!, right.at(-1)!];
  const shape = [...batch, ...(a.length === 1 ? [] : [M]), ...(b.length === 1 ? [] : [N])];
  return { M, N, K, batchA, batchB, batch, shape };
}
