/** Gather: y = x picked along one axis by indices, negative ones from the end. */
import { add, isStatic, multiply, product } from '../../runtime/extent.js';
import type { Operand } from '../../runtime/plan.js';
import { elementBytes, elementCount, type Tensor } from '../../runtime/tensor.js';
import type { Node } from '../graph.js';
import type { Operator, PlanBuilder } from '../operator.js';
import { integerOf, nodeError, requireInput } from './attributes.js';
import { define, lastOpset } from './define.js';
import { allDTypes, pick, toNumbers } from './elements.js';
import { emitCopy, shifted, sizesAround } from './lower-copy.js';
import { normaliseAxis } from './shapes.js';

/** @throws DATA_INVALID when an index lies outside -size..size-1 */
function checkedIndex(node: Node, index: number, size: number): number {
  if (index >= -size && index < size) return index < 0 ? index + size : index;
  throw nodeError('DATA_INVALID', node, `index: got ${index}, expected -${size}..${size - 1}. Check the indices.`);
}

function axisOf(node: Node, rank: number): number {
  return normaliseAxis(node, integerOf(node, 'axis', 0), rank);
}

function evaluate(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const [x, indices] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1)];
  const at = axisOf(node, x.dims.length);
  const { outer, axis, inner } = sizesAround(x.dims, at) as Record<string, number>;
  const chosen = Array.from(toNumbers(indices), (index) => checkedIndex(node, index, axis));
  const dims = [...x.dims.slice(0, at), ...indices.dims, ...x.dims.slice(at + 1)];
  const source = new Float64Array(elementCount(dims));
  let next = 0;
  for (let o = 0; o < outer; o++) {
    for (const index of chosen) {
      for (let i = 0; i < inner; i++) source[next++] = (o * axis + index) * inner + i;
    }
  }
  return [pick(x, dims, source)];
}

/** The indices as int32: a converted constant, or cast steps. */
function placeIndices(node: Node, builder: PlanBuilder, value: string, size: number): Operand {
  const fact = builder.fact(value);
  if (fact.constant) {
    const data = Int32Array.from(toNumbers(fact.constant), (index) => checkedIndex(node, index, size));
    const { dims } = fact.constant;
    return builder.weight({ name: `${value}:${size}`, dtype: 'int32', shape: dims, layout: 'plain', data });
  }
  const place = builder.place(value);
  if (fact.dtype === 'int32') return place.operand;
  const count = product(fact.shape);
  const [wide, narrow] = [builder.scratch('float64', count), builder.scratch('int32', count)];
  // By way of float64, from which a number out of range stays out of range; from int64 only the low half would be kept.
  builder.step('cast', [place.operand], [wide], { from: fact.dtype, to: 'float64', count });
  builder.step('cast', [wide], [narrow], { from: 'float64', to: 'int32', count });
  return narrow;
}

/** The first or last place of an axis of open size, e.g. the last step of sequences: a strided copy, there at any size. */
function lowerOpenAxis(node: Node, builder: PlanBuilder, at: number): boolean {
  const { dtype, shape } = builder.fact(node.inputs[0]);
  const { constant } = builder.fact(node.inputs[1]);
  const index = constant?.size === 1 ? Number(constant.data[0]) : Number.NaN;
  if (index !== 0 && index !== -1) return false;
  const { outer, axis, inner } = sizesAround(shape, at);
  const x = shifted(builder.place(node.inputs[0]).operand, index === 0 ? 0 : multiply(add(axis, -1), inner));
  emitCopy(builder, dtype, x, builder.output(node.outputs[0]).operand, [outer, inner], [multiply(axis, inner), 1]);
  return true;
}

function lower(node: Node, builder: PlanBuilder): boolean {
  const { dtype, shape } = builder.fact(node.inputs[0]);
  const at = axisOf(node, shape.length);
  const size = shape[at];
  if (!isStatic(size)) return lowerOpenAxis(node, builder, at);
  const indices = placeIndices(node, builder, node.inputs[1], size);
  const x = builder.place(node.inputs[0]).operand;
  builder.step('gather', [x, indices], [builder.output(node.outputs[0]).operand], {
    elementBytes: elementBytes(dtype),
    ...sizesAround(shape, at),
    count: product(builder.fact(node.inputs[1]).shape),
  });
  return true;
}

export const gatherOperators: readonly Operator[] = define([[1, lastOpset, allDTypes]], {
  name: 'Gather',
  infer: (node, inputs) => {
    const [x, indices] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1)];
    if (indices.dtype !== 'int32' && indices.dtype !== 'int64') {
      throw nodeError('DTYPE_MISMATCH', node, `indices: got ${indices.dtype}, expected int32 or int64. Insert a Cast.`);
    }
    const at = axisOf(node, x.shape.length);
    return [{ dtype: x.dtype, shape: [...x.shape.slice(0, at), ...indices.shape, ...x.shape.slice(at + 1)] }];
  },
  evaluate,
  lower,
  rowIndependent: (node, inputs) => {
    const { shape } = requireInput(node, inputs, 0);
    return axisOf(node, shape.length) !== 0 || isStatic(shape[0]);
  },
});
