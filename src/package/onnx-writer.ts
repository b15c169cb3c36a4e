/** Writes a graph as a standard ONNX file. */

import type { Graph, Node } from '../graph/graph.js';
import { inferFacts } from '../graph/index.js';
import type { Facts } from '../graph/infer.js';
import { encodeMessage } from '../graph/protobuf/encode.js';
import { type GraphMessage, type ModelMessage, modelTable, type NodeMessage } from '../graph/protobuf/onnx-schema.js';
import { KerfError } from '../runtime/errors.js';
import type { Tensor } from '../runtime/tensor.js';
import { attributeMessage, tensorMessage, valueInfo } from './onnx-messages.js';
import { type NodeSink, pushStandard } from './standard-nodes.js';

/** Largest protobuf message that readers accept. */
const maxFileBytes = 2 ** 31 - 1;

/** A graph's nodes as standard ones, and the constants that these need. */
class StandardGraph implements NodeSink {
  readonly nodes: Node[] = [];
  readonly initializers: Map<string, Tensor>;
  readonly #names = new Set<string>();

  constructor(
    readonly graph: Graph,
    readonly opset: number,
    readonly facts: Facts,
  ) {
    this.initializers = new Map(graph.initializers);
    for (const { name, inputs, outputs } of graph.nodes) {
      for (const taken of [name, ...inputs, ...outputs]) this.#names.add(taken);
    }
    for (const { name } of [...graph.inputs, ...graph.outputs]) this.#names.add(name);
    for (const name of graph.initializers.keys()) this.#names.add(name);
    for (const node of graph.nodes) pushStandard(node, this);
  }

  rankOf(value: string): number | undefined {
    return this.facts.get(value)?.shape.length;
  }

  fresh(base: string): string {
    let name = base;
    for (let i = 2; this.#names.has(name); i++) name = `${base}_${i}`;
    this.#names.add(name);
    return name;
  }

  constant(base: string, tensor: Tensor): string {
    const name = this.fresh(`${base}_${[...tensor.data].join('_')}`);
    this.initializers.set(name, tensor);
    return name;
  }

  push(node: Node): void {
    this.nodes.push(node);
  }
}

function nodeMessage(node: Node, opset: number, facts: Facts): NodeMessage {
  const attribute = [...node.attributes].map(([name, value]) =>
    attributeMessage(name, value, (graph) => graphMessage(graph, opset, facts)),
  );
  const { name, op, domain, inputs, outputs } = node;
  return { input: [...inputs], output: [...outputs], name, opType: op, attribute, ...(domain && { domain }) };
}

/** Values of a subgraph have no facts; its layers are then written for any rank. */
function graphMessage(graph: Graph, opset: number, facts: Facts): GraphMessage {
  const standard = new StandardGraph(graph, opset, facts);
  return {
    node: standard.nodes.map((node) => nodeMessage(node, opset, facts)),
    name: graph.name || 'graph',
    initializer: [...standard.initializers].map(([name, tensor]) => tensorMessage(name, tensor)),
    input: graph.inputs.map(valueInfo),
    output: graph.outputs.map(valueInfo),
  };
}

/** Oldest IR version whose readers know the operator set. */
function irVersion(opset: number): bigint {
  if (opset < 15) return 7n;
  if (opset < 19) return 8n;
  if (opset < 23) return opset < 21 ? 9n : 10n;
  return opset < 24 ? 11n : 12n;
}

/**
 * Encodes a graph as ONNX with standard operators only: same inputs, outputs and weights, under the same names.
 * @param graph  any graph whose operators kerf knows
 * @returns the file
 * @throws OPERATOR_UNSUPPORTED when a node is of an unknown operator, or cannot be written in the graph's operator set;
 *   FILE_LIMIT when the weights exceed what one protobuf file holds
 */
export function encodeOnnx(graph: Graph): Uint8Array {
  let sizeBytes = 0;
  for (const tensor of graph.initializers.values()) sizeBytes += tensor.sizeBytes;
  if (sizeBytes > maxFileBytes) {
    throw new KerfError('FILE_LIMIT', 'ONNX file', `too large: got ${sizeBytes} bytes, expected <= ${maxFileBytes}.`, {
      got: sizeBytes,
      limit: maxFileBytes,
    });
  }
  const message: ModelMessage = {
    irVersion: irVersion(graph.opset),
    producerName: 'kerf',
    graph: graphMessage(graph, graph.opset, inferFacts(graph)),
    opsetImport: [{ domain: '', version: BigInt(graph.opset) }],
  };
  return encodeMessage(message, modelTable);
}
