/** Steps for elementwise operators. All of them compute in float32; other dtypes become reference steps. */
import { type Extent, multiply, product } from '../../runtime/extent.js';
import type { Operand, StepParam } from '../../runtime/plan.js';
import { Tensor } from '../../runtime/tensor.js';
import type { Node } from '../graph.js';
import type { Place, PlanBuilder } from '../operator.js';
import { toNumbers } from './elements.js';
import { alignSecond } from './legacy-broadcast.js';
import type { Shape } from './shapes.js';

/** A function of the unary step; alpha and beta as the step table says. */
export interface UnaryStep {
  readonly word: string;
  readonly alpha?: number;
  readonly beta?: number;
}

/** Row-major strides of a shape with symbols, in elements. */
export function extentStrides(shape: Shape): Extent[] {
  const strides: Extent[] = new Array(shape.length);
  let stride: Extent = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride = multiply(stride, shape[axis]);
  }
  return strides;
}

/** Strides that read `shape` as if it were broadcast to `rank` dimensions. */
export function broadcastExtentStrides(shape: Shape, rank: number): Extent[] {
  const strides = extentStrides(shape).map((stride, axis) => (shape[axis] === 1 ? 0 : stride));
  return [...new Array<Extent>(rank - shape.length).fill(0), ...strides];
}

/** Largest rank of a strided step. */
export const maximumStepRank = 8;

function emitUnary(builder: PlanBuilder, step: UnaryStep, x: Operand, y: Operand, count: Extent): void {
  const params: Record<string, StepParam> = { f: step.word, count };
  if (step.alpha !== undefined && Number.isFinite(step.alpha)) params.alpha = { real: step.alpha };
  if (step.beta !== undefined && Number.isFinite(step.beta)) params.beta = { real: step.beta };
  builder.step('unary', [x], [y], params);
}

/** y = f(x), elementwise. */
export function lowerUnary(node: Node, builder: PlanBuilder, step: UnaryStep): boolean {
  return lowerUnaryChain(node, builder, [step]);
}

/** y = f_n(..f_1(x)), the later ones in place. */
export function lowerUnaryChain(node: Node, builder: PlanBuilder, steps: readonly UnaryStep[]): boolean {
  if (builder.fact(node.inputs[0]).dtype !== 'float32') return false;
  const x = builder.place(node.inputs[0]);
  const y = builder.output(node.outputs[0]);
  const count = product(y.fact.shape);
  steps.forEach((step, index) => {
    emitUnary(builder, step, index === 0 ? x.operand : y.operand, y.operand, count);
  });
  return true;
}

/** Something to read under a shape. */
export interface View {
  readonly operand: Operand;
  readonly shape: Shape;
}

/** y = f(a, b) where both broadcast to `shape`; y may be a or b where that has the full shape. */
export function emitBinary(builder: PlanBuilder, word: string, a: View, b: View, y: Operand, shape: Shape): void {
  builder.step('binary', [a.operand, b.operand], [y], {
    f: word,
    dims: shape,
    stridesA: broadcastExtentStrides(a.shape, shape.length),
    stridesB: broadcastExtentStrides(b.shape, shape.length),
  });
}

/** y = a where the condition c holds ("nonzero") or is NaN ("nan"), b elsewhere; all broadcast to `shape`. */
export function emitSelect(
  builder: PlanBuilder,
  word: 'nonzero' | 'nan',
  [a, b, c]: readonly View[],
  y: Operand,
  shape: Shape,
): void {
  const strides = (view: View) => broadcastExtentStrides(view.shape, shape.length);
  builder.step('select', [a.operand, b.operand, c.operand], [y], {
    f: word,
    dims: shape,
    stridesA: strides(a),
    stridesB: strides(b),
    stridesC: strides(c),
  });
}

export function viewOf(place: Place): View {
  return { operand: place.operand, shape: place.fact.shape };
}

/** The place of a float32 value, or of a constant of another dtype converted to float32; null where neither holds. */
export function placeFloat32(builder: PlanBuilder, value: string): Place | null {
  const fact = builder.fact(value);
  if (fact.dtype === 'float32') return builder.place(value);
  if (!fact.constant) return null;
  const { dims } = fact.constant;
  const data = Float32Array.from(toNumbers(fact.constant));
  const operand = builder.weight({ name: `${value}:float32`, dtype: 'float32', shape: dims, layout: 'plain', data });
  return { operand, fact: { dtype: 'float32', shape: dims, constant: new Tensor('float32', data, dims) } };
}

/** y = f(a, b) with broadcasting. */
export function lowerBinary(node: Node, builder: PlanBuilder, word: string, opset: number): boolean {
  if (builder.fact(node.inputs[0]).dtype !== 'float32') return false;
  const rank = builder.fact(node.outputs[0]).shape.length;
  const b = placeFloat32(builder, node.inputs[1]);
  if (!b || rank > maximumStepRank) return false;
  const a = viewOf(builder.place(node.inputs[0]));
  const second = { operand: b.operand, shape: alignSecond(node, opset, a.shape.length, b.fact.shape) };
  const y = builder.output(node.outputs[0]);
  emitBinary(builder, word, a, second, y.operand, y.fact.shape);
  return true;
}

/** A float32 scalar as a weight, to be broadcast to any rank, also to none; equal values are stored once. */
export function scalarView(builder: PlanBuilder, value: number): View {
  const data = Float32Array.of(value);
  const operand = builder.weight({ name: `scalar = ${data[0]}`, dtype: 'float32', shape: [1], layout: 'plain', data });
  return { operand, shape: [] };
}

/** y = f(f(x_0, x_1), x_2)...; for a mean divided by their number. */
export function lowerVariadic(node: Node, builder: PlanBuilder, word: string, isMean: boolean): boolean {
  const { dtype, shape } = builder.fact(node.outputs[0]);
  if (dtype !== 'float32' || shape.length > maximumStepRank) return false;
  const inputs = node.inputs.map((value) => viewOf(builder.place(value)));
  if (inputs.length === 1) {
    builder.alias(node.outputs[0], node.inputs[0]);
    return true;
  }
  const y = { operand: builder.output(node.outputs[0]).operand, shape };
  for (let next = 1; next < inputs.length; next++) {
    emitBinary(builder, word, next === 1 ? inputs[0] : y, inputs[next], y.operand, shape);
  }
  if (isMean) emitBinary(builder, 'div', y, scalarView(builder, inputs.length), y.operand, shape);
  return true;
}

/** y = x between two float32 scalars, each a constant, a computed value, or absent. */
export function lowerClip(
  node: Node,
  builder: PlanBuilder,
  lower: number | string | undefined,
  upper: number | string | undefined,
): boolean {
  const numbers: UnaryStep = { word: 'clip', ...(typeof lower === 'number' ? { alpha: lower } : {}) };
  if (typeof lower !== 'string' && typeof upper !== 'string') {
    return lowerUnary(node, builder, { ...numbers, ...(upper === undefined ? {} : { beta: upper }) });
  }
  const { dtype, shape } = builder.fact(node.outputs[0]);
  if (dtype !== 'float32' || shape.length > maximumStepRank) return false;
  let source = viewOf(builder.place(node.inputs[0]));
  const y = { operand: builder.output(node.outputs[0]).operand, shape };
  for (const [word, bound] of [['max', lower] as const, ['min', upper] as const]) {
    if (bound === undefined) continue;
    const view = typeof bound === 'number' ? scalarView(builder, bound) : viewOf(builder.place(bound));
    emitBinary(builder, word, source, view, y.operand, shape);
    source = y;
  }
  return true;
}
