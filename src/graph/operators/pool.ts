/** MaxPool, AveragePool, LpPool and their global forms. */
import { type Extent, product } from '../../runtime/extent.js';
import { type DType, elementCount, type Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator, PlanBuilder } from '../operator.js';
import { integerOf, nodeError, requireInput } from './attributes.js';
import { always, define, lastOpset, type Version } from './define.js';
import { fillBigints, fillNumbers, floatDTypes, toNumbers } from './elements.js';
import { sizesAround } from './lower-copy.js';
import { emitPool } from './lower-windows.js';
import { emitBinary } from './lowering.js';
import { formatShape } from './shapes.js';
import { asThreeAxes, kernelSizes, placesOf, spatialSizes, visitWindow, type Windows, windowsOf } from './windows.js';

/** The windows of a pool. @throws as {@link windowsOf} */
export function poolWindowsOf(node: Node, x: Pick<Fact, 'shape'>): Windows {
  const image = spatialSizes(node, x.shape);
  return windowsOf(node, image, kernelSizes(node, undefined, image.length));
}

/** The window's elements inside the image, and where the first of the largest stands. */
interface Taps {
  readonly values: number[];
  readonly at: number[];
}

/** Calls `pool` for every window of every channel; image index counts all channels. */
function poolWindows(x: Tensor, given: Windows, pool: (taps: Taps, place: readonly number[], image: number) => void) {
  const windows = asThreeAxes(given);
  const size = elementCount(windows.input);
  const values = toNumbers(x);
  const places = [...placesOf(windows)];
  for (let image = 0; image < x.dims[0] * x.dims[1]; image++) {
    for (const place of places) {
      const taps: Taps = { values: [], at: [] };
      visitWindow(windows, place, (_, at) => {
        taps.values.push(values[image * size + at]);
        taps.at.push(at);
      });
      pool(taps, place, image);
    }
  }
}

const outputDims = (x: Tensor, { output }: Windows) => [x.dims[0], x.dims[1], ...output];

/** Where element `at` of an image stands when its last axis is the slowest (`storage_order` 1). */
function columnMajor(at: number, input: readonly number[]): number {
  let rest = at;
  return input.reduceRight((index, size, axis) => {
    const digit = rest % size;
    rest = Math.floor(rest / size);
    return index + digit * elementCount(input.slice(0, axis));
  }, 0);
}

/** The result of a window that lies in the padding. */
function leastOf(type: DType): number {
  if (type === 'int8') return -128;
  return type === 'uint8' ? 0 : Number.NEGATIVE_INFINITY;
}

function evaluateMax(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const x = requireInput(node, inputs, 0);
  const windows = poolWindowsOf(node, { shape: x.dims });
  const [image, isColumns] = [elementCount(windows.input), integerOf(node, 'storage_order', 0) === 1];
  const [largest, indices]: [number[], bigint[]] = [[], []];
  poolWindows(x, windows, ({ values, at }, _, which) => {
    const top = values.reduce((most, value, i) => (value > values[most] || Number.isNaN(value) ? i : most), 0);
    largest.push(values[top] ?? leastOf(x.type));
    const place = isColumns ? columnMajor(at[top] ?? 0, windows.input) : (at[top] ?? 0);
    indices.push(BigInt(which * image + place));
  });
  const dims = outputDims(x, windows);
  const isByte = x.type === 'int8' || x.type === 'uint8';
  const y = isByte
    ? fillBigints(x.type, dims, (i) => BigInt(largest[i]))
    : fillNumbers(x.type, dims, (i) => largest[i]);
  return [y, fillBigints('int64', dims, (i) => indices[i])];
}

/** How many elements each window averages over: those inside the image, or inside image and padding. */
export function poolCounts(node: Node, given: Windows): readonly number[] {
  const windows = asThreeAxes(given);
  const { input, kernel, strides, dilations, begins, ends } = windows;
  const isPadded = integerOf(node, 'count_include_pad', 0) !== 0;
  return [...placesOf(windows)].map((place) =>
    place.reduce((count, at, axis) => {
      const first = at * strides[axis] - begins[axis];
      const [least, most] = isPadded ? [-begins[axis], input[axis] + ends[axis]] : [0, input[axis]];
      const tapsBelow = (end: number) =>
        Math.min(Math.max(Math.ceil((end - first) / dilations[axis]), 0), kernel[axis]);
      return count * (tapsBelow(most) - tapsBelow(least));
    }, 1),
  );
}

function evaluateAverage(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const x = requireInput(node, inputs, 0);
  const windows = poolWindowsOf(node, { shape: x.dims });
  const counts = poolCounts(node, windows);
  const sums: number[] = [];
  poolWindows(x, windows, ({ values }) => sums.push(values.reduce((sum, value) => sum + value, 0)));
  return [fillNumbers(x.type, outputDims(x, windows), (i) => sums[i] / counts[i % counts.length])];
}

/** The p-norm of a list. */
const norm = (values: readonly number[], p: number) =>
  values.reduce((sum, value) => sum + Math.abs(value) ** p, 0) ** (1 / p);

function evaluateNorm(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const x = requireInput(node, inputs, 0);
  const windows = poolWindowsOf(node, { shape: x.dims });
  const norms: number[] = [];
  poolWindows(x, windows, ({ values }) => norms.push(norm(values, integerOf(node, 'p', 2))));
  return [fillNumbers(x.type, outputDims(x, windows), (i) => norms[i])];
}

/** Sums of the windows, divided by how many elements each has. */
function lowerAverage(node: Node, builder: PlanBuilder): boolean {
  const x = builder.place(node.inputs[0]);
  if (x.fact.dtype !== 'float32') return false;
  const windows = poolWindowsOf(node, x.fact);
  const counts = Float32Array.from(poolCounts(node, windows));
  const y = builder.output(node.outputs[0]);
  emitPool(builder, 'sum', x.operand, y.operand, x.fact.shape[0], x.fact.shape[1] as number, windows);
  const shape = counts.every((count) => count === counts[0]) ? [1] : windows.output;
  const name = `counts of ${node.name}`;
  const data = counts.subarray(0, elementCount(shape));
  const divisors = builder.weight({ name, dtype: 'float32', shape, layout: 'plain', data });
  const whole = { operand: y.operand, shape: y.fact.shape };
  emitBinary(builder, 'div', whole, { operand: divisors, shape }, y.operand, y.fact.shape);
  return true;
}

function lowerMax(node: Node, builder: PlanBuilder): boolean {
  const x = builder.place(node.inputs[0]);
  if (x.fact.dtype !== 'float32' || node.outputs[1]) return false;
  const y = builder.output(node.outputs[0]).operand;
  const windows = poolWindowsOf(node, x.fact);
  emitPool(builder, 'max', x.operand, y, x.fact.shape[0], x.fact.shape[1] as number, windows);
  return true;
}

type Evaluate = Operator['evaluate'];
type Lower = NonNullable<Operator['lower']>;

function pooling(name: string, versions: readonly Version[], evaluate: Evaluate, lower?: Lower): readonly Operator[] {
  return define(versions, {
    name,
    infer: (node, inputs) => {
      const x = requireInput(node, inputs, 0);
      if (typeof x.shape[1] !== 'number') {
        throw nodeError('SHAPE_UNSUPPORTED', node, `channels: got ${formatShape(x.shape)}, expected a number.`);
      }
      const shape: readonly Extent[] = [x.shape[0], x.shape[1], ...poolWindowsOf(node, x).output];
      return [{ dtype: x.dtype, shape }, ...(name === 'MaxPool' ? [{ dtype: 'int64' as const, shape }] : [])];
    },
    evaluate,
    ...(lower ? { lower } : {}),
    // Indices count from the first image on.
    rowIndependent: (node) => !node.outputs[1],
  });
}

/** One value a channel: `reduce` over all axes of the image. */
function globalPooling(
  name: string,
  word: string | null,
  reduce: (values: readonly number[], node: Node) => number,
): readonly Operator[] {
  return define([[1, lastOpset, floatDTypes]], {
    name,
    infer: (node, inputs) => {
      const { dtype, shape } = requireInput(node, inputs, 0);
      if (shape.length < 2) {
        throw nodeError('SHAPE_MISMATCH', node, `x: got ${formatShape(shape)}, expected [N, C, ..].`);
      }
      return [{ dtype, shape: shape.map((size, axis) => (axis < 2 ? size : 1)) }];
    },
    evaluate: (node, inputs) => {
      const x = requireInput(node, inputs, 0);
      const [values, size] = [toNumbers(x), elementCount(x.dims.slice(2))];
      const dims = x.dims.map((dim, axis) => (axis < 2 ? dim : 1));
      return [
        fillNumbers(x.type, dims, (i) =>
          reduce(
            Array.from({ length: size }, (_, at) => values[i * size + at]),
            node,
          ),
        ),
      ];
    },
    ...(word === null ? {} : { lower: (node: Node, builder: PlanBuilder) => lowerGlobal(node, builder, word) }),
    rowIndependent: always,
  });
}

function lowerGlobal(node: Node, builder: PlanBuilder, word: string): boolean {
  const x = builder.place(node.inputs[0]);
  if (x.fact.dtype !== 'float32') return false;
  const { outer, axis } = sizesAround([product(x.fact.shape.slice(0, 2)), product(x.fact.shape.slice(2))], 1);
  builder.step('reduce', [x.operand], [builder.output(node.outputs[0]).operand], { f: word, outer, axis });
  return true;
}

const floats: readonly Version[] = [[1, lastOpset, floatDTypes]];
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

export const poolOperators: readonly Operator[] = [
  ...pooling(
    'MaxPool',
    [
      [1, 11, floatDTypes],
      [12, lastOpset, [...floatDTypes, 'int8', 'uint8']],
    ],
    evaluateMax,
    lowerMax,
  ),
  ...pooling('AveragePool', floats, evaluateAverage, lowerAverage),
  ...pooling('LpPool', [[2, lastOpset, floatDTypes]], evaluateNorm),
  ...globalPooling('GlobalAveragePool', 'mean', mean),
  ...globalPooling('GlobalMaxPool', 'max', (values) => values.reduce((most, value) => Math.max(most, value))),
  ...globalPooling('GlobalLpPool', null, (values, node) => norm(values, integerOf(node, 'p', 2))),
];
