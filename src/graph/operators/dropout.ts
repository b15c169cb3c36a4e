/** Dropout as inference has it: the identity, and a mask of ones. */
import { isStatic } from '../../runtime/extent.js';
import type { DType, Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { constantInput, nodeError, requireInput } from './attributes.js';
import { always, define, lastOpset } from './define.js';
import { fillNumbers, floatDTypes, toNumbers } from './elements.js';
import { factsOf } from './reshape.js';

/** @throws OPERATOR_UNSUPPORTED when the node is asked to drop at random */
function refuseTraining(node: Node, inputs: readonly (Fact | undefined)[], opset: number): void {
  if (opset < 12 || !inputs[2]) return;
  const isTraining = toNumbers(constantInput(node, inputs, 2)!)[0] !== 0;
  const ratio = inputs[1] ? toNumbers(constantInput(node, inputs, 1)!)[0] : 0.5;
  if (isTraining && ratio !== 0) {
    throw nodeError(
      'OPERATOR_UNSUPPORTED',
      node,
      `training mode: got ratio ${ratio}, expected inference. Export the model for inference.`,
    );
  }
}

function maskDType(data: DType, opset: number): DType {
  return opset < 10 ? data : 'bool';
}

function infer(node: Node, inputs: readonly (Fact | undefined)[], opset: number): readonly Fact[] {
  refuseTraining(node, inputs, opset);
  const { dtype, shape } = requireInput(node, inputs, 0);
  const type = maskDType(dtype, opset);
  const constant = shape.every(isStatic) ? { constant: fillNumbers(type, shape, () => 1) } : {};
  return [
    { dtype, shape },
    { dtype: type, shape, ...(node.outputs[1] ? constant : {}) },
  ];
}

function evaluate(node: Node, inputs: readonly (Tensor | undefined)[], opset: number): readonly Tensor[] {
  refuseTraining(node, factsOf(inputs), opset);
  const x = requireInput(node, inputs, 0);
  return [x, fillNumbers(maskDType(x.type, opset), x.dims, () => 1)];
}

export const dropoutOperators: readonly Operator[] = define([[1, lastOpset, floatDTypes]], {
  name: 'Dropout',
  infer,
  evaluate,
  lower: (node, builder) => {
    const mask = node.outputs[1];
    if (mask && !builder.fact(mask).constant) return false;
    builder.alias(node.outputs[0], node.inputs[0]);
    return true;
  },
  rowIndependent: always,
});
