/** Parts of a graph as ONNX messages: tensors, ports, attributes. */
import type { Attribute, Graph, Port } from '../graph/graph.js';
import type { AttributeMessage, GraphMessage, TensorMessage, ValueInfoMessage } from '../graph/protobuf/onnx-schema.js';
import { type Extent, formatExtent } from '../runtime/extent.js';
import { onnxNumber, Tensor } from '../runtime/tensor.js';

/** Attributes of ai.onnx whose numbers are floats; all others are whole. A graph keeps both as numbers. */
const floatAttributes = new Set([
  'activation_alpha',
  'activation_beta',
  'alpha',
  'beta',
  'bias',
  'clip',
  'cubic_coeff_a',
  'epsilon',
  'extrapolation_value',
  'gamma',
  'high',
  'lambd',
  'low',
  'max',
  'mean',
  'min',
  'momentum',
  'ratio',
  'scale',
  'scales',
  'seed',
  'spatial_scale',
  'threshold',
  'value_float',
  'value_floats',
]);

export function tensorMessage(name: string, tensor: Tensor): TensorMessage {
  const { data, dims, type } = tensor;
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { name, dims: BigInt64Array.from(dims, BigInt), dataType: onnxNumber(type), rawData };
}

function dimension(extent: Extent) {
  return typeof extent === 'number' ? { dimValue: BigInt(extent) } : { dimParam: formatExtent(extent) };
}

export function valueInfo({ name, dtype, shape, undeclared }: Port): ValueInfoMessage {
  if (undeclared) return { name };
  return { name, type: { tensorType: { elemType: onnxNumber(dtype), shape: { dim: shape.map(dimension) } } } };
}

const utf8 = new TextEncoder();
const isGraph = (attribute: Attribute): attribute is Graph =>
  typeof attribute === 'object' && 'initializers' in attribute;

function listMessage(name: string, list: readonly number[] | readonly string[]): AttributeMessage {
  if (typeof list[0] === 'string') return { name, type: 8, strings: list.map((text) => utf8.encode(String(text))) };
  if (floatAttributes.has(name)) return { name, type: 6, floats: Float32Array.from(list, Number) };
  // Whole numbers beyond 2^63 - 1 stand for "to the end" and were rounded up when they were read.
  const whole = (value: number | string) => {
    const exact = BigInt(value);
    return exact > 0x7fffffffffffffffn ? 0x7fffffffffffffffn : exact;
  };
  return { name, type: 7, ints: BigInt64Array.from(list as readonly number[], whole) };
}

/** @param graphMessage  encodes a subgraph */
export function attributeMessage(
  name: string,
  attribute: Attribute,
  graphMessage: (graph: Graph) => GraphMessage,
): AttributeMessage {
  if (typeof attribute === 'string') return { name, type: 3, s: utf8.encode(attribute) };
  if (typeof attribute === 'bigint') return { name, type: 2, i: attribute };
  if (typeof attribute === 'number') {
    const isFloat = floatAttributes.has(name) || !Number.isInteger(attribute);
    return isFloat ? { name, type: 1, f: attribute } : { name, type: 2, i: BigInt(attribute) };
  }
  if (attribute instanceof Tensor) return { name, type: 4, t: tensorMessage('', attribute) };
  if (isGraph(attribute)) return { name, type: 5, g: graphMessage(attribute) };
  return listMessage(name, attribute);
}
