/** Operators whose result's shape follows from values: NonZero, Unique, NonMaxSuppression. They run where those are known. */
import { elementCount, type Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { constantInput, integerOf, nodeError, requireInput } from './attributes.js';
import { define, lastOpset, type Version } from './define.js';
import { allDTypes, fillBigints, isFloat, numericDTypes, pick, toBigints, toNumbers } from './elements.js';
import { normaliseAxis } from './shapes.js';

type Evaluate = (node: Node, inputs: readonly (Tensor | undefined)[]) => readonly Tensor[];

/** Facts by evaluation. @throws SHAPE_UNSUPPORTED naming the input whose value is not known */
function defineByValue(name: string, versions: readonly Version[], evaluate: Evaluate): readonly Operator[] {
  return define(versions, {
    name,
    infer: (node, inputs): readonly Fact[] => {
      requireInput(node, inputs, 0);
      const constants = inputs.map((_, index) => constantInput(node, inputs, index));
      return evaluate(node, constants).map((constant) => ({ dtype: constant.type, shape: constant.dims, constant }));
    },
    evaluate,
  });
}

/** Elements that compare exactly. */
const comparable = (x: Tensor): ArrayLike<number | bigint> => (isFloat(x.type) ? toNumbers(x) : toBigints(x));

/** Indices [rank, count] of what is not zero. */
function nonZero(_: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const x = inputs[0]!;
  // A scalar counts as a list of one.
  const dims = x.dims.length === 0 ? [1] : x.dims;
  const places = Array.from(comparable(x)).flatMap((value, i) => (Number(value) !== 0 ? [i] : []));
  const inner = dims.map((_size, axis) => elementCount(dims.slice(axis + 1)));
  return [
    fillBigints('int64', [dims.length, places.length], (i) => {
      const axis = Math.floor(i / places.length);
      return BigInt(Math.floor(places[i % places.length] / inner[axis]) % dims[axis]);
    }),
  ];
}

/** Lists of elements that are compared as wholes: single elements, or the slices along an axis. */
function slicesOf(node: Node, x: Tensor) {
  const given = integerOf(node, 'axis', undefined);
  if (given === undefined) return { axis: undefined, slices: Array.from({ length: x.size }, (_, i) => [i]) };
  const axis = normaliseAxis(node, given, x.dims.length);
  const inner = elementCount(x.dims.slice(axis + 1));
  const outer = elementCount(x.dims.slice(0, axis));
  const slices = Array.from({ length: x.dims[axis] }, (_, at) =>
    Array.from(
      { length: outer * inner },
      (_place, i) => (Math.floor(i / inner) * x.dims[axis] + at) * inner + (i % inner),
    ),
  );
  return { axis, slices };
}

/** The different slices, where each stands first, which of them each slice is, and how often each occurs. */
function unique(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const x = inputs[0]!;
  const values = comparable(x);
  const { axis, slices } = slicesOf(node, x);
  const groups = new Map<string, number[]>();
  slices.forEach((slice, at) => {
    const key = slice.map((place) => String(values[place])).join();
    const group = groups.get(key);
    if (group) group.push(at);
    else groups.set(key, [at]);
  });
  const order = [...groups.values()];
  if (integerOf(node, 'sorted', 1) !== 0) {
    order.sort(([a], [b]) => {
      const differs = slices[a].findIndex((place, i) => values[place] !== values[slices[b][i]]);
      return differs < 0 ? 0 : values[slices[a][differs]] < values[slices[b][differs]] ? -1 : 1;
    });
  }
  const inverse = new Array<number>(slices.length);
  order.forEach((group, rank) => {
    for (const at of group) inverse[at] = rank;
  });
  const list = (numbers: readonly number[]) => fillBigints('int64', [numbers.length], (i) => BigInt(numbers[i]));
  return [
    uniqueValues(x, axis, slices, order),
    list(order.map(([at]) => at)),
    list(inverse),
    list(order.map((group) => group.length)),
  ];
}

function uniqueValues(
  x: Tensor,
  axis: number | undefined,
  slices: readonly (readonly number[])[],
  order: readonly (readonly number[])[],
): Tensor {
  if (axis === undefined)
    return pick(
      x,
      [order.length],
      order.map(([at]) => slices[at][0]),
    );
  const dims = x.dims.map((size, other) => (other === axis ? order.length : size));
  const inner = elementCount(x.dims.slice(axis + 1));
  const source = Float64Array.from({ length: elementCount(dims) }, (_, i) => {
    const [at] = order[Math.floor(i / inner) % order.length];
    return slices[at][Math.floor(i / (inner * order.length)) * inner + (i % inner)];
  });
  return pick(x, dims, source);
}

interface Box {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/** A box of four numbers: two corners, or (`center_point_box` 1) centre and size. */
function boxOf(values: ArrayLike<number>, at: number, isCentred: boolean): Box {
  const [a, b, c, d] = [values[at], values[at + 1], values[at + 2], values[at + 3]];
  if (isCentred) return { left: a - c / 2, right: a + c / 2, top: b - d / 2, bottom: b + d / 2 };
  return { top: Math.min(a, c), left: Math.min(b, d), bottom: Math.max(a, c), right: Math.max(b, d) };
}

const area = ({ top, left, bottom, right }: Box) => Math.max(0, bottom - top) * Math.max(0, right - left);

/** Intersection over union. */
function overlap(a: Box, b: Box): number {
  const shared = area({
    top: Math.max(a.top, b.top),
    left: Math.max(a.left, b.left),
    bottom: Math.min(a.bottom, b.bottom),
    right: Math.min(a.right, b.right),
  });
  const union = area(a) + area(b) - shared;
  return union > 0 ? shared / union : 0;
}

/** For each batch and class, the best boxes that overlap no better one by more than a threshold: [batch, class, box]. */
function suppress(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const [boxes, scores] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1)];
  const scalar = (index: number, fallback: number) => (inputs[index]?.size ? toNumbers(inputs[index])[0] : fallback);
  const [most, limit, least] = [scalar(2, 0), scalar(3, 0), scalar(4, Number.NEGATIVE_INFINITY)];
  const isCentred = integerOf(node, 'center_point_box', 0) !== 0;
  const [batches, count] = boxes.dims;
  const classes = scores.dims[1];
  if (boxes.dims.length !== 3 || boxes.dims[2] !== 4 || `${scores.dims}` !== `${[batches, classes, count]}`) {
    const got = `[${boxes.dims}] and [${scores.dims}]`;
    throw nodeError('SHAPE_MISMATCH', node, `boxes and scores: got ${got}, expected [N, B, 4] and [N, C, B].`);
  }
  const [corners, marks] = [toNumbers(boxes), toNumbers(scores)];
  const chosen: number[] = [];
  for (let n = 0; n < batches; n++) {
    for (let c = 0; c < classes; c++) {
      const score = (b: number) => marks[(n * classes + c) * count + b];
      const order = Array.from({ length: count }, (_, b) => b).filter((b) => score(b) > least);
      order.sort((a, b) => score(b) - score(a) || a - b);
      const kept: Box[] = [];
      for (const b of order) {
        if (kept.length >= most) break;
        const box = boxOf(corners, (n * count + b) * 4, isCentred);
        if (kept.some((other) => overlap(box, other) > limit)) continue;
        kept.push(box);
        chosen.push(n, c, b);
      }
    }
  }
  return [fillBigints('int64', [chosen.length / 3, 3], (i) => BigInt(chosen[i]))];
}

export const valueShapeOperators: readonly Operator[] = [
  ...defineByValue('NonZero', [[9, lastOpset, allDTypes]], nonZero),
  ...defineByValue('Unique', [[11, lastOpset, numericDTypes]], unique),
  ...defineByValue('NonMaxSuppression', [[10, lastOpset, ['float32']]], suppress),
];
