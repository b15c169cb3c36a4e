/**
 * Follows short lists of whole numbers that are known up to symbolic dimensions, from Shape to the Reshape that uses
 * them: [batch, 12, 64] gathered, cast, multiplied and concatenated stays a list of extents.
 */
import { add, divideExact, type Extent, isStatic, multiply } from '../runtime/extent.js';
import type { Tensor } from '../runtime/tensor.js';
import type { Fact, Node } from './graph.js';
import { constantInput, wholeNumbers } from './operators/attributes.js';

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

const same: Rule = (_, [list]) => list;

const rules: Readonly<Record<string, Rule>> = {
  Identity: same,
  Cast: same,
  Squeeze: same,
  Unsqueeze: same,
  Reshape: same,
  Concat: (_, lists) => lists.flat(),
  Add: elementwise(add),
  Sub: elementwise((a, b) => add(a, multiply(-1, b))),
  Mul: elementwise(multiply),
  Div: elementwise((a, b) => (b === 0 ? undefined : divideExact(a, b))),
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

const isInteger = (tensor: Tensor) => tensor.type === 'int64' || tensor.type === 'int32';

/** The elements of a fact as extents, if it is a short list of whole numbers. */
function extentsOf(fact: Fact | undefined): Extents | undefined {
  if (fact?.extents) return fact.extents;
  const tensor = fact?.constant;
  if (!tensor || !isInteger(tensor) || tensor.dims.length > 1 || tensor.size > maximumLength) return undefined;
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
  if (!rule || !output.dtype.startsWith('int') || output.shape.length > 1) return undefined;
  if (!inputs.some((fact) => fact?.extents)) return undefined;
  const lists = listsOf(node, inputs);
  const extents = lists && rule(node, lists, inputs);
  const length = output.shape[0] ?? 1;
  return extents && extents.length === length && length <= maximumLength ? extents : undefined;
}
