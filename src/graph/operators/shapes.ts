/** Shapes with symbolic dimensions: axes, broadcasting, strides. */
import { type Extent, equals, formatExtent, isStatic } from '../../runtime/extent.js';
import { elementCount } from '../../runtime/tensor.js';
import type { Node } from '../graph.js';
import { nodeError } from './attributes.js';

export type Shape = readonly Extent[];

/** `[batch, 784]`: a shape as a person writes it. */
export function formatShape(shape: Shape): string {
  return `[${shape.map(formatExtent).join(', ')}]`;
}

/** An axis counted from the front. @throws MODEL_INVALID beyond the rank */
export function normaliseAxis(node: Node, axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (positive < 0 || positive >= rank) {
    const expected = rank === 0 ? 'an input that is no scalar' : `-${rank}..${rank - 1}`;
    throw nodeError('MODEL_INVALID', node, `axis: got ${axis}, expected ${expected}.`);
  }
  return positive;
}

/** Axes counted from the front, ascending. @throws MODEL_INVALID beyond the rank or twice */
export function normaliseAxes(node: Node, axes: readonly number[], rank: number): readonly number[] {
  const positive = axes.map((axis) => normaliseAxis(node, axis, rank)).sort((a, b) => a - b);
  if (new Set(positive).size !== positive.length) {
    throw nodeError('MODEL_INVALID', node, `axes: got [${axes}], expected each axis once.`);
  }
  return positive;
}

/** The numbers of a shape. @throws SHAPE_UNSUPPORTED when a dimension is symbolic */
export function requireStatic(node: Node, shape: Shape, what: string): readonly number[] {
  if (!shape.every(isStatic)) {
    throw nodeError(
      'SHAPE_UNSUPPORTED',
      node,
      `${what}: got ${formatShape(shape)}, expected known dimensions. Fix them in the model, or with --sizes.`,
    );
  }
  return shape;
}

/** Whether an extent is 0 or more for all values of the symbols, which are sizes: a number says so itself, a sum its signs. */
export function isSize(extent: Extent): boolean {
  return isStatic(extent) ? extent >= 0 : extent.every(([coefficient]) => coefficient > 0);
}

/** Why sizes differ: SHAPE_MISMATCH where they are numbers, SHAPE_UNSUPPORTED where that is open until symbols have values. */
export function mismatchCode(...sizes: readonly Extent[]): 'SHAPE_MISMATCH' | 'SHAPE_UNSUPPORTED' {
  return sizes.every(isStatic) ? 'SHAPE_MISMATCH' : 'SHAPE_UNSUPPORTED';
}

/**
 * The common size of two dimensions under broadcasting.
 * @throws SHAPE_MISMATCH when they never agree; SHAPE_UNSUPPORTED when that depends on the values of symbols
 */
function broadcastDim(node: Node, a: Extent, b: Extent, shapes: readonly Shape[]): Extent {
  if (equals(a, b) || b === 1) return a;
  if (a === 1) return b;
  throw nodeError(
    mismatchCode(a, b),
    node,
    `shapes do not broadcast: got ${shapes.map(formatShape).join(' and ')}, expected ${formatExtent(a)} and ${formatExtent(b)} to be equal or 1. Check the inputs.`,
    { equal: [a, b] },
  );
}

/** The shape that all `shapes` broadcast to. */
export function broadcastShapes(node: Node, shapes: readonly Shape[]): Shape {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) =>
    shapes.reduce<Extent>((dim, shape) => {
      const at = axis - (rank - shape.length);
      return at < 0 ? dim : broadcastDim(node, dim, shape[at], shapes);
    }, 1),
  );
}

/** Row-major strides in elements. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length);
  let stride = 1;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= dims[axis];
  }
  return strides;
}

/** For each element of `dims` in row-major order: base + sum of index * stride. */
export function walk(dims: readonly number[], strides: readonly number[], base = 0): Float64Array {
  const positions = new Float64Array(elementCount(dims));
  const index = new Array<number>(dims.length).fill(0);
  let position = base;
  for (let i = 0; i < positions.length; i++) {
    positions[i] = position;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      position += strides[axis];
      if (++index[axis] < dims[axis]) break;
      position -= strides[axis] * dims[axis];
      index[axis] = 0;
    }
  }
  return positions;
}

/** Strides that read `dims` as if it were broadcast to a shape of `rank` dimensions. */
export function broadcastStrides(dims: readonly number[], rank: number): number[] {
  const strides = stridesOf(dims).map((stride, axis) => (dims[axis] === 1 ? 0 : stride));
  return [...new Array<number>(rank - dims.length).fill(0), ...strides];
}

/** For each element of `outDims`: the element of `dims` that broadcasting puts there. */
export function broadcastIndex(dims: readonly number[], outDims: readonly number[]): Float64Array {
  return walk(outDims, broadcastStrides(dims, outDims.length));
}
