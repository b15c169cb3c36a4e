/** Gathers and scatters along many axes: GatherElements, GatherND, ScatterElements, ScatterND; reference steps. */
import { isStatic } from '../../runtime/extent.js';
import { allocate, elementCount, Tensor, type TensorData } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { integerOf, nodeError, requireInput, textOf } from './attributes.js';
import { define, lastOpset } from './define.js';
import {
  allDTypes,
  fillBigints,
  fillNumbers,
  isFloat,
  larger,
  pick,
  smaller,
  toBigints,
  toNumbers,
} from './elements.js';
import { normaliseAxis, type Shape, stridesOf, walk } from './shapes.js';

/** An index counted from the front. @throws DATA_INVALID outside of -size..size-1 */
function checkedIndex(node: Node, index: number, size: number): number {
  if (index >= -size && index < size) return index < 0 ? index + size : index;
  throw nodeError('DATA_INVALID', node, `index: got ${index}, expected -${size}..${size - 1}. Check the indices.`);
}

function axisOf(node: Node, rank: number): number {
  return normaliseAxis(node, integerOf(node, 'axis', 0), rank);
}

/** For each element of `indices`: the element of x whose place is its own, but for the index along the axis. */
function elementsAlong(node: Node, x: Tensor, indices: Tensor): Float64Array {
  const axis = axisOf(node, x.dims.length);
  const strides = stridesOf(x.dims);
  const fits = indices.dims.length === x.dims.length;
  if (!fits || indices.dims.some((size, at) => at !== axis && size > x.dims[at])) {
    const got = `[${indices.dims}] for [${x.dims}]`;
    throw nodeError('SHAPE_MISMATCH', node, `indices: got ${got}, expected no more along other axes than ${axis}.`);
  }
  const places = walk(
    indices.dims,
    strides.map((stride, at) => (at === axis ? 0 : stride)),
  );
  const chosen = toNumbers(indices);
  return places.map((place, i) => place + checkedIndex(node, chosen[i], x.dims[axis]) * strides[axis]);
}

/** Where blocks of x begin that rows of indices [.., depth] name, after `batch` axes that both share. */
function blocksOf(node: Node, dims: readonly number[], indices: Tensor, batch: number) {
  const depth = indices.dims.at(-1) ?? 0;
  if (batch + depth > dims.length) {
    const got = `[${indices.dims}] for [${dims}]`;
    throw nodeError('SHAPE_MISMATCH', node, `indices: got ${got}, expected at most ${dims.length - batch} a row.`);
  }
  const strides = stridesOf(dims);
  const chosen = toNumbers(indices);
  const rows = elementCount(indices.dims.slice(0, -1));
  const perBatch = rows / Math.max(1, elementCount(indices.dims.slice(0, batch)));
  const batchSize = elementCount(dims.slice(batch));
  const starts = Array.from({ length: rows }, (_, row) => {
    let start = Math.floor(row / perBatch) * batchSize;
    for (let d = 0; d < depth; d++) {
      start += checkedIndex(node, chosen[row * depth + d], dims[batch + d]) * strides[batch + d];
    }
    return start;
  });
  return { starts, size: elementCount(dims.slice(batch + depth)) };
}

function gatherBlocks(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const [x, indices] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1)];
  const batch = integerOf(node, 'batch_dims', 0);
  const { starts, size } = blocksOf(node, x.dims, indices, batch);
  const dims = [...indices.dims.slice(0, -1), ...x.dims.slice(batch + (indices.dims.at(-1) ?? 0))];
  const source = Float64Array.from(
    { length: starts.length * size },
    (_, i) => starts[Math.floor(i / size)] + (i % size),
  );
  return [pick(x, dims, source)];
}

/** What an update and the element that is there become; NaN wins. */
const reductions: Readonly<
  Record<string, { real: (a: number, b: number) => number; integer: (a: bigint, b: bigint) => bigint }>
> = {
  add: { real: (a, b) => a + b, integer: (a, b) => a + b },
  mul: { real: (a, b) => a * b, integer: (a, b) => a * b },
  max: { real: Math.max, integer: larger },
  min: { real: Math.min, integer: smaller },
};

/** Puts update i at element places[i] of a copy of x, one after the other. */
function scatter(node: Node, x: Tensor, updates: Tensor, places: ArrayLike<number>, opset: number): Tensor {
  const reduction = textOf(node, 'reduction', 'none');
  if (reduction === 'none') {
    const data = allocate(x.type, x.size) as Float32Array;
    data.set(x.data as Float32Array);
    for (let i = 0; i < places.length; i++) data[places[i]] = (updates.data as Float32Array)[i];
    return new Tensor(x.type, data as TensorData, x.dims);
  }
  const isKnown = Object.hasOwn(reductions, reduction) && (opset >= 18 || reduction === 'add' || reduction === 'mul');
  const combine = isKnown ? reductions[reduction] : undefined;
  if (!combine) {
    throw nodeError(
      'MODEL_INVALID',
      node,
      `reduction: got "${reduction}", expected none, add or mul, or from opset 18 on max or min.`,
    );
  }
  if (isFloat(x.type)) {
    const [values, given] = [Float64Array.from(toNumbers(x)), toNumbers(updates)];
    for (let i = 0; i < places.length; i++) values[places[i]] = combine.real(values[places[i]], given[i]);
    return fillNumbers(x.type, x.dims, (i) => values[i]);
  }
  const [values, given] = [Array.from(toBigints(x)), toBigints(updates)];
  for (let i = 0; i < places.length; i++) values[places[i]] = combine.integer(values[places[i]], given[i]);
  return fillBigints(x.type, x.dims, (i) => values[i]);
}

function scatterElements(node: Node, inputs: readonly (Tensor | undefined)[], opset: number): readonly Tensor[] {
  const [x, indices, updates] = [0, 1, 2].map((index) => requireInput(node, inputs, index));
  if (`${indices.dims}` !== `${updates.dims}`) throw updatesMismatch(node, updates, indices.dims);
  return [scatter(node, x, updates, elementsAlong(node, x, indices), opset)];
}

function scatterBlocks(node: Node, inputs: readonly (Tensor | undefined)[], opset: number): readonly Tensor[] {
  const [x, indices, updates] = [0, 1, 2].map((index) => requireInput(node, inputs, index));
  const { starts, size } = blocksOf(node, x.dims, indices, 0);
  const expected = [...indices.dims.slice(0, -1), ...x.dims.slice(indices.dims.at(-1))];
  if (`${updates.dims}` !== `${expected}`) throw updatesMismatch(node, updates, expected);
  const places = Float64Array.from({ length: updates.size }, (_, i) => starts[Math.floor(i / size)] + (i % size));
  return [scatter(node, x, updates, places, opset)];
}

function updatesMismatch(node: Node, updates: Tensor, expected: readonly number[]) {
  return nodeError('SHAPE_MISMATCH', node, `updates: got [${updates.dims}], expected [${expected}].`);
}

type Inputs = readonly (Fact | undefined)[];

function blocksShape(node: Node, inputs: Inputs): Shape {
  const [x, indices] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1)];
  const depth = indices.shape.at(-1);
  if (depth === undefined || !isStatic(depth)) {
    throw nodeError(
      'SHAPE_UNSUPPORTED',
      node,
      'indices: got a symbolic last axis, expected a number. Fix it in the model, or with --sizes.',
    );
  }
  return [...indices.shape.slice(0, -1), ...x.shape.slice(integerOf(node, 'batch_dims', 0) + depth)];
}

function defineMove(
  name: string,
  first: number,
  shapeOf: (node: Node, inputs: Inputs) => Shape,
  evaluate: Operator['evaluate'],
): readonly Operator[] {
  return define([[first, lastOpset, allDTypes]], {
    name,
    infer: (node, inputs) => [{ dtype: requireInput(node, inputs, 0).dtype, shape: shapeOf(node, inputs) }],
    evaluate,
  });
}

const shapeOfInput = (index: number) => (node: Node, inputs: Inputs) => requireInput(node, inputs, index).shape;

export const gatherScatterOperators: readonly Operator[] = [
  ...defineMove('GatherElements', 11, shapeOfInput(1), (node, inputs) => {
    const [x, indices] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1)];
    return [pick(x, indices.dims, elementsAlong(node, x, indices))];
  }),
  ...defineMove('GatherND', 11, blocksShape, gatherBlocks),
  ...defineMove('ScatterElements', 11, shapeOfInput(0), scatterElements),
  ...defineMove('Scatter', 9, shapeOfInput(0), scatterElements),
  ...defineMove('ScatterND', 11, shapeOfInput(0), scatterBlocks),
];
