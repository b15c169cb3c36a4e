/** Attention as onnxruntime joins it: with the projections in front, their biases, and masks as lists of lengths or places. */
import type { Node } from '../graph.js';
import { integerOf, integersOf, nodeError, realOf } from '../operators/attributes.js';
import { fillNumbers } from '../operators/elements.js';
import type { NodeWriter, Write } from './node-writer.js';
import { turned } from './rotary.js';

const axisOfKeys = 3;

/** Added to scores that are not to be seen: the lowest float32, which swallows them. */
const lowest = -3.4028234663852886e38;

/** Parts of a value along its last axis. */
function parts(writer: NodeWriter, value: string, sizes: readonly number[]): readonly string[] {
  const axis = writer.rankOf(value) - 1;
  let start = 0;
  return sizes.map((size) => {
    start += size;
    return writer.slice(value, axis, start - size, start);
  });
}

/** [batch, length, heads depth] ─▶ [batch, heads, length, depth]. */
const heads = (writer: NodeWriter, value: string, count: number, width: number) =>
  writer.transpose(writer.reshape(value, 0, 0, count, width / count), 0, 2, 1, 3);

interface Form {
  readonly heads: number;
  /** Of queries, and of values: heads times depth. */
  readonly width: number;
  readonly valueWidth: number;
  /** What is added to scores, each [batch or 1, heads or 1, length or 1, keys]. */
  readonly masks: readonly string[];
}

/** [batch, length, heads depth] from operands with their heads on an axis of their own. */
function attend(writer: NodeWriter, [q, k, v]: readonly string[], form: Form): string {
  const { width, valueWidth, masks } = form;
  const scale = realOf(writer.node, 'scale', 0) || 1 / Math.sqrt(width / form.heads);
  const products = writer.op('MatMul', [q, writer.transpose(k, 0, 1, 3, 2)]);
  const scores = writer.op('Mul', [products, writer.number(scale, q)]);
  // Masks are summed first: what is added once is part of one kernel.
  const mask = masks.length > 0 ? writer.sumOf(...masks) : '';
  const shares = writer.op('Softmax', [writer.sumOf(scores, mask)], { axis: axisOfKeys });
  const values = writer.transpose(writer.op('MatMul', [shares, v]), 0, 2, 1, 3);
  return writer.reshape(values, 0, 0, valueWidth);
}

/** What is added for a mask that is 1 where a key is seen and 0 where not. */
function hiding(writer: NodeWriter, seen: string, like: string): string {
  const filler = realOf(writer.node, 'mask_filter_value', -10000);
  const hidden = writer.op('Sub', [writer.number(1, like), seen]);
  return writer.op('Mul', [hidden, writer.number(filler, like)]);
}

/**
 * @param value  lengths [batch], places [batch, keys], or [batch, length, keys] of them
 * @param keys  a value whose axis 1 has the keys
 */
function keyMask(writer: NodeWriter, value: string, keys: string): string {
  const { maker } = writer;
  const rank = writer.rankOf(value);
  writer.refuse(`a mask of rank ${rank}`, rank > 3);
  const { dtype } = maker.factOf(keys);
  if (rank === 1) {
    const [rows, batch] = [value, keys].map((one) => maker.factOf(one).shape[0]);
    writer.refuse('starts beside lengths', typeof rows === 'number' && typeof batch === 'number' && rows !== batch);
  }
  const numbers = writer.cast(value, dtype);
  // A place is seen by as many as the length is beyond it, one at most.
  const seen =
    rank > 1
      ? numbers
      : writer.op('Sub', [maker.unsqueezed(numbers, 1), writer.cast(writer.positions(keys, 1), dtype)]);
  const mask = hiding(writer, writer.clip(seen, 0, 1), keys);
  return maker.unsqueezed(rank === 3 ? mask : maker.unsqueezed(mask, 1), 1);
}

/** Hides what stands behind a query's own place; what that means for more keys than queries nobody says. */
function causal(writer: NodeWriter, q: string, k: string): string {
  const { node, maker } = writer;
  const [T, S] = [maker.sizeOf(node, q, 2), maker.sizeOf(node, k, 2)];
  writer.refuse('one way for more keys than queries', S > T);
  const { dtype } = maker.factOf(q);
  return writer.constant(fillNumbers(dtype, [T, S], (i) => (i % S > Math.floor(i / S) ? -Infinity : 0)));
}

const isCausal = (node: Node) => integerOf(node, 'unidirectional', 0) !== 0;

function requireHeads(node: Node): number {
  const count = integerOf(node, 'num_heads', 0);
  if (count >= 1) return count;
  throw nodeError('MODEL_INVALID', node, `num_heads: got ${count}, expected 1 or more.`);
}

/** Input [batch, length, size], weights [size, 3 width], bias, mask, past, what is added to scores. */
const attention: Write = (node, writer) => {
  const { maker } = writer;
  writer.refuse('past keys', [4, 6].some((index) => writer.optional(index) !== '') || !!node.outputs[1]);
  writer.refuse('rotary positions', integerOf(node, 'do_rotary', 0) !== 0);
  const [x, weights, bias] = [writer.input(0), writer.input(1), writer.optional(2)];
  const count = requireHeads(node);
  const third = maker.sizeOf(node, weights, 1) / 3;
  const sizes = integersOf(node, 'qkv_hidden_sizes') ?? [third, third, third];
  writer.refuse(`qkv_hidden_sizes [${sizes}]`, sizes.length !== 3);
  const biases = bias ? parts(writer, bias, sizes) : [];
  const [q, k, v] = parts(writer, weights, sizes).map((weight, i) => {
    const projected = writer.sumOf(writer.op('MatMul', [x, weight]), biases[i] ?? '');
    return heads(writer, projected, count, sizes[i]);
  });
  const masks = [writer.optional(3) && keyMask(writer, writer.optional(3), x), writer.optional(5)];
  if (isCausal(node)) masks.push(causal(writer, q, k));
  return [
    attend(writer, [q, k, v], { heads: count, width: sizes[0], valueWidth: sizes[2], masks: masks.filter(Boolean) }),
  ];
};

/** Query, key and value [batch, length, width], or the latter two with heads apart; bias, mask, what is added to scores. */
const multiHeadAttention: Write = (node, writer) => {
  const { maker } = writer;
  writer.refuse(
    'past keys',
    [6, 7, 8, 9].some((index) => writer.optional(index) !== ''),
  );
  writer.refuse('keys or scores as outputs', node.outputs.slice(1).some(Boolean));
  const [query, key, value, bias] = [writer.input(0), writer.optional(1), writer.optional(2), writer.optional(3)];
  const count = requireHeads(node);
  writer.refuse('packed queries, keys or values', !key || !value || writer.rankOf(query) !== 3);
  const isApart = writer.rankOf(key) === 4;
  const width = maker.sizeOf(node, query, 2);
  const valueWidth = writer.rankOf(value) === 4 ? count * maker.sizeOf(node, value, 3) : maker.sizeOf(node, value, 2);
  const biases = bias ? parts(writer, bias, [width, width, valueWidth]) : [];
  const operands = [query, key, value].map((operand, i) => {
    if (writer.rankOf(operand) === 4) return operand;
    return heads(writer, writer.sumOf(operand, biases[i] ?? ''), count, i === 2 ? valueWidth : width);
  });
  const keyRows = isApart ? writer.transpose(key, 0, 2, 1, 3) : key;
  const masks = [writer.optional(4) && keyMask(writer, writer.optional(4), keyRows), writer.optional(5)];
  if (isCausal(node)) masks.push(causal(writer, operands[0], operands[1]));
  return [attend(writer, operands, { heads: count, width, valueWidth, masks: masks.filter(Boolean) })];
};

/** Keys or values for the queries' heads: each of them `times` times. */
function repeated(writer: NodeWriter, value: string, count: number, times: number, depth: number): string {
  if (times === 1) return value;
  const wide = writer.op('Expand', [writer.maker.unsqueezed(value, 2), writer.integers(1, 1, times, 1, 1)]);
  return writer.reshape(wide, 0, count, -1, depth);
}

/** The places of the queries, [length], behind a past. */
function placesBehind(writer: NodeWriter, past: string, queries: string): string {
  const end = writer.op('Add', [past, writer.sizeAt(queries, 1)]);
  return writer.op('Range', [past, end, writer.whole(1)]);
}

/**
 * 0 for each row whose keys are all there are, [batch, 1, 1, 1]; the kernel refuses others by an index that is out of
 * range, since rows of several lengths would have to be placed one by one.
 */
function wholeRows(writer: NodeWriter, lengths: string, keys: string): string {
  const { maker } = writer;
  const last = writer.op('Sub', [writer.sizeAt(keys, 2), writer.whole(1)]);
  const missing = writer.op('Abs', [writer.op('Sub', [writer.cast(lengths, 'float32'), writer.cast(last, 'float32')])]);
  const zero = writer.op('Gather', [
    writer.constant(fillNumbers('float32', [1], () => 0)),
    writer.cast(missing, 'int64'),
  ]);
  return [1, 2, 3].reduce((value, axis) => maker.unsqueezed(value, axis), writer.reshape(zero, -1));
}

/** What hides the keys behind each query's place, [length, keys]: queries stand behind the past. */
function causalBehind(writer: NodeWriter, past: string, keys: string): string {
  const { maker } = writer;
  const [queries, places] = [writer.positions(keys, 2, past), writer.positions(keys, 2)].map((list) =>
    writer.cast(list, 'float32'),
  );
  const ahead = writer.op('Sub', [maker.unsqueezed(places, 0), maker.unsqueezed(queries, 1)]);
  return writer.op('Mul', [writer.clip(ahead, 0, 1), writer.number(lowest, keys)]);
}

/**
 * Query [batch, length, heads depth] with keys and values of fewer heads, or all three packed; past keys and values
 * [batch, heads, past, depth], the last key of each row, their number, tables of cosines and sines.
 * Gives the output, and keys and values with the past.
 */
const groupQueryAttention: Write = (node, writer) => {
  const { maker } = writer;
  const [count, keyCount] = [requireHeads(node), integerOf(node, 'kv_num_heads', 0)];
  writer.refuse('heads that keys do not divide', !(keyCount >= 1) || count % keyCount !== 0);
  writer.refuse('a window', integerOf(node, 'local_window_size', -1) !== -1);
  writer.refuse('a soft cap', realOf(node, 'softcap', 0) !== 0 || integerOf(node, 'smooth_softmax', 0) > 0);
  writer.refuse(
    'positions, numbers added or sinks',
    [9, 10, 11, 12, 13].some((index) => writer.optional(index) !== ''),
  );
  const isPacked = !writer.optional(1);
  const depth = maker.sizeOf(node, writer.input(0), 2) / (count + (isPacked ? 2 * keyCount : 0));
  const [width, keyWidth] = [count * depth, keyCount * depth];
  const operands = isPacked
    ? parts(writer, writer.input(0), [width, keyWidth, keyWidth])
    : [0, 1, 2].map((index) => writer.input(index));
  const pasts = [writer.optional(3), writer.optional(4)];
  const past = pasts[0] ? writer.sizeAt(pasts[0], 2) : writer.whole(0);
  const counts = [count, keyCount, keyCount];
  const rows = operands.map((operand, i) => writer.reshape(operand, 0, 0, counts[i], depth));
  const isTurned = integerOf(node, 'do_rotary', 0) !== 0;
  const places = isTurned ? placesBehind(writer, past, rows[0]) : '';
  const angles = isTurned
    ? [7, 8].map((index) => maker.unsqueezed(writer.op('Gather', [writer.input(index), places]), 0))
    : [];
  const size = isTurned ? 2 * maker.sizeOf(node, writer.input(7), 1) : 0;
  const isInterleaved = integerOf(node, 'rotary_interleaved', 0) !== 0;
  const [q, k, v] = rows.map((row, i) => {
    const isPlaced = isTurned && i < 2;
    const placed = isPlaced ? turned(writer, row, angles, { headAxis: 2, size, depth, isInterleaved }) : row;
    return writer.transpose(placed, 0, 2, 1, 3);
  });
  const [keys, values] = [k, v].map((fresh, i) =>
    pasts[i] ? writer.op('Concat', [pasts[i], fresh], { axis: 2 }) : fresh,
  );
  const masks = [causalBehind(writer, past, keys), wholeRows(writer, writer.input(5), keys)];
  const form = { heads: count, width, valueWidth: width, masks };
  const all = [keys, values].map((value) => repeated(writer, value, count, count / keyCount, depth));
  return [attend(writer, [q, ...all], form), keys, values];
};

export const attentions: Readonly<Record<string, Write>> = {
  Attention: attention,
  GroupQueryAttention: groupQueryAttention,
  MultiHeadAttention: multiHeadAttention,
};
