/**
 * Attention, and the transposes around it:
 *
 *     q ─▶ Transpose ─▶ MatMul ─▶ Mul or Div by a number ─▶ Add mask ─▶ Softmax ─▶ MatMul ─▶ Transpose ─▶
 *     k ─▶ Transpose ───┘                                               v ─▶ Transpose ──┘
 *
 * All but the two products and the Softmax may be missing.
 */

import { equals } from '../runtime/extent.js';
import type { Fact, Node } from './graph.js';
import { integerOf, integersOf } from './operators/attributes.js';
import type { Shape } from './operators/shapes.js';
import type { Match, Pattern } from './patterns.js';

/** An operand: the value that is read, and the axes of it that stand for the operand's. */
interface Source {
  readonly value: string;
  readonly perm: readonly number[];
  readonly transpose?: Node;
}

const identity = (rank: number) => Array.from({ length: rank }, (_, axis) => axis);

const sameShape = (a: Shape, b: Shape) => a.length === b.length && a.every((dim, axis) => equals(dim, b[axis]));

/** Reads through a Transpose where `fits` allows the order that it would make. */
function sourceOf(value: string, rank: number, pattern: Pattern, fits: (perm: readonly number[]) => boolean): Source {
  const transpose = pattern.producer(value, 'Transpose');
  const perm = transpose && integersOf(transpose, 'perm');
  if (!transpose || perm?.length !== rank || !fits(perm)) return { value, perm: identity(rank) };
  return { value: transpose.inputs[0], perm, transpose };
}

/** Rows of q, of the mask and of y have to be contiguous. */
const keepsLast = (perm: readonly number[]) => perm.at(-1) === perm.length - 1;

/** Whether `mask` can be added to scores of that shape row by row. */
function fitsMask(mask: Fact | undefined, scores: Shape): boolean {
  if (mask?.dtype !== 'float32' || mask.shape.length > scores.length || mask.shape.length === 0) return false;
  const skipped = scores.length - mask.shape.length;
  return mask.shape.every((dim, axis) => {
    const full = scores[skipped + axis];
    return equals(dim, full) || (equals(dim, 1) && axis < mask.shape.length - 1);
  });
}

interface Scores {
  readonly product: Node;
  readonly scale: number;
  readonly mask: string | undefined;
  readonly inner: readonly Node[];
}

/** What stands before the Softmax. */
function scoresBefore(softmax: Node, pattern: Pattern): Scores | undefined {
  let value = softmax.inputs[0];
  const inner: Node[] = [];
  const add = pattern.producer(value, 'Add');
  const shape = pattern.facts.get(value)?.shape ?? [];
  const isScores = (one: string) =>
    sameShape(pattern.facts.get(one)?.shape ?? [], shape) && !!pattern.producer(one, 'MatMul', 'Mul', 'Div');
  const [scores, mask] = pattern.split(add, isScores) ?? [];
  if (add && scores !== undefined) {
    if (!fitsMask(pattern.facts.get(mask!), shape)) return undefined;
    inner.push(add);
    value = scores;
  }
  let scale = 1;
  const scaling = pattern.producer(value, 'Mul', 'Div');
  if (scaling) {
    const [number, scaled] = pattern.split(scaling, (one) => pattern.scalar(one) !== undefined) ?? [];
    if (scaled === undefined || (scaling.op === 'Div' && scaling.inputs[1] !== number)) return undefined;
    const factor = pattern.scalar(number)!;
    scale = scaling.op === 'Mul' ? factor : Math.fround(1 / factor);
    inner.push(scaling);
    value = scaled;
  }
  const product = pattern.producer(value, 'MatMul');
  const isUsable = product && scale > 0 && Number.isFinite(scale);
  return isUsable ? { product, scale, mask: add && mask, inner: [...inner, product] } : undefined;
}

/** Whether the factors of the two products are stacks of the same heads, without any repeated. */
function hasSameHeads(q: Shape, k: Shape, v: Shape): boolean {
  const rank = q.length;
  const [heads, ...others] = [q, k, v].map((shape) => shape.slice(0, -2));
  return rank >= 2 && rank <= 4 && others.every((lead) => sameShape(lead, heads));
}

/** Attention that ends in this product of probabilities and values. */
export function recogniseAttention(node: Node, pattern: Pattern): Match | undefined {
  if (node.domain !== '' || node.op !== 'MatMul') return undefined;
  const softmax = pattern.producer(node.inputs[0], 'Softmax');
  const before = softmax && scoresBefore(softmax, pattern);
  if (!before) return undefined;
  const shapeOf = (value: string) => pattern.facts.get(value)?.shape ?? [];
  const [q, k, v] = [before.product.inputs[0], before.product.inputs[1], node.inputs[1]];
  const rank = shapeOf(q).length;
  const axis = integerOf(softmax, 'axis', pattern.graph.opset < 13 ? 1 : -1);
  const isLast = axis === -1 || axis === rank - 1;
  const isFloat = [q, k, v].every((value) => pattern.facts.get(value)?.dtype === 'float32');
  if (!isLast || !isFloat || !hasSameHeads(shapeOf(q), shapeOf(k), shapeOf(v))) return undefined;
  const any = () => true;
  const sources = [
    sourceOf(q, rank, pattern, keepsLast),
    sourceOf(k, rank, pattern, any),
    sourceOf(v, rank, pattern, any),
  ];
  const after = outputTranspose(node, pattern);
  const root = after ?? node;
  const core = [...before.inner, softmax, ...(after ? [node] : [])];
  // A transposed copy that others read too is made all the same.
  const transposes = sources.flatMap(({ transpose }) =>
    transpose && pattern.isClosed({ root, inner: [...core, transpose] }) ? [transpose] : [],
  );
  const names = ['permQ', 'permK', 'permV'];
  const attributes = new Map<string, number | readonly number[]>([['scale', before.scale]]);
  for (const [i, { perm }] of sources.entries()) attributes.set(names[i], perm);
  attributes.set('permY', (after && integersOf(after, 'perm')) ?? identity(rank));
  const inputs = [...sources.map(({ value }) => value), ...(before.mask === undefined ? [] : [before.mask])];
  return {
    root,
    inner: [...core, ...new Set(transposes)],
    node: { op: 'Attention', domain: 'kerf', inputs, attributes },
  };
}

/** The Transpose that alone reads a result and keeps its rows whole. */
function outputTranspose(node: Node, pattern: Pattern): Node | undefined {
  const [reader, ...others] = pattern.readers(node.outputs[0]);
  if (reader?.domain !== '' || reader.op !== 'Transpose' || others.length > 0) return undefined;
  const perm = integersOf(reader, 'perm');
  const isWhole = perm !== undefined && keepsLast(perm);
  return isWhole && pattern.isClosed({ root: reader, inner: [node] }) ? reader : undefined;
}
