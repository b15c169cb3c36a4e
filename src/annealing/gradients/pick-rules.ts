/** Reverse rules of operators that pick elements along an axis: pieces of rows, and columns in another order. */
import type { Node } from '../../graph/graph.js';
import { integerOf } from '../../graph/operators/attributes.js';
import { isStatic } from '../../runtime/extent.js';
import type { Rule } from './rules.js';
import type { Tape } from './tape.js';

/** Zeros in the shape of a value but for `axis`, of size `count`: from elements of the value, so that any batch fits. */
function zeros(tape: Tape, value: string, axis: number, count: number): string {
  const one = tape.slice(value, axis, 0, 1);
  const nothing = tape.emit('Mul', [tape.emit('Sub', [one, one]), tape.scalar(0)]);
  return gather(tape, nothing, axis, new Array(count).fill(0));
}

function gather(tape: Tape, value: string, axis: number, indices: readonly number[]): string {
  return tape.emit('Gather', [value, tape.integers(indices)], { axis });
}

const axisOf = (node: Node, rank: number, fallback: number) => {
  const axis = integerOf(node, 'axis', fallback);
  return axis < 0 ? axis + rank : axis;
};

/**
 * dx[.., index[j]] = dy[.., j]: dy and a column of zeros, gathered back. No rule where an element is picked twice, which
 * would need a sum.
 */
const gatherRule: Rule = (tape, node, dy) => {
  const [x, indices] = node.inputs;
  const shape = tape.shapeOf(x);
  const axis = axisOf(node, shape.length, 0);
  const constant = tape.constantOf(indices);
  const size = shape[axis];
  if (constant?.dims.length !== 1 || !isStatic(size)) return undefined;
  const picked = Array.from(constant.data as ArrayLike<number | bigint>, (index) => (Number(index) + size) % size);
  if (new Set(picked).size !== picked.length) return undefined;
  const none = picked.length;
  const back = new Array<number>(size).fill(none);
  picked.forEach((from, to) => {
    back[from] = to;
  });
  const padded = back.includes(none) ? tape.emit('Concat', [dy, zeros(tape, dy, axis, 1)], { axis }) : dy;
  return [gather(tape, padded, axis, back), null];
};

/** One span of one axis, of step 1: zeros on both sides. */
const sliceRule: Rule = (tape, node, dy) => {
  const [x, ...given] = node.inputs;
  const shape = tape.shapeOf(x);
  const [starts, ends, axes, steps] = given.map((value) => Array.from(tape.constantOf(value)?.data ?? [], Number));
  if (starts?.length !== 1 || ends?.length !== 1 || axes?.length !== 1 || (steps && steps[0] !== 1)) return undefined;
  const axis = axes[0] < 0 ? axes[0] + shape.length : axes[0];
  const size = shape[axis];
  if (!isStatic(size)) return undefined;
  const clamp = (at: number) => Math.min(size, Math.max(0, at < 0 ? at + size : at));
  const [first, end] = [clamp(starts[0]), clamp(ends[0])];
  if (end <= first) return undefined;
  const before = first > 0 ? [zeros(tape, dy, axis, first)] : [];
  const after = end < size ? [zeros(tape, dy, axis, size - end)] : [];
  const pieces = [...before, dy, ...after];
  return [pieces.length === 1 ? dy : tape.emit('Concat', pieces, { axis }), ...given.map(() => null)];
};

/** Pieces side by side: their gradients, side by side. */
export function splitRule(tape: Tape, node: Node, pieces: readonly string[]): readonly (string | null)[] {
  const axis = axisOf(node, tape.shapeOf(node.inputs[0]).length, 0);
  return [tape.emit('Concat', pieces, { axis }), ...node.inputs.slice(1).map(() => null)];
}

export const pickRules: readonly (readonly [string, Rule])[] = [
  ['Gather', gatherRule],
  ['Slice', sliceRule],
];
