/** Reverse rules of operators that pick elements along an axis: pieces of rows, and columns in another order. */
import type { Node } from '../../graph/graph.js';
import { integerOf, integersOf } from '../../graph/operators/attributes.js';
import { isStatic } from '../../runtime/extent.js';
import type { Rule } from './rules.js';
import type { Tape } from './tape.js';

/** Zeros of the shape of elements first .. end - 1 of an axis; null for none. */
function zerosOf(tape: Tape, x: string, axis: number, first: number, end: number): string | null {
  if (end <= first) return null;
  const part = tape.slice(x, axis, first, end);
  return tape.emit('Sub', [part, part]);
}

/** dy at elements first .. end - 1 of an axis of x, zeros before and behind. */
function placed(tape: Tape, x: string, axis: number, dy: string, first: number, end: number, size: number): string {
  const parts = [zerosOf(tape, x, axis, 0, first), dy, zerosOf(tape, x, axis, end, size)];
  const present = parts.filter((part): part is string => part !== null);
  return present.length === 1 ? dy : tape.emit('Concat', present, { axis });
}

/** An axis counted from the front, and its size; undefined where that is not known. */
function axisOf(tape: Tape, x: string, axis: number): { axis: number; size: number } | undefined {
  const shape = tape.shapeOf(x);
  const positive = axis < 0 ? axis + shape.length : axis;
  const size = shape[positive];
  return size !== undefined && isStatic(size) ? { axis: positive, size } : undefined;
}

/** The gradient of a split value: those of its parts side by side. */
export function splitBack(
  tape: Tape,
  node: Node,
  given: readonly (string | undefined)[],
): readonly (string | null)[] | undefined {
  const [x] = node.inputs;
  const at = axisOf(tape, x, integerOf(node, 'axis', 0));
  if (!at) return undefined;
  const sizes = node.outputs.map((output) => tape.shapeOf(output)[at.axis]);
  if (!sizes.every(isStatic)) return undefined;
  let first = 0;
  const parts = given.map((dy, i) => {
    const end = first + (sizes[i] as number);
    const part = dy ?? zerosOf(tape, x, at.axis, first, end);
    first = end;
    return part;
  });
  const present = parts.filter((part): part is string => part !== null);
  const whole = present.length === 1 ? present[0] : tape.emit('Concat', present, { axis: at.axis });
  return [whole, null];
}

/**
 * dx[.., index[j]] = dy[.., j]: dy and a column of zeros, gathered back; an axis that a single index took away is put back
 * first. No rule where an element is picked twice, which would need a sum.
 */
const gather: Rule = (tape, node, dy) => {
  const [x, indices] = node.inputs;
  const constant = tape.constantOf(indices);
  const at = axisOf(tape, x, integerOf(node, 'axis', 0));
  if (!constant || !at || constant.dims.length > 1) return undefined;
  const { axis, size } = at;
  const picked = Array.from(constant.data as ArrayLike<number | bigint>, (index) => (Number(index) + size) % size);
  if (picked.length === 0 || new Set(picked).size !== picked.length) return undefined;
  const kept = tape.shapeOf(x).map((extent, i) => (i === axis ? picked.length : extent));
  const own = constant.dims.length === 1 ? dy : tape.reshape(dy, kept);
  if (own === undefined) return undefined;
  const none = picked.length;
  const back = new Array<number>(size).fill(none);
  picked.forEach((from, to) => {
    back[from] = to;
  });
  const padding = back.includes(none) ? [zerosOf(tape, x, axis, 0, 1) as string] : [];
  const padded = padding.length > 0 ? tape.emit('Concat', [own, ...padding], { axis }) : own;
  return [tape.emit('Gather', [padded, tape.integers(back)], { axis }), null];
};

/** Constant bounds of a slice, as attributes or inputs; undefined where they are computed. */
function boundsOf(tape: Tape, node: Node, name: string, index: number): readonly number[] | undefined {
  const given = integersOf(node, name);
  if (given) return given;
  if (!node.inputs[index]) return [];
  const tensor = tape.constantOf(node.inputs[index]);
  return tensor && Array.from(tensor.data as ArrayLike<number | bigint>, Number);
}

/** Runs of elements of one or more axes, each step 1: one axis after the other, and back in the reverse order. */
const slice: Rule = (tape, node, dy) => {
  const [x] = node.inputs;
  const [starts, ends, axes, steps] = ['starts', 'ends', 'axes', 'steps'].map((name, i) =>
    boundsOf(tape, node, name, i + 1),
  );
  if (!starts || !ends || !axes || !steps || steps.some((step) => step !== 1)) return undefined;
  let value = x;
  const cuts: { x: string; axis: number; size: number; first: number; end: number }[] = [];
  for (const [i, start] of starts.entries()) {
    const at = axisOf(tape, x, axes[i] ?? i);
    if (!at) return undefined;
    const clamp = (bound: number) => Math.min(at.size, Math.max(0, bound < 0 ? bound + at.size : bound));
    const [first, end] = [clamp(start), clamp(ends[i])];
    cuts.push({ ...at, x: value, first, end });
    if (i + 1 < starts.length) value = tape.slice(value, at.axis, first, end);
  }
  const dx = cuts.reduceRight((whole, cut) => placed(tape, cut.x, cut.axis, whole, cut.first, cut.end, cut.size), dy);
  return [dx, null, null, null, null];
};

export const pickRules: readonly (readonly [string, Rule])[] = [
  ['Gather', gather],
  ['Slice', slice],
];
