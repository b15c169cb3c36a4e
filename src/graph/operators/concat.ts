/** Concat along one axis, and Split, its inverse. */
import { add, divideExact, type Extent, equals, isStatic, multiply } from '../../runtime/extent.js';
import { allocate, elementCount, Tensor, type TensorData } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator, PlanBuilder } from '../operator.js';
import { constantInput, integerOf, integersOf, nodeError, requireInput, wholeNumbers } from './attributes.js';
import { define, lastOpset, requireSameDType } from './define.js';
import { allDTypes } from './elements.js';
import { emitCopy, rowStrides, shifted, sizesAround } from './lower-copy.js';
import { extentStrides, maximumStepRank } from './lowering.js';
import { factsOf } from './reshape.js';
import { formatShape, mismatchCode, normaliseAxis, type Shape } from './shapes.js';

function concatAxis(node: Node, rank: number, opset: number): number {
  const axis = integerOf(node, 'axis', opset < 4 ? 1 : undefined);
  if (axis === undefined) throw nodeError('MODEL_INVALID', node, 'attribute "axis": got none, expected a number.');
  return normaliseAxis(node, axis, rank);
}

/** Two sizes of one axis that are not the same. */
function differing(a: Shape, b: Shape, but: number): readonly Extent[] {
  const axis = a.findIndex((dim, at) => at !== but && !equals(dim, b[at]));
  return [a[axis], b[axis]];
}

function concatShape(node: Node, shapes: readonly Shape[], axis: number): Shape {
  const [first, ...others] = shapes;
  const wrong = others.find(
    (shape) => shape.length !== first.length || shape.some((dim, at) => at !== axis && !equals(dim, first[at])),
  );
  if (wrong) {
    const got = shapes.map(formatShape).join(', ');
    throw nodeError(
      mismatchCode(...first, ...wrong),
      node,
      `shapes: got ${got}, expected equal sizes but along axis ${axis}.`,
      wrong.length === first.length ? { equal: differing(first, wrong, axis) } : {},
    );
  }
  return first.map((dim, at) => (at === axis ? shapes.map((shape) => shape[axis]).reduce(add) : dim));
}

/** Where each piece begins along the axis of the whole. */
function startsOf(sizes: readonly Extent[]): readonly Extent[] {
  let start: Extent = 0;
  return sizes.map((size) => {
    const here = start;
    start = add(start, size);
    return here;
  });
}

/** Copies between a piece and its place in the whole, both [outer, axis, inner], block by block. */
function moveBlocks(whole: Tensor, piece: Tensor, axis: number, start: number, intoWhole: boolean): void {
  const { outer, axis: wide, inner } = sizesAround(whole.dims, axis) as Record<string, number>;
  const length = piece.dims[axis] * inner;
  for (let o = 0; o < outer; o++) {
    const at = (o * wide + start) * inner;
    if (intoWhole) {
      (whole.data as Float32Array).set(piece.data.subarray(o * length, (o + 1) * length) as Float32Array, at);
    } else {
      (piece.data as Float32Array).set(whole.data.subarray(at, at + length) as Float32Array, o * length);
    }
  }
}

function empty(like: Tensor, dims: readonly number[]): Tensor {
  return new Tensor(like.type, allocate(like.type, elementCount(dims)) as TensorData, dims);
}

function evaluateConcat(node: Node, inputs: readonly Tensor[], opset: number): Tensor {
  const axis = concatAxis(node, inputs[0].dims.length, opset);
  const dims = concatShape(
    node,
    inputs.map((input) => input.dims),
    axis,
  ) as readonly number[];
  const whole = empty(inputs[0], dims);
  const starts = startsOf(inputs.map((input) => input.dims[axis])) as readonly number[];
  inputs.forEach((input, index) => {
    moveBlocks(whole, input, axis, starts[index], true);
  });
  return whole;
}

function lowerConcat(node: Node, builder: PlanBuilder, opset: number): boolean {
  const { dtype, shape } = builder.fact(node.outputs[0]);
  if (shape.length > maximumStepRank) return false;
  const axis = concatAxis(node, shape.length, opset);
  const { isVirtual, isInside } = builder.join(node.outputs[0]);
  if (isVirtual) return true;
  const y = builder.output(node.outputs[0]).operand;
  const strides = extentStrides(shape);
  const starts = startsOf(node.inputs.map((value) => builder.fact(value).shape[axis]));
  node.inputs.forEach((value, index) => {
    if (isInside(value, starts[index])) return;
    const { operand, stride, fact } = builder.rows(value);
    const dst = shifted(y, multiply(starts[index], strides[axis]));
    emitCopy(builder, dtype, operand, dst, fact.shape, rowStrides(fact.shape, stride), strides);
  });
  return true;
}

/** Sizes of the pieces: an attribute, input 1 from opset 13 on, or equal parts. */
function splitSizes(node: Node, inputs: readonly (Fact | undefined)[], axis: number, opset: number): readonly Extent[] {
  const { shape } = requireInput(node, inputs, 0);
  const given = opset < 13 ? undefined : constantInput(node, inputs, 1);
  const sizes = given ? wholeNumbers(node, given) : integersOf(node, 'split');
  const count = node.outputs.length;
  const equal = divideExact(shape[axis], count);
  const resolved =
    sizes ?? (equal === undefined ? unequal(shape[axis], count, opset) : new Array<Extent>(count).fill(equal));
  const isNegative = resolved.some((size) => isStatic(size) && size < 0);
  if (isNegative || resolved.length !== count || !equals(resolved.reduce(add, 0), shape[axis])) {
    throw nodeError(
      mismatchCode(shape[axis]),
      node,
      `sizes: got [${resolved}] of ${formatShape(shape)}, expected ${count} that add up.`,
    );
  }
  return resolved;
}

/** From opset 18 on the last piece may be smaller. */
function unequal(size: Extent, count: number, opset: number): readonly number[] {
  if (opset < 18 || !isStatic(size)) return [];
  const each = Math.ceil(size / count);
  return Array.from({ length: count }, (_, i) => (i < count - 1 ? each : size - each * (count - 1)));
}

function splitOf(node: Node, inputs: readonly (Fact | undefined)[], opset: number) {
  const { shape } = requireInput(node, inputs, 0);
  const axis = normaliseAxis(node, integerOf(node, 'axis', 0), shape.length);
  const sizes = splitSizes(node, inputs, axis, opset);
  const shapes = sizes.map((size) => shape.map((dim, at) => (at === axis ? size : dim)));
  return { axis, starts: startsOf(sizes), shapes };
}

function evaluateSplit(node: Node, inputs: readonly (Tensor | undefined)[], opset: number): readonly Tensor[] {
  const x = requireInput(node, inputs, 0);
  const { axis, starts, shapes } = splitOf(node, factsOf(inputs), opset);
  return shapes.map((shape, index) => {
    const piece = empty(x, shape as readonly number[]);
    moveBlocks(x, piece, axis, starts[index] as number, false);
    return piece;
  });
}

/** Pieces of rows stay where they are. */
function viewPieces(node: Node, builder: PlanBuilder, starts: readonly Extent[]): boolean {
  const { operand, stride } = builder.rows(node.inputs[0]);
  node.outputs.forEach((value, index) => {
    if (value) builder.view(value, { operand: shifted(operand, starts[index]), stride });
  });
  return true;
}

function lowerSplit(node: Node, builder: PlanBuilder, opset: number): boolean {
  const facts = node.inputs.map((value) => (value ? builder.fact(value) : undefined));
  const { axis, starts, shapes } = splitOf(node, facts, opset);
  const { dtype, shape } = builder.fact(node.inputs[0]);
  if (shape.length > maximumStepRank) return false;
  if (axis === shape.length - 1) return viewPieces(node, builder, starts);
  const x = builder.place(node.inputs[0]);
  const strides = extentStrides(shape);
  node.outputs.forEach((value, index) => {
    if (!value) return;
    const src = shifted(x.operand, multiply(starts[index], strides[axis]));
    emitCopy(builder, dtype, src, builder.output(value).operand, shapes[index], strides);
  });
  return true;
}

export const concatOperators: readonly Operator[] = [
  ...define([[1, lastOpset, allDTypes]], {
    name: 'Concat',
    infer: (node, inputs, opset) => {
      const dtype = requireSameDType(node, inputs);
      const shapes = inputs.map((_, index) => requireInput(node, inputs, index).shape);
      return [{ dtype, shape: concatShape(node, shapes, concatAxis(node, shapes[0].length, opset)) }];
    },
    evaluate: (node, inputs, opset) => [
      evaluateConcat(
        node,
        inputs.map((_, index) => requireInput(node, inputs, index)),
        opset,
      ),
    ],
    lower: lowerConcat,
    rowIndependent: (node, inputs) => concatAxis(node, requireInput(node, inputs, 0).shape.length, 1) !== 0,
  }),
  ...define([[2, lastOpset, allDTypes]], {
    name: 'Split',
    infer: (node, inputs, opset) => {
      const { dtype } = requireInput(node, inputs, 0);
      return splitOf(node, inputs, opset).shapes.map((shape) => ({ dtype, shape }));
    },
    evaluate: evaluateSplit,
    lower: lowerSplit,
    rowIndependent: (node, inputs) =>
      normaliseAxis(node, integerOf(node, 'axis', 0), requireInput(node, inputs, 0).shape.length) !== 0,
  }),
];
