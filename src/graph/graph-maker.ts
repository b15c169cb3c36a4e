/** Makes a graph node by node, with what is known of its values on the way. */
import { isStatic } from '../runtime/extent.js';
import type { Tensor } from '../runtime/tensor.js';
import type { Attribute, Fact, Graph, Node } from './graph.js';
import { type Facts, Inference } from './infer.js';
import { constantInput, nodeError } from './operators/attributes.js';
import { int64Tensor } from './operators/constant.js';

/** Most nodes of a graph that is made from another. */
const maximumNodes = 50_000;

export class GraphMaker {
  readonly #nodes: Node[] = [];
  readonly #initializers: Map<string, Tensor>;
  readonly #names: Set<string>;
  /** The last number that was tried behind a name, so that many turns do not count from 1 each. */
  readonly #tried = new Map<string, number>();
  readonly #inference: Inference;
  /** Nodes whose facts are known. */
  #inferred = 0;

  constructor(readonly graph: Graph) {
    this.#initializers = new Map(graph.initializers);
    this.#inference = new Inference(graph);
    this.#names = new Set([
      ...graph.initializers.keys(),
      ...graph.inputs.map(({ name }) => name),
      ...graph.nodes.flatMap((node) => [node.name, ...node.outputs]),
    ]);
  }

  /** The graph with the nodes and constants made so far in place of its own. */
  made(): Graph {
    return { ...this.graph, nodes: this.#nodes, initializers: this.#initializers };
  }

  get opset(): number {
    return this.graph.opset;
  }

  fresh(wanted: string): string {
    let n = this.#tried.get(wanted) ?? 0;
    let name = n === 0 ? wanted : `${wanted}:${n}`;
    while (this.#names.has(name)) name = `${wanted}:${++n}`;
    this.#tried.set(wanted, n);
    this.#names.add(name);
    return name;
  }

  emit(
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain = '',
  ) {
    const name = this.fresh(`${op}:${outputs[0]}`);
    this.push({ name, op, domain, inputs, outputs, attributes: new Map(Object.entries(attributes)) });
  }

  constant(wanted: string, tensor: Tensor): string {
    const name = this.fresh(wanted);
    this.define(name, tensor);
    return name;
  }

  /** Known value of a node's input, or undefined where the input is absent. @throws SHAPE_UNSUPPORTED naming it */
  known(node: Node, index: number): Tensor | undefined {
    if (!node.inputs[index]) return undefined;
    const facts = this.#infer();
    return constantInput(
      node,
      node.inputs.map((value) => (value === '' ? undefined : facts.get(value))),
      index,
    );
  }

  /** What is known of a value that has been made. */
  factOf(value: string): Fact {
    return this.#infer().get(value)!;
  }

  sizeOf(node: Node, value: string, axis: number): number {
    const { shape } = this.factOf(value);
    const size = shape.at(axis);
    if (size !== undefined && isStatic(size)) return size;
    throw nodeError(
      'SHAPE_UNSUPPORTED',
      node,
      `axis ${axis} of "${value}": got a symbolic size, expected a number. Fix it in the model, or with --sizes.`,
    );
  }

  define(name: string, tensor: Tensor): void {
    this.#initializers.set(name, tensor);
    this.#inference.define(name, tensor);
  }

  /** Facts of everything emitted so far; each node is inferred once. */
  #infer(): Facts {
    for (; this.#inferred < this.#nodes.length; this.#inferred++) this.#inference.add(this.#nodes[this.#inferred]);
    return this.#inference.facts;
  }

  push(node: Node): void {
    if (this.#nodes.length >= maximumNodes) {
      throw nodeError(
        'MODEL_LIMIT',
        node,
        `inlined nodes: got more than ${maximumNodes}. Export the model unrolled less.`,
      );
    }
    this.#nodes.push(node);
  }

  unsqueezed(value: string, axis: number): string {
    return this.#withAxis('Unsqueeze', value, axis);
  }

  squeezed(value: string, axis: number): string {
    return this.#withAxis('Squeeze', value, axis);
  }

  /** Axes are an attribute before opset 13, an input from then on. */
  #withAxis(op: string, value: string, axis: number): string {
    const result = this.fresh(`${value}:${op}`);
    if (this.opset < 13) this.emit(op, [value], [result], { axes: [axis] });
    else this.emit(op, [value, this.constant(`${result}:axes`, int64Tensor([axis]))], [result]);
    return result;
  }
}
