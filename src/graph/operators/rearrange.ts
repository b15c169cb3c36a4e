/** Operators that put elements elsewhere: DepthToSpace, SpaceToDepth, ReverseSequence, Compress, OneHot, MaxUnpool. */
import { add, divideExact, type Extent, multiply } from '../../runtime/extent.js';
import { elementCount, type Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { constantInput, integerOf, nodeError, requireInput, textOf, wholeNumbers } from './attributes.js';
import { always, define, lastOpset } from './define.js';
import { allDTypes, fillNumbers, floatDTypes, numericDTypes, pick, toNumbers } from './elements.js';
import { emitTranspose } from './lower-copy.js';
import { factsOf } from './reshape.js';
import { formatShape, mismatchCode, normaliseAxis, type Shape, stridesOf, walk } from './shapes.js';
import { perAxis } from './windows.js';

/** A rearrangement as a shape of six axes, their order, and the shape of the result. */
interface Blocks {
  readonly split: Shape;
  readonly perm: readonly number[];
  readonly shape: Shape;
}

function blocksOf(node: Node, shape: Shape, isToSpace: boolean): Blocks {
  const size = integerOf(node, 'blocksize', 0);
  const [N, C, H, W] = shape;
  const [channels, height, width] = isToSpace
    ? [C !== undefined && divideExact(C, size * size), H, W]
    : [C, H !== undefined && divideExact(H, size), W !== undefined && divideExact(W, size)];
  if (shape.length !== 4 || size < 1 || !channels || !height || !width) {
    const got = `${formatShape(shape)} in blocks of ${size}`;
    const code = mismatchCode(...(isToSpace ? shape.slice(1, 2) : shape.slice(2)));
    throw nodeError(code, node, `shapes: got ${got}, expected [N, C, H, W] that they divide.`);
  }
  if (!isToSpace) {
    const split = [N, C, height, size, width, size];
    return { split, perm: [0, 3, 5, 1, 2, 4], shape: [N, multiply(C, size * size), height, width] };
  }
  const result = [N, channels, multiply(H, size), multiply(W, size)];
  if (textOf(node, 'mode', 'DCR') === 'CRD')
    return { split: [N, channels, size, size, H, W], perm: [0, 1, 4, 2, 5, 3], shape: result };
  return { split: [N, size, size, channels, H, W], perm: [0, 3, 4, 1, 5, 2], shape: result };
}

function defineBlocks(name: string, isToSpace: boolean): readonly Operator[] {
  return define([[1, lastOpset, allDTypes]], {
    name,
    infer: (node, inputs) => {
      const { dtype, shape } = requireInput(node, inputs, 0);
      return [{ dtype, shape: blocksOf(node, shape, isToSpace).shape }];
    },
    evaluate: (node, inputs) => {
      const x = requireInput(node, inputs, 0);
      const { split, perm, shape } = blocksOf(node, x.dims, isToSpace);
      const [dims, strides] = [split as readonly number[], stridesOf(split as readonly number[])];
      const source = walk(
        perm.map((axis) => dims[axis]),
        perm.map((axis) => strides[axis]),
      );
      return [pick(x, shape as readonly number[], source)];
    },
    lower: (node, builder) => {
      const { operand, fact } = builder.place(node.inputs[0]);
      const { split, perm } = blocksOf(node, fact.shape, isToSpace);
      return emitTranspose(builder, fact.dtype, operand, builder.output(node.outputs[0]).operand, split, perm);
    },
    rowIndependent: always,
  });
}

/** The first `lengths[b]` entries along the time axis turned round, for each entry b of the batch axis. */
function reverseSequences(node: Node, x: Tensor, lengths: Tensor): Tensor {
  const [time, batch] = [integerOf(node, 'time_axis', 0), integerOf(node, 'batch_axis', 1)];
  const strides = stridesOf(x.dims);
  const counts = wholeNumbers(node, lengths);
  if (time === batch || time + batch !== 1 || counts.length !== x.dims[batch]) {
    throw nodeError('SHAPE_MISMATCH', node, `lengths: got ${counts.length} for [${x.dims}], expected one a sequence.`);
  }
  const source = Float64Array.from({ length: x.size }, (_, i) => {
    const t = Math.floor(i / strides[time]) % x.dims[time];
    const length = counts[Math.floor(i / strides[batch]) % x.dims[batch]];
    return t < length ? i + (length - 1 - 2 * t) * strides[time] : i;
  });
  return pick(x, x.dims, source);
}

/** The entries along an axis (or of all elements) that a list of booleans keeps. */
function compress(node: Node, inputs: readonly (Tensor | undefined)[]): Tensor {
  const [x, condition] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1)];
  const kept = Array.from(condition.data as Uint8Array).flatMap((value, i) => (value ? [i] : []));
  const given = integerOf(node, 'axis', undefined);
  const size = given === undefined ? x.size : x.dims[normaliseAxis(node, given, x.dims.length)];
  if (condition.size > size) {
    throw nodeError('DATA_INVALID', node, `condition: got ${condition.size} elements, expected at most ${size}.`);
  }
  if (given === undefined) return pick(x, [kept.length], kept);
  const axis = normaliseAxis(node, given, x.dims.length);
  const inner = elementCount(x.dims.slice(axis + 1));
  const source: number[] = [];
  for (let o = 0; o < elementCount(x.dims.slice(0, axis)); o++) {
    for (const at of kept) for (let i = 0; i < inner; i++) source.push((o * x.dims[axis] + at) * inner + i);
  }
  return pick(
    x,
    x.dims.map((size, other) => (other === axis ? kept.length : size)),
    source,
  );
}

/** Where OneHot's new axis stands, and how long it is. */
function hotAxis(node: Node, rank: number, depthInput: Tensor): { axis: number; depth: number } {
  const depth = Math.trunc(toNumbers(depthInput)[0]);
  if (depthInput.size !== 1 || !(depth >= 1))
    throw nodeError('MODEL_INVALID', node, `depth: got ${depth}, expected 1 or more.`);
  return { axis: normaliseAxis(node, integerOf(node, 'axis', -1), rank + 1), depth };
}

function oneHot(node: Node, inputs: readonly (Tensor | undefined)[]): Tensor {
  const [indices, depthInput, values] = [0, 1, 2].map((index) => requireInput(node, inputs, index));
  const { axis, depth } = hotAxis(node, indices.dims.length, depthInput);
  const dims = [...indices.dims.slice(0, axis), depth, ...indices.dims.slice(axis)];
  const [chosen, inner] = [toNumbers(indices), elementCount(indices.dims.slice(axis))];
  const source = Float64Array.from({ length: indices.size * depth }, (_, i) => {
    const index = chosen[Math.floor(i / (inner * depth)) * inner + (i % inner)];
    return Number((index < 0 ? index + depth : index) === Math.floor(i / inner) % depth);
  });
  return pick(values, dims, source);
}

/** Sizes of the image that a MaxPool saw. */
function unpooledShape(node: Node, inputs: readonly (Fact | undefined)[]): Shape {
  const { shape } = requireInput(node, inputs, 0);
  const given = constantInput(node, inputs, 2);
  if (given) return wholeNumbers(node, given);
  const axes = shape.length - 2;
  const kernel = perAxis(node, 'kernel_shape', axes, 0, 1);
  const strides = perAxis(node, 'strides', axes, 1, 1);
  const pads = perAxis(node, 'pads', 2 * axes, 0, 0);
  return shape.map((size, axis): Extent => {
    if (axis < 2) return size;
    const at = axis - 2;
    return add(multiply(size, strides[at]), kernel[at] - strides[at] - pads[at] - pads[axes + at]);
  });
}

function unpool(node: Node, inputs: readonly (Tensor | undefined)[]): Tensor {
  const [x, indices] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1)];
  const dims = unpooledShape(node, factsOf(inputs)) as readonly number[];
  // Indices count in the image that the windows alone tell; a given shape puts the same places into a larger one.
  const small = unpooledShape(node, factsOf(inputs.slice(0, 2))) as readonly number[];
  const [from, to] = [stridesOf(small), stridesOf(dims)];
  const values = new Float64Array(elementCount(dims));
  const [xs, places] = [toNumbers(x), toNumbers(indices)];
  const end = elementCount(small);
  for (let i = 0; i < xs.length; i++) {
    if (!(places[i] >= 0 && places[i] < end)) {
      throw nodeError('DATA_INVALID', node, `index: got ${places[i]}, expected 0..${end - 1}. Check the indices.`);
    }
    values[small.reduce((sum, size, axis) => sum + (Math.floor(places[i] / from[axis]) % size) * to[axis], 0)] = xs[i];
  }
  return fillNumbers(x.type, dims, (i) => values[i]);
}

export const rearrangeOperators: readonly Operator[] = [
  ...defineBlocks('DepthToSpace', true),
  ...defineBlocks('SpaceToDepth', false),
  ...define([[10, lastOpset, allDTypes]], {
    name: 'ReverseSequence',
    infer: (node, inputs) => {
      const { dtype, shape } = requireInput(node, inputs, 0);
      return [{ dtype, shape }];
    },
    evaluate: (node, inputs) => [reverseSequences(node, requireInput(node, inputs, 0), requireInput(node, inputs, 1))],
  }),
  ...define([[9, lastOpset, allDTypes]], {
    name: 'Compress',
    infer: (node, inputs) => {
      const { dtype, shape } = requireInput(node, inputs, 0);
      const kept = Array.from(constantInput(node, inputs, 1)?.data as Uint8Array).filter((value) => value).length;
      const given = integerOf(node, 'axis', undefined);
      if (given === undefined) return [{ dtype, shape: [kept] }];
      const axis = normaliseAxis(node, given, shape.length);
      return [{ dtype, shape: shape.map((size, other) => (other === axis ? kept : size)) }];
    },
    evaluate: (node, inputs) => [compress(node, inputs)],
  }),
  ...define([[9, lastOpset, numericDTypes]], {
    name: 'OneHot',
    infer: (node, inputs) => {
      const { shape } = requireInput(node, inputs, 0);
      const { axis, depth } = hotAxis(node, shape.length, constantInput(node, inputs, 1)!);
      return [
        { dtype: requireInput(node, inputs, 2).dtype, shape: [...shape.slice(0, axis), depth, ...shape.slice(axis)] },
      ];
    },
    evaluate: (node, inputs) => [oneHot(node, inputs)],
  }),
  ...define([[9, lastOpset, floatDTypes]], {
    name: 'MaxUnpool',
    infer: (node, inputs) => [{ dtype: requireInput(node, inputs, 0).dtype, shape: unpooledShape(node, inputs) }],
    evaluate: (node, inputs) => [unpool(node, inputs)],
  }),
];
