/**
 * Writes the components of a run of layers as layers of their own:
 *
 *     x ─┬─ gather ─ Linear ─ act ─ Linear ─┐
 *        ├─ gather ─ Linear ─ act ─ Linear ─┼─ concat ─ (gather) ─▶ y
 *        └─ gather ─ Linear ─ act ─ Linear ─┘
 *
 * A gather that would pick everything in order is left out; hidden units need none, since their order is free. Rows and
 * columns keep their order inside a component, so every sum adds the same numbers in the same order as before, less
 * some zeros: outputs are equal bit for bit.
 */
import { freshName, type Linear, linearNode } from '../annealing/rewrite.js';
import { pick, submatrix } from '../annealing/submatrix.js';
import { removeDead } from '../graph/fold.js';
import type { Graph, Node } from '../graph/graph.js';
import { Tensor } from '../runtime/tensor.js';
import type { Chain } from './chains.js';
import type { NeuronComponent } from './neuron-components.js';

/** Share of a layer's inputs from which on a component reads them all rather than a gather. */
const wholeShare = 7 / 8;

/** Follows a node's name and precedes a component's number. */
export const componentSuffix = '/part';

export interface Split {
  readonly graph: Graph;
  /** Names of the nodes of each component. */
  readonly groups: readonly (readonly string[])[];
}

/** Collects the nodes that replace a run of layers. */
class Writer {
  readonly nodes: Node[] = [];
  readonly groups: string[][] = [];
  readonly constants = new Map<string, Tensor>();
  readonly #taken = new Set<string>();

  constructor(
    readonly graph: Graph,
    readonly run: Chain,
  ) {}

  /** Writes one component; returns the value of its outputs. */
  writeComponent({ inputs, units }: NeuronComponent, id: number): string {
    const group: string[] = [];
    this.groups.push(group);
    const add = (node: Node) => {
      this.nodes.push(node);
      group.push(node.name);
      return node.outputs[0];
    };
    const { layers, activations } = this.run;
    const isWhole = inputs.length >= wholeShare * layers[0].weight.dims[1];
    let columns = isWhole ? Int32Array.from({ length: layers[0].weight.dims[1] }, (_, j) => j) : inputs;
    let value = isWhole
      ? layers[0].input
      : add(this.gather(layers[0].input, inputs, `${layers[0].name}${componentSuffix}${id}/gather`));
    layers.forEach((layer, i) => {
      value = add(this.#linear(layer, value, units[i], columns, id));
      columns = units[i];
      const copies = new Map([[layer.output, value]]);
      for (const node of activations[i] ?? []) copies.set(node.outputs[0], add(this.#activation(node, copies, id)));
      value = copies.get(layers[i + 1]?.input ?? '') ?? value;
    });
    return value;
  }

  gather(source: string, indexes: Int32Array, wanted: string, output?: string): Node {
    const [name, indices] = [this.#fresh(wanted), this.#fresh(`${wanted}.indices`)];
    this.constants.set(indices, new Tensor('int64', BigInt64Array.from(indexes, BigInt), [indexes.length]));
    const attributes = new Map([['axis', -1]]);
    return {
      name,
      op: 'Gather',
      domain: '',
      inputs: [source, indices],
      outputs: [output ?? this.#fresh(wanted)],
      attributes,
    };
  }

  concat(values: readonly string[], wanted: string, output?: string): Node {
    const attributes = new Map([['axis', -1]]);
    const name = this.#fresh(wanted);
    return { name, op: 'Concat', domain: '', inputs: values, outputs: [output ?? this.#fresh(wanted)], attributes };
  }

  #linear(
    layer: Linear,
    input: string,
    rows: Int32Array<ArrayBuffer>,
    columns: Int32Array<ArrayBuffer>,
    id: number,
  ): Node {
    const name = this.#fresh(`${layer.name}${componentSuffix}${id}`);
    const named = {
      ...layer,
      name,
      node: { ...layer.node, name, outputs: [this.#fresh(`${layer.output}${componentSuffix}${id}`)] },
    };
    const bias = layer.bias && pick(layer.bias, rows);
    const { node, constants } = linearNode(this.graph, named, submatrix(layer.weight, rows, columns), bias, input);
    for (const [key, tensor] of constants) this.constants.set(key, tensor);
    return node;
  }

  /** @param copies  of the component, by the value they are a part of; what is none of these is constant */
  #activation(node: Node, copies: ReadonlyMap<string, string>, id: number): Node {
    const outputs = node.outputs.map((value) => (value === '' ? '' : this.#fresh(`${value}${componentSuffix}${id}`)));
    const inputs = node.inputs.map((value) => copies.get(value) ?? value);
    return { ...node, name: this.#fresh(`${node.name}${componentSuffix}${id}`), inputs, outputs };
  }

  #fresh(wanted: string): string {
    let name = freshName(this.graph, wanted);
    while (this.#taken.has(name)) name += '.';
    this.#taken.add(name);
    return name;
  }
}

const isIdentity = (order: Int32Array): boolean => order.every((from, to) => from === to);

/** Where each output stands in the concatenation of the components' outputs. */
function inverse(orders: readonly Int32Array[]): Int32Array {
  const all = orders.flatMap((order) => [...order]);
  const positions = new Int32Array(all.length);
  all.forEach((output, position) => {
    positions[output] = position;
  });
  return positions;
}

/**
 * Replaces a run of layers by its components.
 * @param run  layers that follow each other directly, in `graph`
 * @param components  two or more; they cover every output of the last layer
 */
export function splitChain(graph: Graph, run: Chain, components: readonly NeuronComponent[]): Split {
  const writer = new Writer(graph, run);
  const values = components.map((component, id) => writer.writeComponent(component, id));
  const last = run.layers[run.layers.length - 1];
  const order = inverse(components.map(({ units }) => units[units.length - 1]));
  const inOrder = isIdentity(order);
  const joined = writer.concat(values, `${last.name}/concat`, inOrder ? last.output : undefined);
  writer.nodes.push(joined);
  if (!inOrder) writer.nodes.push(writer.gather(joined.outputs[0], order, `${last.name}/order`, last.output));
  return { graph: replaceRun(graph, last.name, writer), groups: writer.groups };
}

/** Puts the new nodes where the last layer stood; the old layers are then dead. */
function replaceRun(graph: Graph, last: string, { nodes, constants }: Writer): Graph {
  return removeDead({
    ...graph,
    nodes: graph.nodes.flatMap((node) => (node.name === last ? nodes : [node])),
    initializers: new Map([...graph.initializers, ...constants]),
  });
}
