/** Slice: a box of the input, with steps. */
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
import { formatShape, normaliseAxis, requireStatic, type Shape, stridesOf, walk } from './shapes.js';

interface Range {
  readonly start: Extent;
  readonly step: number;
  readonly size: Extent;
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

/**
 * A symbolic dimension is kept whole, or loses one element, which any sequence has; a symbolic number of elements is
 * taken of an axis that has as many: a plan refuses sizes for which it has not. Anything else depends on the size.
 */
function rangeOf(node: Node, dim: Extent, start: Extent, end: Extent, step: number): Range {
  if (step === 0) throw nodeError('MODEL_INVALID', node, 'step: got 0, expected another number.');
  if (isStatic(dim) && isStatic(start) && isStatic(end)) return staticRange(dim, start, end, step);
  const isForward = step === 1 && isStatic(start) && start >= 0;
  if (isForward && !isStatic(end)) {
    // Sizes are 0 or more: a sum of them cannot count from the end.
    const isSize = end.every(([coefficient]) => coefficient > 0);
    if (isSize && start <= 1 && (isStatic(dim) || equals(end, dim))) return { start, step, size: add(end, -start) };
  }
  if (isForward && !isStatic(dim) && isStatic(end) && (end < 0 || end >= 2 ** 31 - 1)) {
    const cut = start - Math.min(end, 0);
    if (cut <= 1) return { start, step, size: add(dim, -cut) };
  }
  throw nodeError(
    'SHAPE_UNSUPPORTED',
    node,
    `slice of a symbolic axis: got ${formatShape([dim])}, expected a number. Fix it in the model, or with --sizes.`,
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
  if (keepsRows(builder.fact(node.inputs[0]).shape, ranges)) {
    const { operand, stride } = builder.rows(node.inputs[0]);
    const { start } = ranges[ranges.length - 1];
    builder.view(node.outputs[0], { operand: shifted(operand, start), stride });
    return true;
  }
  const { operand, fact } = builder.place(node.inputs[0]);
  if (fact.shape.length > maximumStepRank) return false;
  const { base, strides } = addressing(ranges, extentStrides(fact.shape));
  const dims = sizesOf(ranges);
  const y = builder.output(node.outputs[0]).operand;
  // An empty box starts nowhere: its base may lie beyond the operand.
  const source = dims.includes(0) ? operand : shifted(operand, base);
  emitCopy(builder, fact.dtype, source, y, dims, strides);
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
