/** Activations that take more than one step. */
import { product } from '../../runtime/extent.js';
import type { Operand } from '../../runtime/plan.js';
import type { Node } from '../graph.js';
import type { PlanBuilder } from '../operator.js';
import { emitBinary, lowerUnary, maximumStepRank, scalarView, type UnaryStep, type View } from './lowering.js';

/** x and y as views, after y = f(x). */
function afterUnary(node: Node, builder: PlanBuilder, step: UnaryStep): { x: View; y: View } | undefined {
  const { shape } = builder.fact(node.inputs[0]);
  if (shape.length > maximumStepRank || !lowerUnary(node, builder, step)) return undefined;
  const [x, y] = [builder.place(node.inputs[0]), builder.place(node.outputs[0])];
  return { x: { operand: x.operand, shape }, y: { operand: y.operand, shape } };
}

/** y = elu(x), then y = y gamma. */
export function lowerSelu(node: Node, builder: PlanBuilder, constants: { alpha: number; gamma: number }): boolean {
  const views = afterUnary(node, builder, { word: 'elu', alpha: constants.alpha });
  if (views) emitBinary(builder, 'mul', views.y, scalarView(builder, constants.gamma), views.y.operand, views.y.shape);
  return views !== undefined;
}

/** y = |x|, then y = y + 1, then y = x / y. */
export function lowerSoftsign(node: Node, builder: PlanBuilder): boolean {
  const views = afterUnary(node, builder, { word: 'abs' });
  if (!views) return false;
  const { x, y } = views;
  emitBinary(builder, 'add', y, scalarView(builder, 1), y.operand, y.shape);
  emitBinary(builder, 'div', x, y, y.operand, y.shape);
  return true;
}

/** t = min(x, 0) slope, then y = max(x, 0) + t. */
export function lowerPRelu(node: Node, builder: PlanBuilder, slope: View): boolean {
  const { shape } = builder.fact(node.outputs[0]);
  const views = afterUnary(node, builder, { word: 'relu' });
  if (!views) return false;
  const below = { operand: builder.scratch('float32', product(shape)), shape };
  builder.step('unary', [views.x.operand], [below.operand], { f: 'clip', count: product(shape), beta: { real: 0 } });
  emitBinary(builder, 'mul', below, slope, below.operand, shape);
  emitBinary(builder, 'add', views.y, below, views.y.operand, shape);
  return true;
}

/** A value and a scratch of its size, to compute y from. */
function inScratch(node: Node, builder: PlanBuilder): { x: View; t: View; y: Operand } | undefined {
  const x = builder.place(node.inputs[0]);
  const { dtype, shape } = x.fact;
  if (dtype !== 'float32' || shape.length > maximumStepRank) return undefined;
  const t = { operand: builder.scratch('float32', product(shape)), shape };
  return { x: { operand: x.operand, shape }, t, y: builder.output(node.outputs[0]).operand };
}

/** y = x tanh(softplus(x)). */
export function lowerMish(node: Node, builder: PlanBuilder): boolean {
  const views = inScratch(node, builder);
  if (!views) return false;
  const { x, t, y } = views;
  const count = product(x.shape);
  builder.step('unary', [x.operand], [t.operand], { f: 'softplus', count });
  builder.step('unary', [t.operand], [t.operand], { f: 'tanh', count });
  emitBinary(builder, 'mul', x, t, y, x.shape);
  return true;
}
