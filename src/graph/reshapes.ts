/**
 * Reshapes of one form, however an exporter wrote them: targets that are read off shapes become numbers, and layers that
 * were given all rows of a sequence below one another take it as it is:
 *
 *     x [b, t, K] ─▶ [b t, K] ─▶ Linear ─▶ [b t, N] ─▶ [b, t, N]      becomes      x ─▶ Linear ─▶ [b, t, N]
 *
 * The same rows are read and written in the same order, so the bits are the same.
 */
import { type Extent, equals, isStatic } from '../runtime/extent.js';
import { readersOf, removeDead } from './fold.js';
import { FreshNames } from './fresh-names.js';
import type { Graph, Node } from './graph.js';
import { type Facts, inferFacts } from './infer.js';
import { integerOf } from './operators/attributes.js';
import { int64Tensor } from './operators/constant.js';

type Shape = readonly Extent[];

const isReshape = ({ op, domain, inputs }: Node) => op === 'Reshape' && domain === '' && inputs.length > 1;

/** Sizes to ask for: numbers, 0 for that of the input at the same place, one -1 for what is left; null where two are left. */
function targetOf(from: Shape, to: Shape): readonly number[] | null {
  // A size of 0 would be read as that of the input.
  if (to.includes(0)) return null;
  const target = to.map((size, axis) => (isStatic(size) ? size : from[axis] && equals(size, from[axis]) ? 0 : -1));
  return target.filter((size) => size === -1).length > 1 ? null : target;
}

/** Rewrites the reshapes of one graph. */
class Reshapes {
  readonly #facts: Facts;
  readonly #readers: ReturnType<typeof readersOf>;
  readonly #producers: ReadonlyMap<string, Node>;
  readonly #outputs: ReadonlySet<string>;
  readonly #constants = new Map<string, readonly number[]>();
  readonly #names: FreshNames;

  constructor(readonly graph: Graph) {
    this.#facts = inferFacts(graph);
    this.#names = new FreshNames(graph);
    this.#readers = readersOf(graph);
    this.#producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((value) => [value, node] as const)));
    this.#outputs = new Set(graph.outputs.map(({ name }) => name));
  }

  run(): Graph {
    const replaced = new Map(this.graph.nodes.flatMap((node) => this.#lifted(node)));
    const nodes = this.graph.nodes.map(
      (node) => replaced.get(node) ?? this.#written(node, this.#shapeOf(node.inputs[0])),
    );
    if (nodes.every((node, i) => node === this.graph.nodes[i])) return this.graph;
    const targets = [...this.#constants].map(([name, target]) => [name, int64Tensor(target)] as const);
    return removeDead({ ...this.graph, nodes, initializers: new Map([...this.graph.initializers, ...targets]) });
  }

  #shapeOf(value: string): Shape {
    return this.#facts.get(value)?.shape ?? [];
  }

  /** A Reshape of what has the shape `from`, with a constant target; the node itself where there is none to write. */
  #written(node: Node, from: Shape): Node {
    if (!isReshape(node) || this.graph.initializers.has(node.inputs[1])) return node;
    return this.#reshape(node, node.inputs[0], from) ?? node;
  }

  #reshape(node: Node, input: string, from: Shape): Node | null {
    const to = this.#shapeOf(node.outputs[0]);
    if (from.length === to.length && from.every((size, axis) => equals(size, to[axis]))) {
      return { ...node, op: 'Identity', inputs: [input], attributes: new Map() };
    }
    const target = integerOf(node, 'allowzero', 0) === 0 ? targetOf(from, to) : null;
    if (!target) return null;
    const name = this.#names.take(`${node.name}:target`);
    this.#constants.set(name, target);
    return { ...node, inputs: [input, name] };
  }

  /** A layer that reads a flattened value, and the reshapes behind it, as they are without that: old node and new. */
  #lifted(layer: Node): readonly (readonly [Node, Node])[] {
    const flatten = layer.op === 'Linear' && layer.domain === 'kerf' ? this.#producers.get(layer.inputs[0]) : undefined;
    const [made] = layer.outputs;
    if (!flatten || !isReshape(flatten) || this.#outputs.has(made)) return [];
    const [from, rows, results] = [flatten.inputs[0], layer.inputs[0], made].map((value) => this.#shapeOf(value));
    const isFlat = from.length > 2 && rows.length === 2 && equals(from[from.length - 1], rows[1]);
    if (!isFlat) return [];
    const readers = this.#readers.get(made) ?? [];
    const behind = readers.map((reader) => {
      return isReshape(reader) ? this.#reshape(reader, made, [...from.slice(0, -1), results[1]]) : null;
    });
    if (behind.includes(null)) return [];
    const lifted = { ...layer, inputs: [flatten.inputs[0], ...layer.inputs.slice(1)] };
    return [[layer, lifted], ...readers.map((reader, i) => [reader, behind[i] as Node] as const)];
  }
}

export function settleReshapes(graph: Graph): Graph {
  return graph.nodes.some(isReshape) ? new Reshapes(graph).run() : graph;
}
