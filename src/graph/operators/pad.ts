/** Pad: a larger (or, with negative numbers, smaller) box around x, filled with a constant or from x itself. */
import { add, type Extent, isStatic, multiply, product } from '../../runtime/extent.js';
import { elementBytes, type Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator, PlanBuilder } from '../operator.js';
import { constantInput, integersOf, nodeError, realOf, requireInput, textOf, wholeNumbers } from './attributes.js';
import { define, lastOpset } from './define.js';
import { allDTypes, fillBigints, fillNumbers, isFloat, pick, toBigints, toNumbers } from './elements.js';
import { emitCopy, shifted, sizesAround } from './lower-copy.js';
import { extentStrides, maximumStepRank } from './lowering.js';
import { factsOf } from './reshape.js';
import { normaliseAxis, type Shape, stridesOf } from './shapes.js';

interface Padding {
  /** Elements before and behind each axis. */
  readonly begins: readonly number[];
  readonly ends: readonly number[];
}

/** An attribute before opset 11 (`paddings` before 2), an input from then on; from 18 on for some axes alone. */
function paddingOf(node: Node, inputs: readonly (Fact | undefined)[], opset: number): Padding {
  const rank = requireInput(node, inputs, 0).shape.length;
  const constant = opset < 11 ? undefined : constantInput(node, inputs, 1);
  const given = constant ? wholeNumbers(node, constant) : integersOf(node, opset < 2 ? 'paddings' : 'pads');
  const list = inputs[3] && constantInput(node, inputs, 3);
  const own = list && wholeNumbers(node, list).map((axis) => normaliseAxis(node, axis, rank));
  const axes = own ?? Array.from({ length: rank }, (_, axis) => axis);
  const count = axes.length;
  if (given?.length !== 2 * count) {
    throw nodeError('MODEL_INVALID', node, `pads: got [${given}], expected ${2 * count} whole numbers.`);
  }
  const [begins, ends] = [new Array<number>(rank).fill(0), new Array<number>(rank).fill(0)];
  axes.forEach((axis, i) => {
    [begins[axis], ends[axis]] = [given[i], given[count + i]];
  });
  return { begins, ends };
}

function shapeOf(node: Node, shape: Shape, { begins, ends }: Padding): Shape {
  return shape.map((dim, axis) => {
    const size = add(dim, begins[axis] + ends[axis]);
    if (!isStatic(size) || size >= 0) return size;
    throw nodeError('SHAPE_MISMATCH', node, `axis ${axis}: got ${size} elements after padding, expected 0 or more.`);
  });
}

const unknownMode = (node: Node, mode: string) =>
  nodeError(
    'MODEL_INVALID',
    node,
    `mode: got "${mode}", expected constant, edge or reflect, or wrap from opset 19 on.`,
  );

/** Which element of an axis stands at `at`, counted from the axis's begin; -1 for the constant. */
function sourceOf(node: Node, mode: string, at: number, size: number): number {
  if (at >= 0 && at < size) return at;
  if (mode === 'constant') return -1;
  if (size === 0) throw nodeError('SHAPE_MISMATCH', node, `mode ${mode}: got an empty axis, expected elements.`);
  if (mode === 'edge') return at < 0 ? 0 : size - 1;
  if (mode === 'wrap') return ((at % size) + size) % size;
  if (mode !== 'reflect') throw unknownMode(node, mode);
  const period = Math.max(1, 2 * (size - 1));
  const inside = ((at % period) + period) % period;
  return inside < size ? inside : period - inside;
}

/** What {@link sourceOf} gives for the places of one axis. */
function sourcesOf(node: Node, mode: string, { begins, ends }: Padding, axis: number, size: number): readonly number[] {
  const length = size + begins[axis] + ends[axis];
  return Array.from({ length }, (_, i) => sourceOf(node, mode, i - begins[axis], size));
}

function modeOf(node: Node, opset: number): string {
  const mode = textOf(node, 'mode', 'constant');
  if (mode === 'wrap' && opset < 19) throw unknownMode(node, mode);
  return mode;
}

function evaluate(node: Node, inputs: readonly (Tensor | undefined)[], opset: number): readonly Tensor[] {
  const x = requireInput(node, inputs, 0);
  const padding = paddingOf(node, factsOf(inputs), opset);
  const dims = shapeOf(node, x.dims, padding) as readonly number[];
  const mode = modeOf(node, opset);
  const strides = stridesOf(x.dims);
  let places = [0];
  x.dims.forEach((size, axis) => {
    const sources = sourcesOf(node, mode, padding, axis, size);
    places = places.flatMap((place) =>
      sources.map((source) => (place < 0 || source < 0 ? -1 : place + source * strides[axis])),
    );
  });
  if (!places.includes(-1)) return [pick(x, dims, places)];
  const constant = opset < 11 ? undefined : inputs[2];
  if (isFloat(x.type)) {
    const values = toNumbers(x);
    const fill = constant ? toNumbers(constant)[0] : realOf(node, 'value', 0);
    return [fillNumbers(x.type, dims, (i) => (places[i] < 0 ? fill : values[places[i]]))];
  }
  const values = toBigints(x);
  const fill = constant ? toBigints(constant)[0] : 0n;
  return [fillBigints(x.type, dims, (i) => (places[i] < 0 ? fill : values[places[i]]))];
}

/** One axis after another, a gather each. */
function lowerGathers(node: Node, builder: PlanBuilder, mode: string, padding: Padding): boolean {
  const { dtype, shape } = builder.fact(node.inputs[0]);
  const { begins, ends } = padding;
  const padded = shape.flatMap((_, axis) => (begins[axis] === 0 && ends[axis] === 0 ? [] : [axis]));
  if (padded.length === 0 || !padded.every((axis) => isStatic(shape[axis]))) return false;
  let source = { operand: builder.place(node.inputs[0]).operand, shape };
  for (const axis of padded) {
    const sources = sourcesOf(node, mode, padding, axis, shape[axis] as number);
    const [count, data] = [sources.length, Int32Array.from(sources)];
    const name = `sources of axis ${axis} of ${node.name}`;
    const indices = builder.weight({ name, dtype: 'int32', shape: [count], layout: 'plain', data });
    const next = source.shape.map((dim, other) => (other === axis ? count : dim));
    const isLast = axis === padded.at(-1);
    const operand = isLast ? builder.output(node.outputs[0]).operand : builder.scratch(dtype, product(next));
    const sizes = { elementBytes: elementBytes(dtype), ...sizesAround(source.shape, axis), count };
    builder.step('gather', [source.operand, indices], [operand], sizes);
    source = { operand, shape: next };
  }
  return true;
}

/** A fill and a copy into its middle, for a constant known now; gathers of what stands in x. */
function lower(node: Node, builder: PlanBuilder, opset: number): boolean {
  const { dtype, shape } = builder.fact(node.inputs[0]);
  const facts = node.inputs.map((value) => (value ? builder.fact(value) : undefined));
  const padding = paddingOf(node, facts, opset);
  const { begins, ends } = padding;
  const mode = modeOf(node, opset);
  if (mode !== 'constant') return lowerGathers(node, builder, mode, padding);
  const given = opset < 11 ? undefined : facts[2];
  const isPlain = [...begins, ...ends].every((size) => size >= 0);
  if (dtype !== 'float32' || !isPlain || shape.length > maximumStepRank || (given && !given.constant)) return false;
  const x = builder.place(node.inputs[0]).operand;
  const y = builder.output(node.outputs[0]);
  const value = given?.constant ? toNumbers(given.constant)[0] : realOf(node, 'value', 0);
  const strides = extentStrides(y.fact.shape);
  const count = y.fact.shape.reduce(multiply, 1);
  builder.step('fill', [], [y.operand], { count, value: { real: value } });
  const start = begins.reduce<Extent>((sum, size, axis) => add(sum, multiply(size, strides[axis])), 0);
  emitCopy(builder, dtype, x, shifted(y.operand, start), shape, extentStrides(shape), strides);
  return true;
}

export const padOperators: readonly Operator[] = define([[1, lastOpset, allDTypes]], {
  name: 'Pad',
  infer: (node, inputs, opset) => {
    const { dtype, shape } = requireInput(node, inputs, 0);
    return [{ dtype, shape: shapeOf(node, shape, paddingOf(node, inputs, opset)) }];
  },
  evaluate,
  lower,
  rowIndependent: (node, inputs) => {
    const { begins, ends } = paddingOf(node, inputs, inputs.length > 1 ? 11 : node.attributes.has('pads') ? 2 : 1);
    return begins[0] === 0 && ends[0] === 0;
  },
});
