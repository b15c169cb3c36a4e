/** GraphProto -> Graph: names, order and subgraphs checked. */
import type { Attribute, Graph, Node, Port } from '../graph/graph.js';
import type { AttributeMessage, GraphMessage, NodeMessage } from '../graph/protobuf/onnx-schema.js';
import { KerfError } from '../runtime/errors.js';
import type { Tensor } from '../runtime/tensor.js';
import { tooLarge } from './dimensions.js';
import { sortNodes, usedValues } from './node-order.js';
import { attributeOf } from './onnx-attribute.js';
import { dimensionNames, portOf } from './onnx-port.js';
import { type TensorSource, tensorOf } from './onnx-tensor.js';
import { quote } from './quote.js';
import { duplicateName, Scope } from './scope.js';
import { UniqueNames } from './unique-names.js';

const noAttributes: ReadonlyMap<string, Attribute> = new Map();

/** Reads the graphs of one file. */
export class GraphReader {
  #nodes = 0;

  constructor(
    readonly source: TensorSource,
    readonly opset: number,
  ) {}

  /**
   * @param outer  values of the enclosing graphs, which a subgraph may use
   * @param depth  0 for the model's graph
   */
  read(message: GraphMessage, outer?: Scope, depth = 0): Graph {
    const { limits } = this.source;
    const name = message.name ?? '';
    const where = `graph ${quote(name)}`;
    if (depth > limits.maxNesting) throw tooLarge(where, 'nesting', depth, limits.maxNesting);
    if (message.sparseInitializer) {
      throw new KerfError('DTYPE_UNSUPPORTED', where, 'sparse initializers are not supported. Make them dense first.');
    }
    const initializers = this.#initializers(message, where);
    const infos = message.output ?? [];
    // Before IR version 4 initializers stood among the inputs too.
    const inputInfos = (message.input ?? []).filter((info) => !initializers.has(info.name ?? ''));

    const scope = new Scope(where, outer);
    for (const info of inputInfos) scope.define(info.name ?? '');
    for (const value of initializers.keys()) scope.define(value);
    for (const node of message.node ?? []) for (const output of node.output ?? []) if (output) scope.define(output);
    const distinct = new Scope(`${where} outputs`);
    for (const info of infos) distinct.define(info.name ?? '');

    const names = dimensionNames([...inputInfos, ...infos]);
    const kind = depth === 0 ? 'input' : 'output';
    const inputs = inputInfos.map((info) => portOf(info, kind, names, limits));
    const outputs = infos.map((info) => portOf(info, 'output', names, limits));
    const nodes = this.#readNodes(message.node ?? [], scope, depth);
    checkDefined(nodes, outputs, scope);
    const sorted = sortNodes(nodes, where);
    return { name, opset: this.opset, inputs, outputs, nodes: sorted, initializers, quantization: new Map() };
  }

  #initializers(message: GraphMessage, where: string): Map<string, Tensor> {
    const initializers = new Map<string, Tensor>();
    for (const tensor of message.initializer ?? []) {
      const name = tensor.name ?? '';
      if (initializers.has(name)) throw duplicateName(where, name);
      initializers.set(name, tensorOf(tensor, `initializer ${quote(name)}`, this.source));
    }
    return initializers;
  }

  #readNodes(messages: readonly NodeMessage[], scope: Scope, depth: number): Node[] {
    this.#nodes += messages.length;
    const { maxNodes } = this.source.limits;
    if (this.#nodes > maxNodes) throw tooLarge('model', 'number of nodes', this.#nodes, maxNodes);
    const names = new UniqueNames(messages.map(({ name }) => name ?? ''));
    const given = new Set<string>();
    return messages.map((message, i) => {
      let name = message.name ?? '';
      if (name === '') name = names.fresh(`${message.opType ?? ''}_${i}`);
      else if (given.has(name)) name = names.fresh(name);
      given.add(name);
      return this.#readNode(message, name, scope, depth);
    });
  }

  #readNode(message: NodeMessage, name: string, scope: Scope, depth: number): Node {
    const op = message.opType ?? '';
    const where = `node ${quote(name)} (${quote(op).slice(1, -1)})`;
    if (op === '') throw new KerfError('MODEL_INVALID', where, 'the node names no operator.');
    const domain = message.domain === 'ai.onnx' ? '' : (message.domain ?? '');
    const attributes = message.attribute?.length
      ? this.#attributes(message.attribute, where, scope, depth)
      : noAttributes;
    return { name, op, domain, inputs: message.input ?? [], outputs: message.output ?? [], attributes };
  }

  #attributes(
    messages: readonly AttributeMessage[],
    where: string,
    scope: Scope,
    depth: number,
  ): Map<string, Attribute> {
    const attributes = new Map<string, Attribute>();
    for (const message of messages) {
      const name = message.name ?? '';
      if (attributes.has(name)) throw duplicateName(where, name);
      const subgraph = (graph: GraphMessage) => this.read(graph, scope, depth + 1);
      attributes.set(name, attributeOf(message, `${where}, attribute ${quote(name)}`, this.source, subgraph));
    }
    return attributes;
  }
}

/** @throws MODEL_INVALID when a node or an output uses a value that neither this graph nor an enclosing one makes */
function checkDefined(nodes: readonly Node[], outputs: readonly Port[], scope: Scope): void {
  for (const node of nodes) {
    for (const value of usedValues(node)) scope.use(value, `node ${quote(node.name)} (${quote(node.op).slice(1, -1)})`);
  }
  for (const { name } of outputs) scope.use(name, scope.where);
}
