/** Slice: a box of the input, with steps. */
import type { KerfError } from '../../runtime/errors.js';
import { add, type Extent, equals, isStatic, multiply } from '../../runtime/extent.js';
import type { Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator, PlanBuilder } from '../operator.js';
import { constantInput, integersOf, nodeError, requireInput, wholeNumbers } from './attributes.js';
import { define, lastOpset } from './define.js';
import { allDTypes, pick } from './elements.js';
import { emitCopy, shifted } from './lower-copy.js';
import { extentStrides, maximumStepRank } from './lowering.js';
import { factsOf } from './reshape.js';
import { formatShape, isSize, normaliseAxis, requireStatic, type Shape, stridesOf, walk } from './shapes.js';

interface Range {
  readonly start: Extent;
  readonly step: number;
  readonly size: Extent;
  /** What has to be 0 or more for the range to be ONNX's, and is not for all values of the symbols. */
  readonly bounds?: readonly Extent[];
}

/** ONNX's clamping of start and end to a dimension of known size. */
function staticRange(dim: number, start: number, end: number, step: number): Range {
  const clamp = (value: number, least: number, most: number) => Math.min(Math.max(value, least), most);
  const wrapped = [start, end].map((value) => (value < 0 ? value + dim : value));
  const [from, to] =
    step > 0
      ? [clamp(wrapped[0], 0, dim), clamp(wrapped[1], 0, dim)]
      : [clamp(wrapped[0], 0, dim - 1), clamp(wrapped[1], -1, dim - 1)];
  const size = Math.max(0, Math.ceil((to - from) / step));
  // A step may be as long as an int64 where it leads nowhere.
  return { start: from, step: size > 1 ? step : 1, size };
}

const minus = (a: Extent, b: Extent) => add(a, multiply(-1, b));

/**
 * A range of an axis some of whose sizes are symbolic. What counts from the end is a number below 0, or a sum of sizes
 * taken off. An axis loses at most one element, which any sequence has, unless it is known to be long enough; as many
 * elements as sizes say are taken of an axis that has them: a plan refuses sizes for which it has not. Anything else
 * depends on the sizes.
 */
function symbolicRange(dim: Extent, start: Extent, end: Extent): Range | undefined {
  const isBack = (extent: Extent) => !isSize(extent) && isSize(multiply(-1, extent));
  const from = isBack(start) ? add(dim, start) : start;
  const to = isBack(end) ? add(dim, end) : isStatic(end) && end >= 2 ** 31 - 1 ? dim : end;
  const size = minus(to, from);
  const isOne = (extent: Extent) => isStatic(extent) && extent <= 1;
  const isInside = isSize(from) || isBack(start);
  const isWithin = isSize(minus(dim, to)) || (isStatic(dim) && !isStatic(to));
  const isPositive = isSize(size) || isOne(minus(dim, size)) || (isOne(from) && isSize(to));
  if (!isInside || !isWithin || !isPositive) return undefined;
  // Nothing taken off does not count from the end.
  const taken = [start, end].filter((extent) => !isStatic(extent) && isBack(extent));
  const bounds = [from, minus(dim, to), ...taken.map((extent) => minus(multiply(-1, extent), 1))];
  return { start: from, step: 1, size, bounds: bounds.filter((bound) => !isSize(bound)) };
}

function rangeOf(node: Node, dim: Extent, start: Extent, end: Extent, step: number): Range {
  if (step === 0) throw nodeError('MODEL_INVALID', node, 'step: got 0, expected another number.');
  if (isStatic(dim) && isStatic(start) && isStatic(end)) return staticRange(dim, start, end, step);
  const range = step === 1 ? symbolicRange(dim, start, end) : undefined;
  if (range) return range;
  // What is taken from the front up to a size may well be the whole of an axis of another name.
  const isFront = step === 1 && start === 0 && !isStatic(end) && isSize(end);
  throw openRange(node, [dim], isFront ? { equal: [dim, end] } : {});
}

function openRange(node: Node, shape: Shape, details: Readonly<Record<string, unknown>> = {}): KerfError {
  return nodeError(
    'SHAPE_UNSUPPORTED',
    node,
    `slice of a symbolic axis: got ${formatShape(shape)}, expected numbers. Fix them in the model, or with --sizes.`,
    details,
  );
}

/** Starts, ends, axes, steps: attributes before opset 10, inputs from then on. */
function rangesOf(node: Node, inputs: readonly (Fact | undefined)[], opset: number): readonly Range[] {
  const { shape } = requireInput(node, inputs, 0);
  const list = (index: number, attribute: string): readonly Extent[] | undefined => {
    if (opset < 10) return integersOf(node, attribute);
    const extents = inputs[index]?.extents;
    if (extents) return extents;
    const tensor = constantInput(node, inputs, index);
    return tensor && wholeNumbers(node, tensor);
  };
  const numbers = (index: number, attribute: string) => {
    const given = list(index, attribute);
    return given && requireStatic(node, given, attribute);
  };
  const [starts, ends] = [list(1, 'starts'), list(2, 'ends')];
  if (!starts || !ends || starts.length !== ends.length) {
    throw nodeError('MODEL_INVALID', node, `starts and ends: got [${starts}] and [${ends}], expected equal lengths.`);
  }
  const axes = numbers(3, 'axes') ?? starts.map((_, index) => index);
  const steps = numbers(4, 'steps') ?? starts.map(() => 1);
  const ranges: Range[] = shape.map((size) => ({ start: 0, step: 1, size }));
  axes.forEach((given, index) => {
    const axis = normaliseAxis(node, given, shape.length);
    ranges[axis] = rangeOf(node, shape[axis], starts[index], ends[index], steps[index]);
  });
  return ranges;
}

/** Where a slice begins, and how far apart its elements are. */
function addressing(
  ranges: readonly Range[],
  strides: readonly Extent[],
): { base: Extent; strides: readonly Extent[] } {
  return {
    base: ranges.map(({ start }, axis) => multiply(start, strides[axis])).reduce(add, 0),
    strides: ranges.map(({ step }, axis) => multiply(step, strides[axis])),
  };
}

const sizesOf = (ranges: readonly Range[]): Shape => ranges.map((range) => range.size);

function evaluate(node: Node, inputs: readonly (Tensor | undefined)[], opset: number): readonly Tensor[] {
  const x = requireInput(node, inputs, 0);
  const ranges = rangesOf(node, factsOf(inputs), opset);
  const { base, strides } = addressing(ranges, stridesOf(x.dims));
  const dims = sizesOf(ranges) as readonly number[];
  return [pick(x, dims, walk(dims, strides as readonly number[], base as number))];
}

/** Whether a slice is a piece of every row: it then stays where it is. */
function keepsRows(shape: Shape, ranges: readonly Range[]): boolean {
  return ranges.every(({ start, step, size }, axis) => {
    const isLast = axis === ranges.length - 1;
    return step === 1 && (isLast ? size !== 0 : start === 0 && equals(size, shape[axis]));
  });
}

function lower(node: Node, builder: PlanBuilder, opset: number): boolean {
  const facts = node.inputs.map((value) => (value ? builder.fact(value) : undefined));
  const ranges = rangesOf(node, facts, opset);
  const bounds = ranges.flatMap((range) => range.bounds ?? []);
  if (bounds.length === 0 && keepsRows(builder.fact(node.inputs[0]).shape, ranges)) {
    const { operand, stride } = builder.rows(node.inputs[0]);
    const { start } = ranges[ranges.length - 1];
    builder.view(node.outputs[0], { operand: shifted(operand, start), stride });
    return true;
  }
  const { operand, fact } = builder.place(node.inputs[0]);
  if (fact.shape.length > maximumStepRank) {
    if (bounds.length > 0) throw openRange(node, fact.shape);
    return false;
  }
  const { base, strides } = addressing(ranges, extentStrides(fact.shape));
  const dims = sizesOf(ranges);
  const y = builder.output(node.outputs[0]).operand;
  // An empty box starts nowhere: its base may lie beyond the operand.
  const source = dims.includes(0) ? operand : shifted(operand, base);
  emitCopy(builder, fact.dtype, source, y, dims, strides);
  // Copies nothing, and has no size where a bound is below 0.
  for (const bound of bounds) emitCopy(builder, fact.dtype, operand, y, [0, bound], [0, 0], [0, 0]);
  return true;
}

export const sliceOperators: readonly Operator[] = define([[1, lastOpset, allDTypes]], {
  name: 'Slice',
  infer: (node, inputs, opset) => [
    { dtype: requireInput(node, inputs, 0).dtype, shape: sizesOf(rangesOf(node, inputs, opset)) },
  ],
  evaluate,
  lower,
  rowIndependent: (node, inputs, outputs) => {
    const [whole, part] = [requireInput(node, inputs, 0).shape[0], outputs[0].shape[0]];
    // A symbolic axis of as many elements is kept whole and forward.
    return !isStatic(whole) && equals(whole, part);
  },
});
