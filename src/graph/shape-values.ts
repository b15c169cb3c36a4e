/**
 * Follows short lists of whole numbers that are known up to symbolic dimensions, from Shape to the Reshape that uses
 * them: [batch, 12, 64] gathered, cast, multiplied and concatenated stays a list of extents.
 */
import { add, divideExact, type Extent, isStatic, multiply } from '../runtime/extent.js';
import type { DType } from '../runtime/tensor.js';
import type { Fact, Node } from './graph.js';
import { constantInput, integerOf, wholeNumbers } from './operators/attributes.js';

/** The number of bool among ONNX's element types. */
const onnxBool = 9;

/** Longest list that is followed. */
const maximumLength = 64;

type Extents = readonly Extent[];
type Rule = (node: Node, lists: readonly Extents[], inputs: readonly (Fact | undefined)[]) => Extents | undefined;

function elementwise(combine: (a: Extent, b: Extent) => Extent | undefined): Rule {
  return (_, [a, b]) => {
    const length = a.length === 0 || b.length === 0 ? 0 : Math.max(a.length, b.length);
    const list = Array.from({ length }, (_, i) => combine(a[a.length === 1 ? 0 : i], b[b.length === 1 ? 0 : i]));
    return list.every((extent) => extent !== undefined) ? list : undefined;
  };
}

/** 1 or 0 where two extents are equal or not for all sizes, undefined where that depends on them. Sizes are 0 or more. */
function areEqual(a: Extent, b: Extent): number | undefined {
  if (isStatic(a) && isStatic(b)) return Number(a === b);
  const difference = add(a, multiply(-1, b));
  if (isStatic(difference)) return Number(difference === 0);
  const [constant] = difference.find((term) => term.length === 1) ?? [];
  // Apart by a number that no other term makes up for.
  const isApart = constant !== undefined && difference.every(([coefficient]) => coefficient > 0 === constant > 0);
  return isApart ? 0 : undefined;
}

const same: Rule = (_, [list]) => list;

const rules: Readonly<Record<string, Rule>> = {
  Identity: same,
  // To bool, 5 becomes 1.
  Cast: (node, [list]) => (integerOf(node, 'to', 0) === onnxBool ? undefined : list),
  Squeeze: same,
  Unsqueeze: same,
  Reshape: same,
  Concat: (_, lists) => lists.flat(),
  Add: elementwise(add),
  Sub: elementwise((a, b) => add(a, multiply(-1, b))),
  Mul: elementwise(multiply),
  Neg: (_, [list]) => list.map((extent) => multiply(-1, extent)),
  Div: elementwise((a, b) => (b === 0 ? undefined : divideExact(a, b))),
  Equal: elementwise(areEqual),
  Where: (_, [condition, a, b]) => {
    const length = Math.max(condition.length, a.length, b.length);
    const at = (list: Extents, i: number) => list[list.length === 1 ? 0 : i];
    return Array.from({ length }, (_, i) => (at(condition, i) === 0 ? at(b, i) : at(a, i)));
  },
  Gather: (_, [list, indices]) => {
    const picked = indices.map((index) => (isStatic(index) ? list.at(index) : undefined));
    return picked.every((extent) => extent !== undefined) ? picked : undefined;
  },
  Slice: (node, [list], inputs) => {
    const numbers = [1, 2, 4].map((index) => listAttribute(node, inputs, index));
    const [starts, ends, steps] = numbers;
    if (starts?.length !== 1 || ends?.length !== 1 || (steps && steps[0] !== 1)) return undefined;
    return list.slice(starts[0], ends[0]);
  },
};

function listAttribute(
  node: Node,
  inputs: readonly (Fact | undefined)[],
  index: number,
): readonly number[] | undefined {
  const tensor = inputs[index] ? constantInput(node, inputs, index) : undefined;
  return tensor && wholeNumbers(node, tensor);
}

/** Whole numbers, and conditions as 1 and 0. */
const dtypes: readonly DType[] = ['int64', 'int32', 'bool'];

/** The elements of a fact as extents, if it is a short list of them. */
function extentsOf(fact: Fact | undefined): Extents | undefined {
  if (fact?.extents) return fact.extents;
  const tensor = fact?.constant;
  if (!tensor || !dtypes.includes(tensor.type) || tensor.dims.length > 1 || tensor.size > maximumLength)
    return undefined;
  return Array.from(tensor.data as ArrayLike<number | bigint>, Number);
}

/** Inputs whose elements the rule needs: all for Concat and arithmetic, the first for what only moves or slices. */
function listsOf(node: Node, inputs: readonly (Fact | undefined)[]): readonly Extents[] | undefined {
  const wanted = rules[node.op] === same || node.op === 'Slice' ? inputs.slice(0, 1) : inputs;
  const lists = wanted.map(extentsOf);
  return lists.every((list) => list !== undefined) ? lists : undefined;
}

/** The elements of the node's output as extents, if they follow from its inputs'. */
export function inferExtents(
  node: Node,
  inputs: readonly (Fact | undefined)[],
  output: Fact,
): readonly Extent[] | undefined {
  const rule = node.domain === '' && Object.hasOwn(rules, node.op) ? rules[node.op] : undefined;
  if (!rule || !dtypes.includes(output.dtype) || output.shape.length > 1) return undefined;
  if (!inputs.some((fact) => fact?.extents)) return undefined;
  const lists = listsOf(node, inputs);
  const extents = lists && rule(node, lists, inputs);
  const length = output.shape[0] ?? 1;
  return extents && extents.length === length && length <= maximumLength ? extents : undefined;
}
