/** Builds small ONNX files for tests out of plain messages. */
import { encodeMessage } from '../../../src/graph/protobuf/encode.js';
import {
  type AttributeMessage,
  type GraphMessage,
  type ModelMessage,
  modelTable,
  type NodeMessage,
  type TensorMessage,
  type ValueInfoMessage,
} from '../../../src/graph/protobuf/onnx-schema.js';

/** Dimensions: a number, a name, or null for an unnamed unknown size. */
export function value(name: string, dims: readonly (number | string | null)[], elemType = 1): ValueInfoMessage {
  const dim = dims.map((size) => {
    if (size === null) return {};
    return typeof size === 'number' ? { dimValue: BigInt(size) } : { dimParam: size };
  });
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

export function node(op: string, input: string[], output: string[], attribute: AttributeMessage[] = []): NodeMessage {
  return { opType: op, name: `${op}:${output[0]}`, input, output, attribute };
}

export function floats(name: string, dims: number[], data: number[]): TensorMessage {
  const rawData = new Uint8Array(new Float32Array(data).buffer);
  return { name, dims: new BigInt64Array(dims.map(BigInt)), dataType: 1, rawData };
}

export function modelMessage(graph: GraphMessage, opset = 13n): ModelMessage {
  return { irVersion: 7n, graph: { name: 'g', ...graph }, opsetImport: [{ domain: '', version: opset }] };
}

export function model(graph: GraphMessage, opset = 13n): Uint8Array {
  return encodeMessage(modelMessage(graph, opset), modelTable);
}

/** x [batch, 2] -> MatMul w [2, 3] -> Relu -> y: the smallest graph most tests need. */
export function smallGraph(): GraphMessage {
  return {
    input: [value('x', ['batch', 2])],
    output: [value('y', ['batch', 3])],
    initializer: [floats('w', [2, 3], [1, 2, 3, 4, 5, 6])],
    node: [node('MatMul', ['x', 'w'], ['h']), node('Relu', ['h'], ['y'])],
  };
}
