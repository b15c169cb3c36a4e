/** Normalisations by moments that a run computes: of instances, groups and layers, RMS, LRN, MeanVarianceNormalization, LpNormalization. */
import { divideExact, type Extent, equals, multiply, product } from '../../runtime/extent.js';
import type { Operand } from '../../runtime/plan.js';
import { elementCount, type Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator, PlanBuilder } from '../operator.js';
import { integerOf, integersOf, nodeError, realOf, requireInput } from './attributes.js';
import { always, define, lastOpset } from './define.js';
import { fillNumbers, floatDTypes, toNumbers } from './elements.js';
import { emitBinary, scalarView, type View } from './lowering.js';
import { factsOf } from './reshape.js';
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

/** The size and the epsilon of rows, and whether their mean is taken off. */
interface RowNorm {
  readonly outer: Extent;
  readonly axis: Extent;
  readonly epsilon: number;
  readonly isCentred: boolean;
}

/**
 * y = (x - mean) / sqrt(mean square + epsilon) for every row of [outer, axis]: the mean, the differences, the mean of their
 * squares, the quotient.
 */
function emitRowNorm(builder: PlanBuilder, from: Operand, to: Operand, norm: RowNorm): void {
  const { outer, axis, epsilon, isCentred } = norm;
  const dims = [outer, axis];
  const moments = [outer, 1];
  const y = { operand: to, shape: dims };
  const moment = { operand: builder.scratch('float32', outer), shape: moments };
  const squares = { operand: builder.scratch('float32', multiply(outer, axis)), shape: dims };
  const mean = (x: View) => builder.step('reduce', [x.operand], [moment.operand], { f: 'mean', outer, axis });
  const x = { operand: from, shape: dims };
  if (isCentred) {
    mean(x);
    emitBinary(builder, 'sub', x, moment, to, dims);
  }
  const centred = isCentred ? y : x;
  emitBinary(builder, 'mul', centred, centred, squares.operand, dims);
  mean(squares);
  emitBinary(builder, 'add', moment, scalarView(builder, epsilon), moment.operand, moments);
  builder.step('unary', [moment.operand], [moment.operand], { f: 'sqrt', count: outer });
  emitBinary(builder, 'div', centred, moment, to, dims);
}

/** y = y gain + bias over `dims`; both are [last axes of `dims`], or one number for each of their first. */
function emitAffine(
  builder: PlanBuilder,
  node: Node,
  operand: Operand,
  dims: Shape,
  shape: Shape,
  [gain, bias]: readonly (string | undefined)[] = node.inputs.slice(1),
): void {
  const y = { operand, shape: dims };
  if (gain) emitBinary(builder, 'mul', y, { operand: builder.place(gain).operand, shape }, operand, dims);
  if (bias) emitBinary(builder, 'add', y, { operand: builder.place(bias).operand, shape }, operand, dims);
}

/** Steps over rows, where the moments are not asked for and gains and biases are those of a whole row. */
function lowerLayer(node: Node, builder: PlanBuilder, isCentred = true): boolean {
  const facts = node.inputs.map((value) => (value ? builder.fact(value) : undefined));
  const { dtype, shape } = requireInput(node, facts, 0);
  const first = firstNormalised(node, shape);
  const [outer, axis] = [product(shape.slice(0, first)), product(shape.slice(first))];
  const isRow = (fact: Fact | undefined) => !fact || equals(product(fact.shape), axis);
  const hasMoments = node.outputs.slice(1).some((value) => value !== '');
  if (dtype !== 'float32' || hasMoments || !isRow(facts[1]) || !isRow(facts[2])) return false;
  const y = builder.output(node.outputs[0]).operand;
  const epsilon = realOf(node, 'epsilon', 1e-5);
  emitRowNorm(builder, builder.place(node.inputs[0]).operand, y, { outer, axis, epsilon, isCentred });
  emitAffine(builder, node, y, [outer, axis], [axis]);
  return true;
}

/** x / sqrt(mean square + epsilon) gain, over the axes from `axis` on. */
function evaluateRms(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const [x, gain] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1)];
  const size = elementCount(x.dims.slice(firstNormalised(node, x.dims)));
  const [values, gains, epsilon] = [toNumbers(x), toNumbers(gain), realOf(node, 'epsilon', 1e-5)];
  const scales = Array.from({ length: x.size / size }, (_, row) => {
    let squares = 0;
    for (let i = row * size; i < (row + 1) * size; i++) squares += values[i] ** 2;
    return 1 / Math.sqrt(squares / size + epsilon);
  });
  return [fillNumbers(x.type, x.dims, (i) => values[i] * scales[Math.floor(i / size)] * gains[i % gains.length])];
}

/** How many channels one gain counts for: those of a group before opset 21, one from then on. */
function groupsOf(node: Node, inputs: readonly (Fact | undefined)[], opset: number) {
  const { shape } = requireInput(node, inputs, 0);
  const groups = integerOf(node, 'num_groups', 0);
  const channels = shape[1];
  if (typeof channels !== 'number' || shape.length < 2 || groups < 1 || channels % groups !== 0) {
    const got = `${groups} for ${formatShape(shape)}`;
    throw nodeError(mismatchCode(channels ?? 0), node, `num_groups: got ${got}, expected a divisor of the channels.`);
  }
  const gains = opset < 21 ? groups : channels;
  for (const index of [1, 2]) {
    const given = requireInput(node, inputs, index).shape;
    if (given.length === 1 && equals(given[0], gains)) continue;
    throw nodeError(mismatchCode(...given), node, `input ${index}: got ${formatShape(given)}, expected [${gains}].`);
  }
  return { shape, channels, groups, gains };
}

function evaluateGroup(node: Node, inputs: readonly (Tensor | undefined)[], opset: number): readonly Tensor[] {
  const [x, gain, bias] = [0, 1, 2].map((index) => requireInput(node, inputs, index));
  const { channels, groups, gains } = groupsOf(node, factsOf(inputs), opset);
  const [values, scales, biases] = [toNumbers(x), toNumbers(gain), toNumbers(bias)];
  const image = elementCount(x.dims.slice(2));
  const size = (channels / groups) * image;
  const epsilon = realOf(node, 'epsilon', 1e-5);
  const places = Float64Array.from({ length: size }, (_, i) => i);
  const moments = Array.from({ length: x.dims[0] * groups }, (_, row) => momentsOf(values, places, row * size));
  return [
    fillNumbers(x.type, x.dims, (i) => {
      const [mean, variance] = moments[Math.floor(i / size)];
      const at = Math.floor((Math.floor(i / image) % channels) / (channels / gains));
      return ((values[i] - mean) / Math.sqrt(variance + epsilon)) * scales[at] + biases[at];
    }),
  ];
}

/** Rows of [N groups, the rest], then gains and biases for `gains` equal parts of each image. */
function lowerGroups(node: Node, builder: PlanBuilder, shape: Shape, groups: Extent, gains: Extent): boolean {
  const x = builder.place(node.inputs[0]);
  const image = product(shape.slice(1));
  const [axis, part] = [divideExact(image, groups), divideExact(image, gains)];
  if (x.fact.dtype !== 'float32' || axis === undefined || part === undefined) return false;
  const y = builder.output(node.outputs[0]).operand;
  const outer = multiply(shape[0], groups);
  emitRowNorm(builder, x.operand, y, { outer, axis, epsilon: realOf(node, 'epsilon', 1e-5), isCentred: true });
  emitAffine(builder, node, y, [shape[0], gains, part], [gains, 1]);
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
    const [first, last] = [c - Math.floor((size - 1) / 2), c + Math.ceil((size - 1) / 2)];
    for (let other = Math.max(0, first); other <= Math.min(last, channels - 1); other++) {
      squares += values[i + (other - c) * places] ** 2;
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
    lower: (node, builder) => {
      const { shape } = builder.fact(node.inputs[0]);
      return lowerGroups(node, builder, shape, shape[1], shape[1]);
    },
    rowIndependent: always,
  }),
  ...define([[18, lastOpset, floatDTypes]], {
    name: 'GroupNormalization',
    infer: (node, inputs, opset) => {
      groupsOf(node, inputs, opset);
      return sameFact(node, inputs);
    },
    evaluate: evaluateGroup,
    lower: (node, builder, opset) => {
      const { shape, groups, gains } = groupsOf(
        node,
        node.inputs.map((value) => builder.fact(value)),
        opset,
      );
      return lowerGroups(node, builder, shape, groups, gains);
    },
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
    lower: (node, builder) => lowerLayer(node, builder),
    rowIndependent: (node, inputs) => firstNormalised(node, requireInput(node, inputs, 0).shape) !== 0,
  }),
  ...define([[23, lastOpset, floatDTypes]], {
    name: 'RMSNormalization',
    infer: sameFact,
    evaluate: evaluateRms,
    lower: (node, builder) => lowerLayer(node, builder, false),
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
