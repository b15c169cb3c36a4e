/**
 * Rotary positions: each pair of a head's numbers is turned by an angle of its place,
 *
 *     (a, b)  ─▶  (a cos - b sin, b cos + a sin)
 *
 * the pairs at i and i + size / 2, or interleaved at 2i and 2i + 1.
 */
import { integerOf } from '../operators/attributes.js';
import type { NodeWriter, Write } from './node-writer.js';

interface Turn {
  readonly headAxis: number;
  /** How many of the first numbers of each head are turned, of `depth`. */
  readonly size: number;
  readonly depth: number;
  readonly isInterleaved: boolean;
}

/**
 * @param x  [batch, length, heads, depth], or [batch, heads, length, depth] with `headAxis` 1
 * @param cos  [batch or 1, length, size / 2]; so is `sin`
 */
export function turned(
  writer: NodeWriter,
  x: string,
  [cos, sin]: readonly string[],
  { headAxis, size, depth, isInterleaved }: Turn,
): string {
  const half = size / 2;
  const [c, s] = [cos, sin].map((angles) => writer.maker.unsqueezed(angles, headAxis));
  const [a, b] = isInterleaved
    ? [writer.slice(x, 3, 0, size, 2), writer.slice(x, 3, 1, size, 2)]
    : [writer.slice(x, 3, 0, half), writer.slice(x, 3, half, size)];
  const mul = (value: string, angles: string) => writer.op('Mul', [value, angles]);
  const first = writer.op('Sub', [mul(a, c), mul(b, s)]);
  const second = writer.op('Add', [mul(b, c), mul(a, s)]);
  const rest = size < depth ? [writer.slice(x, 3, size, depth)] : [];
  if (!isInterleaved) return writer.op('Concat', [first, second, ...rest], { axis: 3 });
  const pairs = [first, second].map((value) => writer.maker.unsqueezed(value, 4));
  const together = writer.reshape(writer.op('Concat', pairs, { axis: 4 }), 0, 0, 0, size);
  return rest.length > 0 ? writer.op('Concat', [together, ...rest], { axis: 3 }) : together;
}

/** Turns x in the form that it has; `angles` are looked up already, `half` of them for each place. */
function rotate(writer: NodeWriter, angles: readonly string[], half: number): readonly string[] {
  const { node, maker } = writer;
  const x = writer.input(0);
  const isFlat = writer.rankOf(x) === 3;
  const size = integerOf(node, 'rotary_embedding_dim', 0) || 2 * half;
  writer.refuse(`${size} rotated numbers for ${half} angles`, size !== 2 * half);
  const isInterleaved = integerOf(node, 'interleaved', 0) !== 0;
  if (!isFlat)
    return [turned(writer, x, angles, { headAxis: 1, size, depth: maker.sizeOf(node, x, 3), isInterleaved })];
  const width = maker.sizeOf(node, x, 2);
  const heads = integerOf(node, 'num_heads', 0) || width / size;
  const depth = width / heads;
  const split = writer.reshape(x, 0, 0, heads, depth);
  return [writer.reshape(turned(writer, split, angles, { headAxis: 2, size, depth, isInterleaved }), 0, 0, width)];
}

/** [1, length]: the places of x from a first one on, [1]; added as reals, for which there is a kernel. */
function from(writer: NodeWriter, first: string, x: string): string {
  const steps = writer.positions(x, writer.rankOf(x) - 2);
  const places = writer.sumOf(writer.cast(steps, 'float32'), writer.cast(first, 'float32'));
  return writer.maker.unsqueezed(writer.cast(places, 'int64'), 0);
}

/** com.microsoft: x, positions [1] or [batch, length], tables of cosines and sines [places, size / 2]. */
export const rotaryOfTables: Write = (node, writer) => {
  const [x, given] = [writer.input(0), writer.input(1)];
  writer.refuse('packed batches', integerOf(node, 'is_packed_batching', 0) !== 0);
  const positions = writer.rankOf(given) === 1 ? from(writer, given, x) : given;
  const angles = [2, 3].map((index) => writer.op('Gather', [writer.input(index), positions]));
  return rotate(writer, angles, writer.maker.sizeOf(node, writer.input(2), 1));
};

/** ai.onnx, operator set 23: x, cosines and sines [batch, length, size / 2], or tables of them and positions. */
export const rotary: Write = (node, writer) => {
  const [tables, positions] = [[writer.input(1), writer.input(2)], writer.optional(3)];
  const angles = positions ? tables.map((table) => writer.op('Gather', [table, positions])) : tables;
  return rotate(writer, angles, writer.maker.sizeOf(node, tables[0], -1));
};
