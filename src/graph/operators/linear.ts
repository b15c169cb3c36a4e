/** kerf.Linear: y = clamp(x W^T + b, lo, hi), what Gemm and MatMul with constant weights become. */
import { type Extent, equals, multiply, product } from '../../runtime/extent.js';
import type { Operand, Step } from '../../runtime/plan.js';
import type { Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator, PlanBuilder, Rows } from '../operator.js';
import { nodeError, realOf, requireInput } from './attributes.js';
import { always, define, lastOpset, requireSameDType } from './define.js';
import { fillNumbers, toNumbers } from './elements.js';
import { contract } from './products.js';
import { formatShape, mismatchCode } from './shapes.js';

export interface LinearSizes {
  /** Product of all dimensions of x but the last. */
  readonly M: Extent;
  readonly N: number;
  readonly K: number;
}

/** @throws SHAPE_MISMATCH when x [.., K], W [N, K] and b [N] do not fit */
export function linearSizes(node: Node, inputs: readonly (Fact | undefined)[]): LinearSizes {
  const [x, w, b] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1), inputs[2]];
  const [N, K] = w.shape as readonly number[];
  const last = x.shape.at(-1);
  if (w.shape.length !== 2 || last === undefined || !equals(last, K) || (b && !equals(product(b.shape), N))) {
    const got = [x, w, b].map((fact) => (fact ? formatShape(fact.shape) : 'none')).join(', ');
    throw nodeError(
      mismatchCode(...x.shape.slice(-1), ...(b?.shape ?? [])),
      node,
      `shapes: got ${got}, expected x [.., K], W [N, K], b [N]. Check the weights.`,
    );
  }
  return { M: product(x.shape.slice(0, -1)), N, K };
}

function infer(node: Node, inputs: readonly (Fact | undefined)[]): readonly Fact[] {
  const dtype = requireSameDType(node, inputs);
  const { N } = linearSizes(node, inputs);
  return [{ dtype, shape: [...requireInput(node, inputs, 0).shape.slice(0, -1), N] }];
}

function evaluate(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const [x, w, b] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1), inputs[2]];
  const [N, K] = w.dims;
  const product = contract(x, w, {
    dims: [...x.dims.slice(0, -1), N],
    K,
    strideA: 1,
    strideB: 1,
    startsOf: (index) => [Math.floor(index / N) * K, (index % N) * K],
  });
  const [values, bias] = [toNumbers(product), b && toNumbers(b)];
  const lo = realOf(node, 'lo', Number.NEGATIVE_INFINITY);
  const hi = realOf(node, 'hi', Number.POSITIVE_INFINITY);
  const clamp = (value: number) => Math.min(Math.max(value, lo), hi);
  return [fillNumbers(x.type, product.dims, (i) => clamp(values[i] + (bias ? bias[i % N] : 0)))];
}

/** Whether the weights of a layer are stored as float16: their numbers are halves already. */
const isHalf = ({ attributes }: Node) => attributes.get('stored') === 'float16';

const widthOf = ({ fact }: Rows) => fact.shape.at(-1) as number;

/** A row stride, where it is not the width. */
const strideParam = (name: string, { stride }: Rows, width: number) =>
  equals(stride, width) ? {} : { [name]: stride };

/** Constant weights are packed at plan time, computed ones by a step. */
function lower(node: Node, builder: PlanBuilder): boolean {
  const [, w, b] = node.inputs;
  const facts = node.inputs.map((value) => (value ? builder.fact(value) : undefined));
  const weight = builder.fact(w).constant as Tensor<'float32'> | undefined;
  const bias = b ? (builder.fact(b).constant as Tensor<'float32'> | undefined) : null;
  if (!weight || bias === undefined) return false;
  const panels = builder.panels(w, weight, bias, isHalf(node) ? 'float16' : 'float32');
  emitGemm('gemm', node, builder, panels, linearSizes(node, facts));
  return true;
}

/** A step of `kind` that reads the rows of the node's input where they stand, as one source or two, and clamps. */
export function emitGemm(
  kind: string,
  node: Node,
  builder: PlanBuilder,
  panels: Operand,
  sizes: LinearSizes,
  params: Step['params'] = {},
): void {
  const { M, N, K } = sizes;
  const [x, z] = builder.sources(node.inputs[0]);
  const y = builder.outputRows(node.outputs[0]);
  const R = z ? widthOf(z) : 0;
  const [lo, hi] = [realOf(node, 'lo', undefined), realOf(node, 'hi', undefined)];
  builder.step(kind, [x.operand, panels, ...(z ? [z.operand] : [])], [y.operand], {
    ...params,
    M,
    N,
    K: K - R,
    ...(z ? { R } : {}),
    ...strideParam('ldx', x, K - R),
    ...(z ? strideParam('ldz', z, R) : {}),
    ...strideParam('ldy', y, N),
    ...(lo === undefined ? {} : { lo: { real: lo } }),
    ...(hi === undefined ? {} : { hi: { real: hi } }),
  });
}

export const linearOperators: readonly Operator[] = define([[1, lastOpset, ['float32']]], {
  name: 'Linear',
  domain: 'kerf',
  infer,
  evaluate,
  lower,
  rowIndependent: always,
  macs: (node, inputs) => {
    const { M, N, K } = linearSizes(node, inputs);
    return multiply(M, N * K);
  },
});
