/** Reductions over axes: ReduceSum, ReduceMean and their family. */
import { type Extent, product } from '../../runtime/extent.js';
import type { DType, Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator, PlanBuilder } from '../operator.js';
import { constantInput, integerOf, integersOf, requireInput, wholeNumbers } from './attributes.js';
import { define, lastOpset, type Version } from './define.js';
import {
  fillBigints,
  fillNumbers,
  floatDTypes,
  isFloat,
  larger,
  smaller,
  toBigints,
  toNumbers,
  wideIntegerDTypes,
} from './elements.js';
import { emitTranspose, sizesAround } from './lower-copy.js';
import { maximumStepRank } from './lowering.js';
import { normaliseAxes, type Shape, stridesOf, walk } from './shapes.js';

interface Reduction {
  readonly name: string;
  readonly versions: readonly Version[];
  /** The value over all elements of one group. */
  readonly real: (group: readonly number[]) => number;
  readonly integer: (group: readonly bigint[], dtype: DType) => bigint;
  /** Word of the reduce step. */
  readonly word: string;
  /** Word of the unary step that follows it. */
  readonly after?: string;
}

/** The reduced axes, ascending: an input from opset 13 on for ReduceSum, an attribute otherwise; all by default. */
function axesOf(node: Node, axesInput: Tensor | undefined, rank: number): readonly number[] {
  const given = axesInput ? wholeNumbers(node, axesInput) : integersOf(node, 'axes');
  if (given && given.length > 0) return normaliseAxes(node, given, rank);
  const all = Array.from({ length: rank }, (_, axis) => axis);
  return integerOf(node, 'noop_with_empty_axes', 0) !== 0 ? [] : all;
}

function reducedShape<T>(node: Node, shape: readonly T[], axes: readonly number[]): (T | 1)[] {
  const keep = integerOf(node, 'keepdims', 1) !== 0;
  return shape.flatMap((dim, axis): (T | 1)[] => (axes.includes(axis) ? (keep ? [1] : []) : [dim]));
}

function evaluate(reduction: Reduction, node: Node, x: Tensor, axesInput: Tensor | undefined): Tensor {
  const axes = axesOf(node, axesInput, x.dims.length);
  const kept = x.dims.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const strides = stridesOf(x.dims);
  const pickDims = (chosen: readonly number[], list: readonly number[]) => chosen.map((axis) => list[axis]);
  const starts = walk(pickDims(kept, x.dims), pickDims(kept, strides));
  const inside = Array.from(walk(pickDims(axes, x.dims), pickDims(axes, strides)));
  const dims = reducedShape(node, x.dims, axes);
  if (isFloat(x.type)) {
    const values = toNumbers(x);
    return fillNumbers(x.type, dims, (i) => reduction.real(inside.map((offset) => values[starts[i] + offset])));
  }
  const values = toBigints(x);
  const groupOf = (i: number) => inside.map((offset) => values[starts[i] + offset]);
  return fillBigints(x.type, dims, (i) => reduction.integer(groupOf(i), x.type));
}

/** The reduced axes moved to the back, in a scratch copy, unless they are neighbours already. */
function neighbours(
  builder: PlanBuilder,
  value: string,
  shape: Shape,
  axes: readonly number[],
): { operand: ReturnType<PlanBuilder['scratch']>; sizes: Record<'outer' | 'axis' | 'inner', Extent> } {
  const { operand } = builder.place(value);
  const first = axes[0] ?? shape.length;
  const areNeighbours = axes.every((axis, index) => axis === first + index);
  if (areNeighbours) return { operand, sizes: sizesAround(shape, first, first + axes.length) };
  const kept = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const perm = [...kept, ...axes];
  const moved = builder.scratch('float32', product(shape));
  emitTranspose(builder, 'float32', operand, moved, shape, perm);
  const sizes = sizesAround(
    perm.map((axis) => shape[axis]),
    kept.length,
    perm.length,
  );
  return { operand: moved, sizes };
}

function lower(reduction: Reduction, node: Node, builder: PlanBuilder): boolean {
  const { dtype, shape } = builder.fact(node.inputs[0]);
  if (dtype !== 'float32' || shape.length > maximumStepRank) return false;
  const axesInput = node.inputs[1] ? builder.fact(node.inputs[1]).constant : undefined;
  const axes = axesOf(node, axesInput, shape.length);
  const { operand, sizes } = neighbours(builder, node.inputs[0], shape, axes);
  const y = builder.output(node.outputs[0]);
  builder.step('reduce', [operand], [y.operand], { f: reduction.word, ...sizes });
  if (reduction.after) {
    builder.step('unary', [y.operand], [y.operand], { f: reduction.after, count: product(y.fact.shape) });
  }
  return true;
}

function keepsRows(node: Node, inputs: readonly (Fact | undefined)[]): boolean {
  const rank = requireInput(node, inputs, 0).shape.length;
  return !axesOf(node, inputs[1]?.constant, rank).includes(0);
}

function defineReduction(reduction: Reduction): readonly Operator[] {
  return define(reduction.versions, {
    name: reduction.name,
    infer: (node, inputs) => {
      const { dtype, shape } = requireInput(node, inputs, 0);
      return [{ dtype, shape: reducedShape(node, shape, axesOf(node, constantInput(node, inputs, 1), shape.length)) }];
    },
    evaluate: (node, inputs) => [evaluate(reduction, node, requireInput(node, inputs, 0), inputs[1])],
    lower: (node, builder) => lower(reduction, node, builder),
    rowIndependent: keepsRows,
  });
}

const numbers: readonly Version[] = [[1, lastOpset, [...floatDTypes, ...wideIntegerDTypes]]];
const extremes: readonly Version[] = [
  [1, 11, [...floatDTypes, ...wideIntegerDTypes]],
  [12, lastOpset, [...floatDTypes, ...wideIntegerDTypes, 'int8', 'uint8']],
];
const floats: readonly Version[] = [[1, lastOpset, floatDTypes]];

const sum = (group: readonly number[]) => group.reduce((total, value) => total + value, 0);
const sumBig = (group: readonly bigint[]) => group.reduce((total, value) => total + value, 0n);
const magnitude = (value: bigint) => (value < 0n ? -value : value);
const refuseInteger = () => 0n;

/** The least and the most that an integer dtype holds: what is left of an empty axis. */
function rangeOf(dtype: DType): readonly [least: bigint, most: bigint] {
  const bits = BigInt(dtype.replace(/\D/g, ''));
  return dtype.startsWith('u') ? [0n, (1n << bits) - 1n] : [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n];
}

function logSumExp(group: readonly number[]): number {
  const peak = group.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  return Number.isFinite(peak) ? peak + Math.log(sum(group.map((value) => Math.exp(value - peak)))) : peak;
}

export const reduceOperators: readonly Operator[] = [
  { name: 'ReduceSum', versions: numbers, real: sum, integer: sumBig, word: 'sum' },
  {
    name: 'ReduceMean',
    versions: numbers,
    real: (group: readonly number[]) => sum(group) / group.length,
    integer: (group: readonly bigint[]) => (group.length ? sumBig(group) / BigInt(group.length) : 0n),
    word: 'mean',
  },
  {
    name: 'ReduceMax',
    versions: extremes,
    real: (group: readonly number[]) => group.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY),
    integer: (group: readonly bigint[], dtype: DType) =>
      group.reduce((most, value) => larger(most, value), rangeOf(dtype)[0]),
    word: 'max',
  },
  {
    name: 'ReduceMin',
    versions: extremes,
    real: (group: readonly number[]) =>
      group.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY),
    integer: (group: readonly bigint[], dtype: DType) =>
      group.reduce((least, value) => smaller(least, value), rangeOf(dtype)[1]),
    word: 'min',
  },
  {
    name: 'ReduceProd',
    versions: numbers,
    real: (group: readonly number[]) => group.reduce((total, value) => total * value, 1),
    integer: (group: readonly bigint[]) => group.reduce((total, value) => BigInt.asIntN(64, total * value), 1n),
    word: 'prod',
  },
  {
    name: 'ReduceSumSquare',
    versions: numbers,
    real: (group: readonly number[]) => sum(group.map((value) => value * value)),
    integer: (group: readonly bigint[]) => sumBig(group.map((value) => value * value)),
    word: 'sumsq',
  },
  {
    name: 'ReduceL1',
    versions: numbers,
    real: (group: readonly number[]) => sum(group.map(Math.abs)),
    integer: (group: readonly bigint[]) => sumBig(group.map(magnitude)),
    word: 'l1',
  },
  {
    name: 'ReduceL2',
    versions: floats,
    real: (group: readonly number[]) => Math.sqrt(sum(group.map((value) => value * value))),
    integer: refuseInteger,
    word: 'l2',
  },
  {
    name: 'ReduceLogSum',
    versions: floats,
    real: (group: readonly number[]) => Math.log(sum(group)),
    integer: refuseInteger,
    word: 'sum',
    after: 'log',
  },
  { name: 'ReduceLogSumExp', versions: floats, real: logSumExp, integer: refuseInteger, word: 'log-sum-exp' },
].flatMap(defineReduction);
