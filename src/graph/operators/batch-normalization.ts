/** BatchNormalization: a number a channel to multiply by and one to add, of the batch's moments or of given ones. */
import { elementCount, type Tensor } from '../../runtime/tensor.js';
import type { Node } from '../graph.js';
import type { Operator, PlanBuilder } from '../operator.js';
import { integerOf, realOf, requireInput } from './attributes.js';
import { define, lastOpset } from './define.js';
import { fillNumbers, floatDTypes, toNumbers } from './elements.js';
import { emitBinary, maximumStepRank } from './lowering.js';
import { channelPlaces, momentsOf, requireChannels, sameFact } from './normalization.js';

/** Whether the moments are those of the batch. */
export function isTraining(node: Node, opset: number): boolean {
  if (opset >= 14) return integerOf(node, 'training_mode', 0) !== 0;
  if (opset < 7) return integerOf(node, 'is_test', 0) === 0;
  return node.outputs.slice(1).some((value) => value !== '');
}

/** y = x scale + shift for each channel. */
function scaleChannels(x: Tensor, scale: readonly number[], shift: readonly number[]): Tensor {
  const [values, channels, places] = [toNumbers(x), x.dims[1], elementCount(x.dims.slice(2))];
  const channelOf = (i: number) => Math.floor(i / places) % channels;
  return fillNumbers(x.type, x.dims, (i) => values[i] * scale[channelOf(i)] + shift[channelOf(i)]);
}

/** What an inference BatchNormalization multiplies each channel by, and adds. */
export function channelScales(node: Node, inputs: readonly (Tensor | undefined)[]) {
  const [gain, bias, mean, variance] = [1, 2, 3, 4].map((index) => toNumbers(requireInput(node, inputs, index)));
  const epsilon = realOf(node, 'epsilon', 1e-5);
  const scale = Array.from(gain, (one, c) => one / Math.sqrt(variance[c] + epsilon));
  return { scale, shift: scale.map((one, c) => bias[c] - mean[c] * one) };
}

function evaluateBatch(node: Node, inputs: readonly (Tensor | undefined)[], opset: number): readonly Tensor[] {
  const x = requireInput(node, inputs, 0);
  if (!isTraining(node, opset)) {
    const { scale, shift } = channelScales(node, inputs);
    return [scaleChannels(x, scale, shift)];
  }
  const [gain, bias, mean, variance] = [1, 2, 3, 4].map((index) => requireInput(node, inputs, index));
  const [epsilon, momentum] = [realOf(node, 'epsilon', 1e-5), realOf(node, 'momentum', 0.9)];
  const places = channelPlaces(x.dims, false);
  const values = toNumbers(x);
  const stride = elementCount(x.dims.slice(2));
  const moments = Array.from({ length: x.dims[1] }, (_, c) => momentsOf(values, places, c * stride));
  const scale = moments.map(([, own], c) => toNumbers(gain)[c] / Math.sqrt(own + epsilon));
  const shift = moments.map(([own], c) => toNumbers(bias)[c] - own * scale[c]);
  const running = (old: Tensor, which: 0 | 1) =>
    fillNumbers(old.type, old.dims, (c) => toNumbers(old)[c] * momentum + moments[c][which] * (1 - momentum));
  return [scaleChannels(x, scale, shift), running(mean, 0), running(variance, 1)];
}

/** y = x scale, then y = y + shift, with one number a channel. */
function lowerBatch(node: Node, builder: PlanBuilder, opset: number): boolean {
  const constants = node.inputs.map((value) => builder.fact(value).constant);
  const { dtype, shape } = builder.fact(node.inputs[0]);
  const isKnown = constants.slice(1).every((tensor) => tensor?.type === 'float32');
  if (dtype !== 'float32' || !isKnown || shape.length > maximumStepRank || isTraining(node, opset)) return false;
  const { scale, shift } = channelScales(node, constants);
  const perChannel = (name: string, numbers: readonly number[]) => {
    const dims = [numbers.length, ...shape.slice(2).map(() => 1)];
    const data = Float32Array.from(numbers);
    const weight = { name: `${name} of ${node.name}`, dtype: 'float32', shape: dims, layout: 'plain', data } as const;
    return { operand: builder.weight(weight), shape: dims };
  };
  const x = { operand: builder.place(node.inputs[0]).operand, shape };
  const y = { operand: builder.output(node.outputs[0]).operand, shape };
  emitBinary(builder, 'mul', x, perChannel('scale', scale), y.operand, shape);
  emitBinary(builder, 'add', y, perChannel('shift', shift), y.operand, shape);
  return true;
}

export const batchNormalizationOperators: readonly Operator[] = define([[1, lastOpset, floatDTypes]], {
  name: 'BatchNormalization',
  infer: (node, inputs, opset) => {
    requireChannels(node, inputs, 4);
    if (!isTraining(node, opset)) return sameFact(node, inputs);
    const running = [3, 4].map((index) => requireInput(node, inputs, index));
    return [...sameFact(node, inputs), ...running.map(({ dtype, shape }) => ({ dtype, shape }))];
  },
  evaluate: evaluateBatch,
  lower: lowerBatch,
  rowIndependent: (node) => node.outputs.length === 1 && integerOf(node, 'training_mode', 0) === 0,
});
