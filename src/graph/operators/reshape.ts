/** Operators that give the same elements another shape: no step, no memory. */
import { divideExact, type Extent, equals, isStatic, product } from '../../runtime/extent.js';
import type { Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator } from '../operator.js';
import {
  constantInput,
  integerOf,
  integersOf,
  nodeError,
  requireInput,
  sizesInput,
  wholeNumbers,
} from './attributes.js';
import { always, define, lastOpset, type Version } from './define.js';
import { allDTypes } from './elements.js';
import { formatShape, mismatchCode, normaliseAxes, type Shape } from './shapes.js';

const anyDType: readonly Version[] = [[1, lastOpset, allDTypes]];

type ShapeRule = (node: Node, inputs: readonly (Fact | undefined)[], opset: number) => Shape;

/** The facts of concrete tensors, so that a shape rule serves inference and evaluation alike. */
export function factsOf(inputs: readonly (Tensor | undefined)[]): readonly (Fact | undefined)[] {
  return inputs.map((tensor) => tensor && { dtype: tensor.type, shape: tensor.dims, constant: tensor });
}

function reshaping(name: string, versions: readonly Version[], shapeOf: ShapeRule): readonly Operator[] {
  return define(versions, {
    name,
    infer: (node, inputs, opset) => [
      { dtype: requireInput(node, inputs, 0).dtype, shape: shapeOf(node, inputs, opset) },
    ],
    evaluate: (node, inputs, opset) => [
      requireInput(node, inputs, 0).reshape(shapeOf(node, factsOf(inputs), opset) as readonly number[]),
    ],
    lower: (node, builder) => {
      builder.alias(node.outputs[0], node.inputs[0]);
      return true;
    },
    rowIndependent: always,
  });
}

/** [d0, .., dn] as a matrix: the axes before `axis` are rows. */
const flattenShape: ShapeRule = (node, inputs) => {
  const { shape } = requireInput(node, inputs, 0);
  const axis = integerOf(node, 'axis', 1);
  const split = axis < 0 ? axis + shape.length : axis;
  if (split < 0 || split > shape.length) {
    throw nodeError('MODEL_INVALID', node, `axis: got ${axis}, expected -${shape.length}..${shape.length}.`);
  }
  return [product(shape.slice(0, split)), product(shape.slice(split))];
};

/** A target with 0 for "as the input's" and one -1 for "what is left". */
const reshapeShape: ShapeRule = (node, inputs, opset) => {
  const { shape } = requireInput(node, inputs, 0);
  const target = opset < 5 ? integersOf(node, 'shape') : sizesInput(node, inputs, 1);
  if (!target) throw nodeError('MODEL_INVALID', node, 'no target shape: got none, expected input 1 or an attribute.');
  const keepsZero = integerOf(node, 'allowzero', 0) !== 0;
  const missing = target.findIndex((dim, axis) => dim === 0 && !keepsZero && axis >= shape.length);
  if (missing >= 0) {
    const got = `${formatShape(shape)} to ${formatShape(target)}`;
    throw nodeError('SHAPE_MISMATCH', node, `axis ${missing} is to be kept: got ${got}, expected it to exist.`);
  }
  const copied = target.map((dim, axis) => (dim === 0 && !keepsZero ? shape[axis] : dim));
  return resolveRest(node, shape, copied);
};

function resolveRest(node: Node, shape: Shape, target: Shape): Shape {
  const rest = target.indexOf(-1);
  const total = product(shape);
  const known = product(target.filter((_, axis) => axis !== rest));
  const missing = rest < 0 ? undefined : known !== 0 ? divideExact(total, known) : total === 0 ? 0 : undefined;
  const isWhole = rest < 0 ? equals(total, known) : missing !== undefined;
  if (!isWhole || target.some((dim, axis) => isStatic(dim) && dim < 0 && axis !== rest)) {
    const got = `${formatShape(shape)} to ${formatShape(target)}`;
    throw nodeError(
      mismatchCode(total, known),
      node,
      `sizes differ: got ${got}, expected the same number of elements.`,
    );
  }
  return target.map((dim, axis): Extent => (axis === rest ? missing! : dim));
}

/** Axes from the attribute (before opset 13) or from input 1. */
function axesOf(node: Node, inputs: readonly (Fact | undefined)[], opset: number): readonly number[] | undefined {
  if (opset < 13) return integersOf(node, 'axes');
  const axes = constantInput(node, inputs, 1);
  return axes && wholeNumbers(node, axes);
}

const squeezeShape: ShapeRule = (node, inputs, opset) => {
  const { shape } = requireInput(node, inputs, 0);
  const given = axesOf(node, inputs, opset);
  if (!given && !shape.every(isStatic)) {
    throw nodeError(
      'SHAPE_UNSUPPORTED',
      node,
      `axes: got none for ${formatShape(shape)}, expected them. Name the axes.`,
    );
  }
  const axes = given
    ? normaliseAxes(node, given, shape.length)
    : shape.flatMap((dim, axis) => (dim === 1 ? [axis] : []));
  const wrong = axes.find((axis) => shape[axis] !== 1);
  if (wrong !== undefined) {
    const problem = `axis ${wrong} of ${formatShape(shape)}: got another size, expected 1.`;
    throw nodeError(mismatchCode(shape[wrong]), node, problem);
  }
  return shape.filter((_, axis) => !axes.includes(axis));
};

const unsqueezeShape: ShapeRule = (node, inputs, opset) => {
  const { shape } = requireInput(node, inputs, 0);
  const given = axesOf(node, inputs, opset);
  if (!given) throw nodeError('MODEL_INVALID', node, 'no axes: got none, expected input 1 or an attribute.');
  const rank = shape.length + given.length;
  const axes = normaliseAxes(node, given, rank);
  const rest = [...shape];
  return Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : rest.shift()!));
};

export const reshapeOperators: readonly Operator[] = [
  ...reshaping('Flatten', anyDType, flattenShape),
  ...reshaping('Reshape', anyDType, reshapeShape),
  ...reshaping('Squeeze', anyDType, squeezeShape),
  ...reshaping('Unsqueeze', anyDType, unsqueezeShape),
  ...reshaping('Identity', anyDType, (node, inputs) => requireInput(node, inputs, 0).shape),
];
