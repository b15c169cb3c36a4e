/** Sequences as lists of value names: what each sequence operator makes of them. */
import type { Tensor } from '../runtime/tensor.js';
import type { Attribute, Node } from './graph.js';
import { integerOf, nodeError, wholeNumbers } from './operators/attributes.js';
import { int64Tensor } from './operators/constant.js';

/** What resolving a sequence may ask of the graph that is being made. */
export interface SequenceTools {
  readonly opset: number;
  sequence(node: Node, value: string): readonly string[];
  known(node: Node, index: number): Tensor | undefined;
  sizeOf(node: Node, value: string, axis: number): number;
  fresh(wanted: string): string;
  constant(wanted: string, tensor: Tensor): string;
  emit(
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes?: Readonly<Record<string, Attribute>>,
  ): void;
  unsqueezed(value: string, axis: number): string;
  squeezed(value: string, axis: number): string;
}

/** A position from the front; `count` may be one beyond the end, where something is inserted. */
function positionOf(node: Node, tools: SequenceTools, index: number, count: number, fallback: number): number {
  const given = tools.known(node, index);
  const position = given ? wholeNumbers(node, given.reshape([given.size]))[0] : fallback;
  const positive = position < 0 ? position + count : position;
  if (positive >= 0 && positive < Math.max(count, fallback + 1)) return positive;
  throw nodeError('DATA_INVALID', node, `position: got ${position}, expected one in a sequence of ${count}.`);
}

type Resolve = (node: Node, tools: SequenceTools) => readonly string[] | undefined;

/** Sizes of the pieces that SplitToSequence cuts: given, or all of one size but the last. */
function piecesOf(node: Node, tools: SequenceTools, size: number): readonly number[] {
  const split = tools.known(node, 1);
  const given = split && wholeNumbers(node, split.reshape([split.size]));
  if (split && split.dims.length > 0) return given!;
  const each = given?.[0] ?? 1;
  if (each < 1) throw nodeError('MODEL_INVALID', node, `split: got ${each}, expected 1 or more.`);
  return Array.from({ length: Math.ceil(size / each) }, (_, i) => Math.min(each, size - i * each));
}

function split(node: Node, tools: SequenceTools): readonly string[] {
  const axis = integerOf(node, 'axis', 0);
  const sizes = piecesOf(node, tools, tools.sizeOf(node, node.inputs[0], axis));
  const pieces = sizes.map((_, i) => tools.fresh(`${node.outputs[0]}:${i}`));
  if (tools.opset < 13) tools.emit('Split', [node.inputs[0]], pieces, { axis, split: sizes });
  else {
    const sizesInput = tools.constant(`${node.outputs[0]}:sizes`, int64Tensor(sizes));
    tools.emit('Split', [node.inputs[0], sizesInput], pieces, { axis });
  }
  const keeps = node.inputs[1] || integerOf(node, 'keepdims', 1) !== 0;
  return keeps ? pieces : pieces.map((piece) => tools.squeezed(piece, axis));
}

const resolvers: Readonly<Record<string, Resolve>> = {
  SequenceEmpty: () => [],
  SequenceConstruct: ({ inputs }) => inputs,
  SequenceInsert: (node, tools) => {
    const list = [...tools.sequence(node, node.inputs[0])];
    list.splice(positionOf(node, tools, 2, list.length, list.length), 0, node.inputs[1]);
    return list;
  },
  SequenceErase: (node, tools) => {
    const list = [...tools.sequence(node, node.inputs[0])];
    list.splice(positionOf(node, tools, 1, list.length, list.length - 1), 1);
    return list;
  },
  SequenceAt: (node, tools) => {
    const list = tools.sequence(node, node.inputs[0]);
    tools.emit('Identity', [list[positionOf(node, tools, 1, list.length, -1)]], [node.outputs[0]]);
    return undefined;
  },
  SequenceLength: (node, tools) => {
    const count = tools.constant(
      `${node.outputs[0]}:count`,
      int64Tensor([tools.sequence(node, node.inputs[0]).length], []),
    );
    tools.emit('Identity', [count], [node.outputs[0]]);
    return undefined;
  },
  SplitToSequence: split,
  ConcatFromSequence: (node, tools) => {
    const [list, axis] = [tools.sequence(node, node.inputs[0]), integerOf(node, 'axis', 0)];
    const parts = integerOf(node, 'new_axis', 0) !== 0 ? list.map((value) => tools.unsqueezed(value, axis)) : list;
    tools.emit('Concat', parts, [node.outputs[0]], { axis });
    return undefined;
  },
};

export function isSequenceOperator(op: string): boolean {
  return Object.hasOwn(resolvers, op);
}

/** The sequence that a node makes; undefined where it makes a tensor, by nodes that were emitted. */
export function sequenceResult(node: Node, tools: SequenceTools): readonly string[] | undefined {
  return resolvers[node.op](node, tools);
}
