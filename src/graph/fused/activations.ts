/** Activations that onnxruntime joins with a bias, or that ONNX got later. */
import type { Attribute } from '../graph.js';
import { realOf, textOf } from '../operators/attributes.js';
import { tanhGelu } from '../operators/elementwise-unary.js';
import type { NodeWriter, Write } from './node-writer.js';

/** One of kerf's own functions, which know float32 alone. */
function own(writer: NodeWriter, op: string, value: string, attributes: Readonly<Record<string, Attribute>> = {}) {
  const y = writer.op(op, [writer.cast(value, 'float32')], attributes, 'kerf');
  return writer.cast(y, writer.maker.factOf(value).dtype);
}

const withBias = (writer: NodeWriter) => writer.sumOf(writer.input(0), writer.optional(1));

/** The activations that FusedConv and FusedGemm name, and the attributes that their parameters are. */
const parameters: Readonly<Record<string, readonly string[]>> = {
  Relu: [],
  Sigmoid: [],
  Tanh: [],
  LeakyRelu: ['alpha'],
  HardSigmoid: ['alpha', 'beta'],
  Elu: ['alpha'],
  Selu: ['alpha', 'gamma'],
  Softplus: [],
  Softsign: [],
  ThresholdedRelu: ['alpha'],
};

/** @param given  in the order of onnxruntime; absent ones have ONNX's defaults */
export function activated(writer: NodeWriter, value: string, given: readonly (number | undefined)[]): string {
  const name = textOf(writer.node, 'activation', '');
  if (name === '') return value;
  if (name === 'Clip') return writer.clip(value, given[0] ?? -Infinity, given[1] ?? Infinity);
  writer.refuse(`activation ${JSON.stringify(name)}`, !Object.hasOwn(parameters, name));
  const pairs = parameters[name].map((attribute, i): [string, Attribute | undefined] => [attribute, given[i]]);
  const attributes = pairs.filter((pair): pair is [string, Attribute] => pair[1] !== undefined);
  return writer.op(name, [value], Object.fromEntries(attributes));
}

export const activations: Readonly<Record<string, Write>> = {
  Gelu: (_node, writer) => [own(writer, 'Gelu', writer.input(0))],
  BiasGelu: (_node, writer) => [own(writer, 'Gelu', withBias(writer))],
  FastGelu: (_node, writer) => [own(writer, 'Silu', withBias(writer), tanhGelu)],
  QuickGelu: (node, writer) => [own(writer, 'Silu', writer.input(0), { alpha: realOf(node, 'alpha', 1.702), beta: 0 })],
};
