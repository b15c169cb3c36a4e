/**
 * Values of graphs on some rows, each computed from what an earlier call left: layers are fitted from the first to the
 * last, and most of what the next one reads has been computed for the one before.
 */
import { readersOf } from '../graph/fold.js';
import type { Graph, Node } from '../graph/graph.js';
import { inferFacts } from '../graph/infer.js';
import type { Feeds } from '../runtime/executor.js';
import { equals } from '../runtime/extent.js';
import type { Tensor } from '../runtime/tensor.js';
import type { Evaluate } from './context.js';

/** The node that makes each value. */
const producersOf = ({ nodes }: Graph): ReadonlyMap<string, Node> =>
  new Map(nodes.flatMap((node) => node.outputs.map((value) => [value, node] as const)));

/** The nodes that a value is computed by. */
function upstreamOf(graph: Graph, value: string): ReadonlySet<Node> {
  const producers = producersOf(graph);
  const nodes = new Set<Node>();
  const pending = [value];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const node = producers.get(next);
    if (!node || nodes.has(node)) continue;
    nodes.add(node);
    pending.push(...node.inputs);
  }
  return nodes;
}

/** Values of a graph at the last place that was asked for, and what later nodes read besides. */
export class Frontier {
  #graph: Graph | null = null;
  #values: Feeds = {};

  /** @param limit  elements that are kept at most */
  constructor(
    readonly rows: Feeds,
    readonly evaluate: Evaluate,
    readonly limit: number,
  ) {}

  async of(graph: Graph, value: string): Promise<Tensor> {
    const known: Feeds = Object.assign(Object.create(null), this.rows, this.#unchanged(graph));
    if (known[value]) return known[value];
    const live = liveBehind(graph, value);
    const wanted = [value, ...live.filter((name) => name !== value && !known[name])];
    const made = await this.evaluate(cutAt(graph, known), known, wanted);
    const kept = live.map((name) => [name, made[name] ?? known[name]] as const);
    const isSmall = kept.reduce((sum, [, { size }]) => sum + size, 0) <= this.limit;
    this.#graph = graph;
    this.#values = isSmall ? Object.fromEntries(kept) : {};
    return made[value];
  }

  /** The kept values that `graph` computes by the same nodes from the same constants. */
  #unchanged(graph: Graph): Feeds {
    if (!this.#graph || graph === this.#graph) return this.#values;
    const [before, after] = [this.#graph, graph].map(producersOf);
    const known = new Map<string, boolean>();
    const isSame = (value: string): boolean => {
      const seen = known.get(value);
      if (seen !== undefined) return seen;
      const node = after.get(value);
      const same =
        node === before.get(value) &&
        graph.initializers.get(value) === this.#graph?.initializers.get(value) &&
        (node?.inputs.every(isSame) ?? true);
      known.set(value, same);
      return same;
    };
    return Object.fromEntries(Object.entries(this.#values).filter(([value]) => isSame(value)));
  }
}

/** What nodes that `value` does not need read of those that it needs, itself among them, where it has a row a sample. */
function liveBehind(graph: Graph, value: string): readonly string[] {
  const nodes = upstreamOf(graph, value);
  const readers = readersOf(graph);
  const facts = inferFacts(graph);
  const samples = facts.get(graph.inputs[0].name)?.shape[0];
  const isLive = (name: string) => name === value || (readers.get(name) ?? []).some((reader) => !nodes.has(reader));
  const hasSamples = (name: string) => {
    const first = facts.get(name)?.shape[0];
    return first !== undefined && samples !== undefined && equals(first, samples);
  };
  // A node is cut off as a whole.
  const single = [...nodes].flatMap(({ outputs }) => (outputs.length === 1 ? outputs : []));
  return single.filter((name) => isLive(name) && hasSamples(name));
}

/** The graph that reads known values instead of computing them. */
function cutAt(graph: Graph, known: Feeds): Graph {
  const facts = inferFacts(graph);
  const given = new Set(graph.inputs.map(({ name }) => name));
  const cut = Object.keys(known).filter((name) => !given.has(name));
  const ports = cut.map((name) => {
    const { dtype, shape } = facts.get(name)!;
    return { name, dtype, shape };
  });
  const isCut = new Set(cut);
  const nodes = graph.nodes.filter(({ outputs }) => !outputs.some((name) => isCut.has(name)));
  return { ...graph, inputs: [...graph.inputs, ...ports], nodes };
}
