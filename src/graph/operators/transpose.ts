/** Transpose: y[i_perm] = x[i]. */
import type { Tensor } from '../../runtime/tensor.js';
import type { Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { integersOf, nodeError, requireInput } from './attributes.js';
import { define, lastOpset } from './define.js';
import { allDTypes, pick } from './elements.js';
import { emitTranspose, keepsOrder } from './lower-copy.js';
import { maximumStepRank } from './lowering.js';
import { stridesOf, walk } from './shapes.js';

/** Axis `perm[i]` of the input is axis i of the result; reversed by default. */
function permutationOf(node: Node, rank: number): readonly number[] {
  const perm = integersOf(node, 'perm') ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  const sorted = [...perm].sort((a, b) => a - b);
  if (perm.length !== rank || sorted.some((axis, position) => axis !== position)) {
    throw nodeError('MODEL_INVALID', node, `perm: got [${perm}], expected each of 0..${rank - 1} once.`);
  }
  return perm;
}

function evaluate(node: Node, x: Tensor): Tensor {
  const perm = permutationOf(node, x.dims.length);
  const strides = stridesOf(x.dims);
  const dims = perm.map((axis) => x.dims[axis]);
  const source = walk(
    dims,
    perm.map((axis) => strides[axis]),
  );
  return pick(x, dims, source);
}

export const transposeOperators: readonly Operator[] = define([[1, lastOpset, allDTypes]], {
  name: 'Transpose',
  infer: (node, inputs) => {
    const { dtype, shape } = requireInput(node, inputs, 0);
    return [{ dtype, shape: permutationOf(node, shape.length).map((axis) => shape[axis]) }];
  },
  evaluate: (node, inputs) => [evaluate(node, requireInput(node, inputs, 0))],
  lower: (node, builder) => {
    const { dtype, shape } = builder.fact(node.inputs[0]);
    const perm = permutationOf(node, shape.length);
    if (keepsOrder(shape, perm)) {
      builder.alias(node.outputs[0], node.inputs[0]);
      return true;
    }
    if (shape.length > maximumStepRank) return false;
    const source = builder.place(node.inputs[0]).operand;
    return emitTranspose(builder, dtype, source, builder.output(node.outputs[0]).operand, shape, perm);
  },
  rowIndependent: (node, inputs) => permutationOf(node, requireInput(node, inputs, 0).shape.length)[0] === 0,
});
