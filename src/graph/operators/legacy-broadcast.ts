/** Broadcasting before opset 7: by the attributes `broadcast` and `axis`, of the second input only. */
import type { Node } from '../graph.js';
import { integerOf, nodeError } from './attributes.js';

/**
 * The second input's shape, padded with trailing ones so that broadcasting from the back gives the old meaning:
 * a [2, 3, 4, 5], b [3, 4] at axis 1 becomes [3, 4, 1]. From opset 7 on, and without `axis`, it stays as it is.
 */
export function alignSecond<T>(node: Node, opset: number, rank: number, shape: readonly T[]): readonly (T | 1)[] {
  if (opset >= 7) return shape;
  const axis = integerOf(node, 'axis', undefined);
  if (axis === undefined || integerOf(node, 'broadcast', 0) === 0) return shape;
  const trailing = rank - (axis < 0 ? axis + rank : axis) - shape.length;
  if (trailing > rank) throw nodeError('MODEL_INVALID', node, `axis: got ${axis}, expected one of ${rank} axes.`);
  return [...shape, ...new Array<1>(Math.max(0, trailing)).fill(1)];
}
