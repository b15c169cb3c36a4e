/** Operators over any number of inputs that broadcast together: Max, Min, Sum, Mean. */
import { isStatic } from '../../runtime/extent.js';
import type { Tensor } from '../../runtime/tensor.js';
import type { Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { requireInput } from './attributes.js';
import { always, define, lastOpset, requireSameDType, type Version } from './define.js';
import {
  fillBigints,
  fillNumbers,
  floatDTypes,
  isFloat,
  larger,
  numericDTypes,
  smaller,
  toBigints,
  toNumbers,
} from './elements.js';
import { lowerVariadic } from './lowering.js';
import { broadcastIndex, broadcastShapes } from './shapes.js';

interface Variadic {
  readonly name: string;
  readonly versions: readonly Version[];
  readonly real: (a: number, b: number) => number;
  readonly integer: (a: bigint, b: bigint) => bigint;
  /** Applied to the folded value. */
  readonly finish: (value: number, count: number) => number;
  readonly word: string;
  readonly isMean?: boolean;
}

function present<T>(node: Node, inputs: readonly (T | undefined)[]): readonly T[] {
  return inputs.map((_, index) => requireInput(node, inputs, index));
}

function evaluateVariadic(variadic: Variadic, node: Node, inputs: readonly Tensor[]): Tensor {
  const dims = broadcastShapes(
    node,
    inputs.map((input) => input.dims),
  ).filter(isStatic);
  const at = inputs.map((input) => broadcastIndex(input.dims, dims));
  if (!isFloat(inputs[0].type)) {
    const values = inputs.map(toBigints);
    return fillBigints(inputs[0].type, dims, (i) => values.map((list, n) => list[at[n][i]]).reduce(variadic.integer));
  }
  const values = inputs.map(toNumbers);
  return fillNumbers(inputs[0].type, dims, (i) =>
    variadic.finish(values.map((list, n) => list[at[n][i]]).reduce(variadic.real), inputs.length),
  );
}

function defineVariadic(variadic: Variadic): readonly Operator[] {
  return define(variadic.versions, {
    name: variadic.name,
    infer: (node, inputs) => {
      const dtype = requireSameDType(node, inputs);
      const shapes = present(node, inputs).map((fact) => fact.shape);
      return [{ dtype, shape: broadcastShapes(node, shapes) }];
    },
    evaluate: (node, inputs) => [evaluateVariadic(variadic, node, present(node, inputs))],
    lower: (node, builder) => lowerVariadic(node, builder, variadic.word, variadic.isMean ?? false),
    rowIndependent: always,
  });
}

const same = (value: number) => value;
const extremes: readonly Version[] = [
  [1, 11, floatDTypes],
  [12, lastOpset, numericDTypes],
];
const sums: readonly Version[] = [[1, lastOpset, floatDTypes]];
const sum = { real: (a: number, b: number) => a + b, integer: (a: bigint, b: bigint) => a + b, word: 'add' };

export const variadicOperators: readonly Operator[] = [
  ...defineVariadic({
    name: 'Max',
    versions: extremes,
    real: (a, b) => Math.max(a, b),
    integer: larger,
    finish: same,
    word: 'max',
  }),
  ...defineVariadic({
    name: 'Min',
    versions: extremes,
    real: (a, b) => Math.min(a, b),
    integer: smaller,
    finish: same,
    word: 'min',
  }),
  ...defineVariadic({ name: 'Sum', versions: sums, ...sum, finish: same }),
  ...defineVariadic({
    name: 'Mean',
    versions: sums,
    ...sum,
    finish: (value, count) => value / count,
    isMean: true,
  }),
];
