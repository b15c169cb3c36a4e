/** Normalisations by moments that a run computes: InstanceNormalization, LayerNormalization, LRN, MeanVarianceNormalization, LpNormalization. */
import { equals, multiply, product } from '../../runtime/extent.js';
import { elementCount, type Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator, PlanBuilder } from '../operator.js';
import { integerOf, integersOf, nodeError, realOf, requireInput } from './attributes.js';
import { always, define, lastOpset } from './define.js';
import { fillNumbers, floatDTypes, toNumbers } from './elements.js';
import { emitBinary, scalarView, type View } from './lowering.js';
import { formatShape, mismatchCode, normaliseAxes, normaliseAxis, type Shape, stridesOf, walk } from './shapes.js';

/** Mean and population variance of the values at some places. */
export function momentsOf(
  values: ArrayLike<number>,
  places: ArrayLike<number>,
  start = 0,
): readonly [mean: number, variance: number] {
  let sum = 0;
  for (let i = 0; i < places.length; i++) sum += values[start + places[i]];
  const mean = sum / places.length;
  let squares = 0;
  for (let i = 0; i < places.length; i++) squares += (values[start + places[i]] - mean) ** 2;
  return [mean, squares / places.length];
}

/** Places of the elements that share channel 0 of [N, C, ..]: all images and all their axes, or one image's. */
export function channelPlaces(dims: readonly number[], isOneImage: boolean): Float64Array {
  const strides = stridesOf(dims);
  const axes = dims.map((_, axis) => axis).filter((axis) => axis !== 1 && !(isOneImage && axis === 0));
  return walk(
    axes.map((axis) => dims[axis]),
    axes.map((axis) => strides[axis]),
  );
}

/** @throws SHAPE_MISMATCH unless every input but the first is one number a channel */
export function requireChannels(node: Node, inputs: readonly (Fact | undefined)[], count: number): void {
  const { shape } = requireInput(node, inputs, 0);
  for (let index = 1; index <= count; index++) {
    const given = requireInput(node, inputs, index).shape;
    if (shape.length >= 2 && given.length === 1 && equals(given[0], shape[1])) continue;
    const got = `${formatShape(given)} for ${formatShape(shape)}`;
    const code = mismatchCode(...shape.slice(1, 2), ...given);
    throw nodeError(code, node, `input ${index}: got ${got}, expected one number a channel.`);
  }
}

function evaluateInstance(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const [x, gain, bias] = [0, 1, 2].map((index) => requireInput(node, inputs, index));
  const [values, gains, biases] = [toNumbers(x), toNumbers(gain), toNumbers(bias)];
  const [channels, size] = [x.dims[1], elementCount(x.dims.slice(2))];
  const places = channelPlaces([1, 1, ...x.dims.slice(2)], true);
  const epsilon = realOf(node, 'epsilon', 1e-5);
  const moments = Array.from({ length: x.dims[0] * channels }, (_, image) => momentsOf(values, places, image * size));
  return [
    fillNumbers(x.type, x.dims, (i) => {
      const image = Math.floor(i / size);
      const [mean, variance] = moments[image];
      const c = image % channels;
      return ((values[i] - mean) / Math.sqrt(variance + epsilon)) * gains[c] + biases[c];
    }),
  ];
}

const firstNormalised = (node: Node, shape: Shape) => normaliseAxis(node, integerOf(node, 'axis', -1), shape.length);

function evaluateLayer(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const [x, gain, bias] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1), inputs[2]];
  const first = firstNormalised(node, x.dims);
  const size = elementCount(x.dims.slice(first));
  const [values, gains, biases] = [toNumbers(x), toNumbers(gain), bias && toNumbers(bias)];
  const epsilon = realOf(node, 'epsilon', 1e-5);
  const places = Float64Array.from({ length: size }, (_, i) => i);
  const rows = Array.from({ length: x.size / size }, (_, row) => momentsOf(values, places, row * size));
  const scales = rows.map(([, variance]) => 1 / Math.sqrt(variance + epsilon));
  const dims = x.dims.map((dim, axis) => (axis < first ? dim : 1));
  const y = fillNumbers(x.type, x.dims, (i) => {
    const row = Math.floor(i / size);
    const normal = (values[i] - rows[row][0]) * scales[row];
    return normal * gains[i % gains.length] + (biases ? biases[i % biases.length] : 0);
  });
  return [y, fillNumbers('float32', dims, (row) => rows[row][0]), fillNumbers('float32', dims, (row) => scales[row])];
}

/**
 * Steps over rows, where the moments are not asked for and gains and biases are those of a whole row: the mean, the
 * differences, the mean of their squares, the quotient.
 */
function lowerLayer(node: Node, builder: PlanBuilder): boolean {
  const facts = node.inputs.map((value) => (value ? builder.fact(value) : undefined));
  const { dtype, shape } = requireInput(node, facts, 0);
  const first = firstNormalised(node, shape);
  const [outer, axis] = [product(shape.slice(0, first)), product(shape.slice(first))];
  const isRow = (fact: Fact | undefined) => !fact || equals(product(fact.shape), axis);
  const hasMoments = node.outputs.slice(1).some((value) => value !== '');
  if (dtype !== 'float32' || hasMoments || !isRow(facts[1]) || !isRow(facts[2])) return false;
  const place = (value: string) => builder.place(value).operand;
  const [dims, moments] = [
    [outer, axis],
    [outer, 1],
  ];
  const y = { operand: builder.output(node.outputs[0]).operand, shape: dims };
  const moment = { operand: builder.scratch('float32', outer), shape: moments };
  const squares = { operand: builder.scratch('float32', multiply(outer, axis)), shape: dims };
  const mean = (x: View) => builder.step('reduce', [x.operand], [moment.operand], { f: 'mean', outer, axis });
  const x = { operand: place(node.inputs[0]), shape: dims };
  mean(x);
  emitBinary(builder, 'sub', x, moment, y.operand, dims);
  emitBinary(builder, 'mul', y, y, squares.operand, dims);
  mean(squares);
  const epsilon = scalarView(builder, realOf(node, 'epsilon', 1e-5));
  emitBinary(builder, 'add', moment, epsilon, moment.operand, moments);
  builder.step('unary', [moment.operand], [moment.operand], { f: 'sqrt', count: outer });
  emitBinary(builder, 'div', y, moment, y.operand, dims);
  emitBinary(builder, 'mul', y, { operand: place(node.inputs[1]), shape: [axis] }, y.operand, dims);
  if (facts[2]) emitBinary(builder, 'add', y, { operand: place(node.inputs[2]), shape: [axis] }, y.operand, dims);
  return true;
}

/** y = x / (bias + alpha / size * sum of squares over the neighbouring channels)^beta. */
function evaluateLocal(node: Node, x: Tensor): Tensor {
  const size = integerOf(node, 'size', 1);
  const [alpha, beta, bias] = [realOf(node, 'alpha', 1e-4), realOf(node, 'beta', 0.75), realOf(node, 'bias', 1)];
  const [values, channels, places] = [toNumbers(x), x.dims[1], elementCount(x.dims.slice(2))];
  return fillNumbers(x.type, x.dims, (i) => {
    const c = Math.floor(i / places) % channels;
    let squares = 0;
    for (let other = c - Math.floor((size - 1) / 2); other <= c + Math.ceil((size - 1) / 2); other++) {
      if (other >= 0 && other < channels) squares += values[i + (other - c) * places] ** 2;
    }
    return values[i] / (bias + (alpha / size) * squares) ** beta;
  });
}

/** Calls `normalise` with the places of each group of elements that differ along `axes` only. */
function evaluateGroups(
  x: Tensor,
  axes: readonly number[],
  normalise: (group: readonly number[]) => readonly number[],
): Tensor {
  const strides = stridesOf(x.dims);
  const kept = x.dims.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const pickDims = (chosen: readonly number[], list: readonly number[]) => chosen.map((axis) => list[axis]);
  const inside = Array.from(walk(pickDims(axes, x.dims), pickDims(axes, strides)));
  const values = toNumbers(x);
  const result = new Float64Array(x.size);
  for (const start of walk(pickDims(kept, x.dims), pickDims(kept, strides))) {
    const group = normalise(inside.map((place) => values[start + place]));
    inside.forEach((place, i) => {
      result[start + place] = group[i];
    });
  }
  return fillNumbers(x.type, x.dims, (i) => result[i]);
}

const mean = (group: readonly number[]) => group.reduce((sum, value) => sum + value, 0) / group.length;

/** (x - mean) / (standard deviation + 1e-9), as ONNX's own expansion has it. */
function standardise(group: readonly number[]): readonly number[] {
  const centre = mean(group);
  const deviation = Math.sqrt(mean(group.map((value) => value * value)) - centre * centre);
  return group.map((value) => (value - centre) / (deviation + 1e-9));
}

function unitNorm(group: readonly number[], p: number): readonly number[] {
  const norm = p === 1 ? group.reduce((sum, value) => sum + Math.abs(value), 0) : Math.hypot(...group);
  return group.map((value) => (norm === 0 ? 0 : value / norm));
}

export const sameFact = (node: Node, inputs: readonly (Fact | undefined)[]): readonly Fact[] => {
  const { dtype, shape } = requireInput(node, inputs, 0);
  return [{ dtype, shape }];
};

export const normalizationOperators: readonly Operator[] = [
  ...define([[1, lastOpset, floatDTypes]], {
    name: 'InstanceNormalization',
    infer: (node, inputs) => {
      requireChannels(node, inputs, 2);
      return sameFact(node, inputs);
    },
    evaluate: evaluateInstance,
    rowIndependent: always,
  }),
  ...define([[17, lastOpset, floatDTypes]], {
    name: 'LayerNormalization',
    infer: (node, inputs) => {
      const { dtype, shape } = requireInput(node, inputs, 0);
      const first = firstNormalised(node, shape);
      const moments = { dtype: 'float32', shape: shape.map((dim, axis) => (axis < first ? dim : 1)) } as const;
      return [{ dtype, shape }, moments, moments];
    },
    evaluate: evaluateLayer,
    lower: lowerLayer,
    rowIndependent: (node, inputs) => firstNormalised(node, requireInput(node, inputs, 0).shape) !== 0,
  }),
  ...define([[1, lastOpset, floatDTypes]], {
    name: 'LRN',
    infer: sameFact,
    evaluate: (node, inputs) => [evaluateLocal(node, requireInput(node, inputs, 0))],
    rowIndependent: always,
  }),
  ...define([[9, lastOpset, floatDTypes]], {
    name: 'MeanVarianceNormalization',
    infer: sameFact,
    evaluate: (node, inputs) => {
      const x = requireInput(node, inputs, 0);
      const axes = normaliseAxes(node, integersOf(node, 'axes') ?? [0, 2, 3], x.dims.length);
      return [evaluateGroups(x, axes, standardise)];
    },
  }),
  ...define([[1, lastOpset, floatDTypes]], {
    name: 'LpNormalization',
    infer: sameFact,
    evaluate: (node, inputs) => {
      const x = requireInput(node, inputs, 0);
      const axis = normaliseAxis(node, integerOf(node, 'axis', -1), x.dims.length);
      return [evaluateGroups(x, [axis], (group) => unitNorm(group, integerOf(node, 'p', 2)))];
    },
  }),
];
