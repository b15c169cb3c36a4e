/** Recognises groups of nodes that one kernel computes. What is recognised, attention-pattern.ts says. */
import type { Graph, Node } from './graph.js';
import type { Facts } from './infer.js';

/** Nodes that become one. */
export interface Match {
  /** The last of them, whose place and name the new node takes. */
  readonly root: Node;
  /** The others; their results must be read by nodes of the match alone. */
  readonly inner: readonly Node[];
  readonly node: Pick<Node, 'op' | 'domain' | 'inputs' | 'attributes'>;
}

/** What a pattern may ask of the graph. */
export class Pattern {
  readonly #producers: ReadonlyMap<string, Node>;
  readonly #readers = new Map<string, Node[]>();
  readonly #outputs: ReadonlySet<string>;

  constructor(
    readonly graph: Graph,
    readonly facts: Facts,
    readonly partOf: ReadonlyMap<string, number> | undefined,
  ) {
    this.#producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((value) => [value, node] as const)));
    for (const node of graph.nodes) {
      for (const value of node.inputs) this.#readers.set(value, [...(this.#readers.get(value) ?? []), node]);
    }
    this.#outputs = new Set(graph.outputs.map(({ name }) => name));
  }

  /** The node of ai.onnx that computes a value, if it is one of `ops`. */
  producer(value: string | undefined, ...ops: readonly string[]): Node | undefined {
    const node = value === undefined ? undefined : this.#producers.get(value);
    return node?.domain === '' && ops.includes(node.op) ? node : undefined;
  }

  readers(value: string): readonly Node[] {
    return this.#readers.get(value) ?? [];
  }

  /** The constant float32 number that a value is. */
  scalar(value: string | undefined): number | undefined {
    const constant = value === undefined ? undefined : this.facts.get(value)?.constant;
    return constant?.type === 'float32' && constant.size === 1 ? (constant.data[0] as number) : undefined;
  }

  /** The two inputs of a node in the order in which the first passes; undefined where neither does. */
  split(node: Node | undefined, isFirst: (value: string) => boolean): readonly [string, string] | undefined {
    if (node?.inputs.length !== 2) return undefined;
    const [a, b] = node.inputs;
    return isFirst(a) ? [a, b] : isFirst(b) ? [b, a] : undefined;
  }

  /** Whether nothing outside the match reads what its inner nodes compute, and all are of one part. */
  isClosed({ root, inner }: Pick<Match, 'root' | 'inner'>): boolean {
    const all = new Set([root, ...inner]);
    return inner.every((node) => {
      if (this.partOf && this.partOf.get(node.name) !== this.partOf.get(root.name)) return false;
      return node.outputs.every(
        (value) => !this.#outputs.has(value) && this.readers(value).every((reader) => all.has(reader)),
      );
    });
  }
}

/** A pattern, asked about each node in turn. */
export type Recognise = (node: Node, pattern: Pattern) => Match | undefined;

/** The matches in a graph, none of which has a node of another. */
export function findMatches(
  graph: Graph,
  facts: Facts,
  partOf: ReadonlyMap<string, number> | undefined,
  patterns: readonly Recognise[],
): readonly Match[] {
  const pattern = new Pattern(graph, facts, partOf);
  const taken = new Set<Node>();
  return graph.nodes.flatMap((node) => {
    for (const recognise of patterns) {
      const match = recognise(node, pattern);
      if (!match || !pattern.isClosed(match)) continue;
      const all = [match.root, ...match.inner];
      if (all.some((one) => taken.has(one))) continue;
      for (const one of all) taken.add(one);
      return [match];
    }
    return [];
  });
}

/** @returns the graph in which each match is one node; the same function up to rounding */
export function fuseMatches(graph: Graph, matches: readonly Match[]): Graph {
  const inner = new Set(matches.flatMap((match) => match.inner));
  const byRoot = new Map(matches.map(({ root, node }) => [root, { ...node, name: root.name, outputs: root.outputs }]));
  return { ...graph, nodes: graph.nodes.flatMap((node) => (inner.has(node) ? [] : [byRoot.get(node) ?? node])) };
}
