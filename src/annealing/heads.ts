/**
 * Heads of attention, whose inner widths can be cut:
 *
 *     x ─▶ query ─▶ [.., heads, depth] ─▶ Transpose ─┐
 *     x ─▶ key ───▶ [.., heads, depth] ─▶ Transpose ─┴▶ MatMul ─▶ scores
 *
 *     x ─▶ value ─▶ [.., heads, depth] ─▶ Transpose ──▶ MatMul ─▶ Transpose ─▶ [.., heads depth] ─▶ reader
 *                                     shares of values ─┘
 *
 * Scores are products over the places of `depth`, and shares weigh all places alike: in any other basis of a head both are
 * the same, and in the right one the last places carry little.
 */
import { readersOf } from '../graph/fold.js';
import type { Graph, Node } from '../graph/graph.js';
import { type Facts, inferFacts } from '../graph/infer.js';
import { integersOf } from '../graph/operators/attributes.js';
import { int64Tensor } from '../graph/operators/constant.js';
import type { Extent } from '../runtime/extent.js';
import { freshName, isPlain, type Linear, layersOf, replaceNode } from './rewrite.js';

/** What one product of attention runs over, in every head alike. */
export interface Heads {
  readonly name: string;
  /** Query and key of scores; the value that shares weigh. Output h depth + j of each is place j of head h. */
  readonly makers: readonly Linear[];
  /** The layer that reads what shares weigh, in the same order; null for scores. */
  readonly reader: Linear | null;
  readonly heads: number;
  readonly depth: number;
  /** Reshapes that write the width of a head, or of all, as their last axis; `perHead` tells which. */
  readonly reshapes: readonly { readonly name: string; readonly perHead: boolean }[];
}

interface Path {
  readonly layer: Linear;
  readonly reshape: Node | null;
  /** The axis of the product along which heads stand; null where no Reshape makes any. */
  readonly group: number | null;
}

/** Follows the axis of a head's places from a product of attention to the layers around it. */
class Follower {
  readonly #facts: Facts;
  readonly #readers: ReturnType<typeof readersOf>;
  readonly #outputs: ReadonlySet<string>;
  readonly #producers: ReadonlyMap<string, Node>;
  readonly #layers: ReadonlyMap<Node, Linear>;

  constructor(readonly graph: Graph) {
    this.#facts = inferFacts(graph);
    this.#readers = readersOf(graph);
    this.#outputs = new Set(graph.outputs.map(({ name }) => name));
    this.#producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((value) => [value, node] as const)));
    this.#layers = new Map(
      layersOf(graph)
        .filter(isPlain)
        .map((layer) => [layer.node, layer]),
    );
  }

  shapeOf(value: string): readonly Extent[] {
    return this.#facts.get(value)?.shape ?? [];
  }

  /** The only node that reads a value; undefined for a value that more sees. */
  #readerOf(value: string): Node | undefined {
    const nodes = this.#readers.get(value) ?? [];
    return nodes.length === 1 && !this.#outputs.has(value) ? nodes[0] : undefined;
  }

  /** The input of a node that multiplies or divides it by a constant scalar. */
  #scaled({ op, domain, inputs }: Node): string | undefined {
    if (domain !== '' || (op !== 'Mul' && op !== 'Div')) return undefined;
    const isScalar = (value: string) => this.graph.initializers.get(value)?.size === 1;
    if (isScalar(inputs[1])) return inputs[0];
    return op === 'Mul' && isScalar(inputs[0]) ? inputs[1] : undefined;
  }

  /** Whether the target of a Reshape can be written down with another last axis. */
  #isWritable(node: Node): boolean {
    return node.op === 'Reshape' && node.domain === '' && targetOf(this.graph, node) !== null;
  }

  /** The layer whose outputs an operand of a product holds along `axis`. */
  maker(operand: string, axis: number): Path | null {
    let value = operand;
    // Where the operand's axes stand in the value.
    let axes = this.shapeOf(operand).map((_, i) => i);
    let reshape: Node | null = null;
    let group: number | null = null;
    for (;;) {
      const node = this.#producers.get(value);
      if (!node || !this.#readerOf(value)) return null;
      const rank = this.shapeOf(value).length;
      const isLast = reshape !== null || axes[axis] === rank - 1;
      const layer = this.#layers.get(node);
      if (layer) return isLast ? { layer, reshape, group } : null;
      const scaled = this.#scaled(node);
      if (scaled !== undefined) value = scaled;
      else if (!reshape && node.op === 'Transpose' && node.domain === '') {
        const perm = permOf(node, rank);
        axes = axes.map((at) => perm[at]);
        value = node.inputs[0];
      } else if (!reshape && isLast && this.#isWritable(node)) {
        reshape = node;
        group = axes.indexOf(rank - 2);
        value = node.inputs[0];
      } else return null;
    }
  }

  /** The layer that reads a product along `axis`, head by head along `group`. */
  reader(result: string, axis: number, group: number | null): Path | null {
    let [value, at, head] = [result, axis, group ?? -1];
    let reshape: Node | null = null;
    for (;;) {
      const node = this.#readerOf(value);
      if (!node) return null;
      const rank = this.shapeOf(value).length;
      const layer = this.#layers.get(node);
      if (layer) return layer.input === value && at === rank - 1 ? { layer, reshape, group } : null;
      if (!reshape && node.op === 'Transpose' && node.domain === '') {
        const perm = permOf(node, rank);
        [at, head] = [perm.indexOf(at), perm.indexOf(head)];
      } else if (!reshape && at === rank - 1 && head === rank - 2 && this.#isWritable(node)) {
        reshape = node;
        at = this.shapeOf(node.outputs[0]).length - 1;
      } else if (this.#scaled(node) !== value) return null;
      value = node.outputs[0];
    }
  }
}

/** The axes that a Transpose reads, in the order of its output. */
export function permOf(node: Node, rank: number): readonly number[] {
  return integersOf(node, 'perm') ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
}

/** The sizes that a Reshape asks for: 0 for that of its input, -1 for what is left; null where they are not constant. */
export function targetOf({ initializers }: Graph, { inputs }: Node): readonly number[] | null {
  const constant = initializers.get(inputs[1]);
  return constant ? Array.from(constant.data as ArrayLike<number | bigint>, Number) : null;
}

/** Products of attention whose places are made, and read, by linear layers alone. */
export function headsOf(graph: Graph): readonly Heads[] {
  const products = graph.nodes.filter(({ op, domain, inputs }) => {
    return op === 'MatMul' && domain === '' && inputs.every((value) => !graph.initializers.has(value));
  });
  if (products.length === 0) return [];
  const follower = new Follower(graph);
  return products.flatMap(({ name, inputs: [a, b], outputs: [y] }) => {
    const rank = follower.shapeOf(b).length;
    if (rank < 2 || follower.shapeOf(a).length !== rank) return [];
    const [query, key] = [follower.maker(a, rank - 1), follower.maker(b, rank - 2)];
    if (query && key && query.group === key.group) return madeOf(follower, `scores ${name}`, [query, key], null);
    const value = follower.maker(b, rank - 1);
    const reader = value && follower.reader(y, rank - 1, value.group);
    return value && reader ? madeOf(follower, `values ${name}`, [value], reader) : [];
  });
}

/** The heads between these layers, where their sizes agree. */
function madeOf(follower: Follower, name: string, makers: readonly Path[], reader: Path | null): readonly Heads[] {
  const [{ layer, reshape }] = makers;
  const [out] = layer.weight.dims;
  const depth = reshape ? follower.shapeOf(reshape.outputs[0]).at(-1) : out;
  if (typeof depth !== 'number' || depth < 1 || out % depth !== 0) return [];
  const lastOf = (value: string | undefined) => (value === undefined ? undefined : follower.shapeOf(value).at(-1));
  const isAlike = makers.every((maker) => {
    const last = maker.reshape ? lastOf(maker.reshape.outputs[0]) : maker.layer.weight.dims[0];
    return maker.layer.weight.dims[0] === out && last === depth;
  });
  const isRead = !reader || (reader.layer.weight.dims[1] === out && (reader.reshape || depth === out));
  if (!isAlike || !isRead || new Set(makers.map((maker) => maker.layer.name)).size < makers.length) return [];
  const reshapes = [
    ...makers.flatMap((maker) => (maker.reshape ? [{ name: maker.reshape.name, perHead: true }] : [])),
    ...(reader?.reshape ? [{ name: reader.reshape.name, perHead: false }] : []),
  ];
  const layers = makers.map((maker) => maker.layer);
  return [{ name, makers: layers, reader: reader?.layer ?? null, heads: out / depth, depth, reshapes }];
}

/** The graph with heads of another width in its reshapes; their layers are still to follow. */
export function reshapeHeads(graph: Graph, { heads, reshapes }: Heads, width: number): Graph {
  return reshapes.reduce((next, { name, perHead }) => {
    const node = next.nodes.find((one) => one.name === name) as Node;
    const target = targetOf(graph, node) as readonly number[];
    const last = target.at(-1) === -1 ? -1 : perHead ? width : heads * width;
    const shape = freshName(next, `${name}/shape`);
    return replaceNode(
      next,
      name,
      [{ ...node, inputs: [node.inputs[0], shape] }],
      [[shape, int64Tensor([...target.slice(0, -1), last])]],
    );
  }, graph);
}
