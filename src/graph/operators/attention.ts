/**
 * kerf.Attention: y = softmax(scale q k + mask) v, what the plan makes of the nodes that compute it. Axis a of an operand
 * is axis perm[a] of the value that is read, and permY is the order of the result's axes: transposes are not made.
 */
import { add, type Extent, multiply, product } from '../../runtime/extent.js';
import { scoreRows } from '../../runtime/step-kinds/attention.js';
import { Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator, PlanBuilder } from '../operator.js';
import { integersOf, realOf, requireInput } from './attributes.js';
import { define, lastOpset } from './define.js';
import { toNumbers } from './elements.js';
import { broadcastExtentStrides, extentStrides } from './lowering.js';
import { type Shape, walk } from './shapes.js';

/** An operand's sizes and strides, its axes in the order [batch, head, row, column]. */
interface View {
  readonly dims: Shape;
  readonly strides: readonly Extent[];
}

/** Leading axes of size 1, up to four in all. */
function padded({ dims, strides }: View): View {
  const missing = 4 - dims.length;
  const lead = new Array<Extent>(missing);
  return { dims: [...lead.fill(1), ...dims], strides: [...new Array<Extent>(missing).fill(0), ...strides] };
}

function permuted(shape: Shape, perm: readonly number[]): View {
  const strides = extentStrides(shape);
  return { dims: perm.map((axis) => shape[axis]), strides: perm.map((axis) => strides[axis]) };
}

const permOf = (node: Node, name: string) => integersOf(node, name) ?? [];

/** Views of q [.., M, D], k [.., D, T] and v [.., T, E]. */
function viewsOf(node: Node, inputs: readonly (Pick<Fact, 'shape'> | undefined)[]): readonly View[] {
  return ['permQ', 'permK', 'permV'].map((name, i) =>
    permuted(requireInput(node, inputs, i).shape, permOf(node, name)),
  );
}

/** The result before its axes are put in order, and its view of the buffer that holds them in order. */
function resultOf(node: Node, [q, , v]: readonly View[]): { shape: Shape; view: View } {
  const dims = [...q.dims.slice(0, -1), v.dims.at(-1)!];
  const perm = permOf(node, 'permY');
  const shape = perm.map((axis) => dims[axis]);
  const strides = extentStrides(shape);
  return { shape, view: { dims, strides: dims.map((_, axis) => strides[perm.indexOf(axis)]) } };
}

function lower(node: Node, builder: PlanBuilder): boolean {
  const facts = node.inputs.map((value) => builder.fact(value));
  const views = viewsOf(node, facts);
  const [q, k, v, y] = [...views, resultOf(node, views).view].map(padded);
  const [B, H, M, D] = q.dims;
  const [T, E] = [k.dims[3], v.dims[3]];
  const mask = facts[3] && broadcastExtentStrides(facts[3].shape, 4);
  const width = (size: Extent) => (typeof size === 'number' ? Math.ceil(size / 8) * 8 : add(size, 15));
  const panels = (N: Extent, K: Extent) => multiply(width(N), add(K, 1));
  const vectors = typeof T === 'number' ? 4 * Math.ceil(T / 4) : add(T, 3);
  const scratch = builder.scratch(
    'float32',
    [panels(T, D), panels(E, T), multiply(scoreRows, add(vectors, 1))].reduce(add),
  );
  builder.step(
    'attention',
    node.inputs.map((value) => builder.place(value).operand),
    [builder.output(node.outputs[0]).operand, scratch],
    {
      dims: [B, H, M, T, D, E],
      stridesQ: q.strides.slice(0, 3),
      stridesK: [k.strides[0], k.strides[1], k.strides[3], k.strides[2]],
      stridesV: v.strides,
      ...(mask ? { stridesMask: mask.slice(0, 3) } : {}),
      stridesY: y.strides.slice(0, 3),
      scale: { real: realOf(node, 'scale', 1) },
    },
  );
  return true;
}

/** Places of a view's elements, row-major. */
const placesOf = ({ dims, strides }: View) => walk(dims as number[], strides as number[]);

function evaluate(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const facts = inputs.map((tensor) => tensor && { shape: tensor.dims });
  const views = viewsOf(node, facts);
  const [[q, k, v], mask] = [views.map((view, i) => ({ at: placesOf(view), data: toNumbers(inputs[i]!) })), inputs[3]];
  const { shape, view } = resultOf(node, views);
  const [M, D] = views[0].dims.slice(-2) as number[];
  const [T, E] = [views[1].dims.at(-1) as number, views[2].dims.at(-1) as number];
  const scale = realOf(node, 'scale', 1);
  const lead = views[0].dims.slice(0, -2) as number[];
  const rowDims = [...lead, M, T];
  const maskData = mask && toNumbers(mask);
  const maskAt = mask && walk(rowDims, broadcastExtentStrides(mask.dims, rowDims.length) as number[]);
  const data = new Float32Array(product(shape) as number);
  const target = placesOf(view);
  for (let row = 0; row < target.length / Math.max(1, E); row++) {
    const head = Math.floor(row / M);
    const scores = Array.from({ length: T }, (_, t) => {
      let sum = 0;
      for (let d = 0; d < D; d++) sum += q.data[q.at[row * D + d]] * k.data[k.at[(head * D + d) * T + t]];
      return scale * sum + (maskData ? maskData[maskAt![row * T + t]] : 0);
    });
    const top = scores.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
    const powers = scores.map((score) => Math.exp(score - top));
    const total = powers.reduce((sum, power) => sum + power, 0);
    for (let e = 0; e < E; e++) {
      const sum = powers.reduce((whole, power, t) => whole + power * v.data[v.at[(head * T + t) * E + e]], 0);
      data[target[row * E + e]] = sum / total;
    }
  }
  return [new Tensor('float32', data, shape as number[])];
}

export const attentionOperators: readonly Operator[] = define([[1, lastOpset, ['float32']]], {
  name: 'Attention',
  domain: 'kerf',
  infer: (node, inputs) => [{ dtype: 'float32', shape: resultOf(node, viewsOf(node, inputs)).shape }],
  evaluate,
  lower,
  rowIndependent: (node, inputs) => {
    const names = ['permQ', 'permK', 'permV', 'permY'];
    return requireInput(node, inputs, 0).shape.length > 2 && names.every((name) => permOf(node, name)[0] === 0);
  },
  macs: (node, inputs) => {
    const [q, k, v] = viewsOf(node, inputs);
    return multiply(multiply(product(q.dims.slice(0, -1)), k.dims.at(-1)!), add(q.dims.at(-1)!, v.dims.at(-1)!));
  },
});
