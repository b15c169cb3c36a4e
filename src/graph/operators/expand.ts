/** Operators that repeat elements: Expand, Tile, ConstantOfShape. */
import { type Extent, isStatic, multiply } from '../../runtime/extent.js';
import { allocate, type DType, elementCount, Tensor, type TensorData } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator, PlanBuilder } from '../operator.js';
import { nodeError, requireInput, sizesInput, wholeNumbers } from './attributes.js';
import { always, define, lastOpset } from './define.js';
import { allDTypes, pick } from './elements.js';
import { emitCopy } from './lower-copy.js';
import { broadcastExtentStrides, extentStrides, maximumStepRank } from './lowering.js';
import { factsOf } from './reshape.js';
import { broadcastIndex, broadcastShapes, formatShape, type Shape, stridesOf, walk } from './shapes.js';

function sizesOf(node: Node, inputs: readonly (Fact | undefined)[], index: number): Shape {
  const sizes = sizesInput(node, inputs, index);
  if (!sizes || sizes.some((size) => isStatic(size) && size < 0)) {
    throw nodeError('MODEL_INVALID', node, `sizes: got ${formatShape(sizes ?? [])}, expected whole numbers >= 0.`);
  }
  return sizes;
}

const expandShape = (node: Node, inputs: readonly (Fact | undefined)[]): Shape =>
  broadcastShapes(node, [requireInput(node, inputs, 0).shape, sizesOf(node, inputs, 1)]);

function lowerExpand(node: Node, builder: PlanBuilder): boolean {
  const { operand, fact } = builder.place(node.inputs[0]);
  const { shape } = builder.fact(node.outputs[0]);
  if (shape.length > maximumStepRank) return false;
  const y = builder.output(node.outputs[0]).operand;
  emitCopy(builder, fact.dtype, operand, y, shape, broadcastExtentStrides(fact.shape, shape.length));
  return true;
}

/** How often Tile repeats each axis. */
function repeatsOf(node: Node, inputs: readonly (Fact | undefined)[]): Shape {
  const repeats = sizesOf(node, inputs, 1);
  const rank = requireInput(node, inputs, 0).shape.length;
  if (repeats.length === rank) return repeats;
  throw nodeError('MODEL_INVALID', node, `repeats: got ${formatShape(repeats)}, expected ${rank} whole numbers.`);
}

function evaluateTile(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const x = requireInput(node, inputs, 0);
  const repeats = repeatsOf(node, factsOf(inputs)) as readonly number[];
  const box = x.dims.flatMap((dim, axis) => [repeats[axis], dim]);
  const strides = stridesOf(x.dims).flatMap((stride) => [0, stride]);
  const dims = x.dims.map((dim, axis) => dim * repeats[axis]);
  return [pick(x, dims, walk(box, strides))];
}

/** A copy over [repeat, size] pairs of axes, in which a repeat has stride 0. */
function lowerTile(node: Node, builder: PlanBuilder): boolean {
  const { operand, fact } = builder.place(node.inputs[0]);
  const repeats = repeatsOf(
    node,
    node.inputs.map((value) => builder.fact(value)),
  );
  const box: Extent[] = fact.shape.flatMap((dim, axis) => [repeats[axis], dim]);
  if (box.length > maximumStepRank) return false;
  const strides: Extent[] = extentStrides(fact.shape).flatMap((stride) => [0, stride]);
  emitCopy(builder, fact.dtype, operand, builder.output(node.outputs[0]).operand, box, strides);
  return true;
}

/** The one element that ConstantOfShape repeats; a float zero by default. @throws MODEL_INVALID */
export function fillValue(node: Node): Tensor {
  const value = node.attributes.get('value') ?? new Tensor('float32', new Float32Array(1), [1]);
  if (value instanceof Tensor && value.size === 1) return value;
  throw nodeError('MODEL_INVALID', node, 'attribute "value": got another thing, expected a tensor of one element.');
}

function lowerConstantOfShape(node: Node, builder: PlanBuilder): boolean {
  const { shape } = builder.fact(node.outputs[0]);
  if (shape.length > maximumStepRank) return false;
  const { type, data } = fillValue(node);
  const value = builder.weight({ name: `value of ${node.name}`, dtype: type, shape: [1], layout: 'plain', data });
  emitCopy(
    builder,
    type,
    value,
    builder.output(node.outputs[0]).operand,
    shape,
    new Array<Extent>(shape.length).fill(0),
  );
  return true;
}

function filled(value: Tensor, dims: readonly number[]): Tensor {
  const data = allocate<DType>(value.type, elementCount(dims)) as Float32Array;
  return new Tensor(value.type, data.fill((value.data as Float32Array)[0]) as TensorData, dims);
}

export const expandOperators: readonly Operator[] = [
  ...define([[8, lastOpset, allDTypes]], {
    name: 'Expand',
    infer: (node, inputs) => [{ dtype: requireInput(node, inputs, 0).dtype, shape: expandShape(node, inputs) }],
    evaluate: (node, inputs) => {
      const x = requireInput(node, inputs, 0);
      const dims = expandShape(node, factsOf(inputs)) as readonly number[];
      return [pick(x, dims, broadcastIndex(x.dims, dims))];
    },
    lower: lowerExpand,
    rowIndependent: always,
  }),
  ...define([[6, lastOpset, allDTypes]], {
    name: 'Tile',
    infer: (node, inputs) => {
      const { dtype, shape } = requireInput(node, inputs, 0);
      const repeats = repeatsOf(node, inputs);
      return [{ dtype, shape: shape.map((dim, axis) => multiply(dim, repeats[axis])) }];
    },
    evaluate: evaluateTile,
    lower: lowerTile,
    // One row that is repeated is the same for all.
    rowIndependent: (node, inputs) => repeatsOf(node, inputs)[0] === 1 || requireInput(node, inputs, 0).shape[0] === 1,
  }),
  ...define([[9, lastOpset, ['int64']]], {
    name: 'ConstantOfShape',
    infer: (node, inputs) => [{ dtype: fillValue(node).type, shape: sizesOf(node, inputs, 0) }],
    evaluate: (node, inputs) => [filled(fillValue(node), wholeNumbers(node, requireInput(node, inputs, 0)))],
    lower: lowerConstantOfShape,
    rowIndependent: always,
  }),
];
