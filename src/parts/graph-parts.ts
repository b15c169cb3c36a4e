/** Parts of a graph: branches that share only inputs, the components of split layers, and what joins them. */
import { recogniseAttention } from '../graph/attention-pattern.js';
import { macsByNode } from '../graph/cost.js';
import type { Graph, Node } from '../graph/graph.js';
import { inferFacts } from '../graph/infer.js';
import { findMatches } from '../graph/patterns.js';
import type { Part } from './parts.js';

/** A part while it is found. */
interface Draft {
  readonly nodes: Node[];
  readonly after: Set<Draft>;
}

/** Finds the parts; see {@link findGraphParts}. */
class Finder {
  readonly #producers: ReadonlyMap<string, Node>;
  readonly #draftOf = new Map<Node, Draft>();
  readonly #byGroup = new Map<string, Draft>();
  readonly #free = new Set<Node>();
  /** What becomes one step, by its last node; the others are placed with it. */
  readonly #joined: ReadonlyMap<Node, readonly Node[]>;
  readonly #inner: ReadonlySet<Node>;
  readonly drafts: Draft[] = [];

  constructor(
    readonly graph: Graph,
    readonly macs: ReadonlyMap<string, number>,
    readonly groupOf: ReadonlyMap<string, string>,
  ) {
    this.#producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((value) => [value, node] as const)));
    const matches = findMatches(graph, inferFacts(graph), undefined, [recogniseAttention]);
    this.#joined = new Map(matches.map(({ root, inner }) => [root, inner]));
    this.#inner = new Set(matches.flatMap(({ inner }) => inner));
  }

  find(): readonly Draft[] {
    for (const node of this.graph.nodes) if (!this.#inner.has(node)) this.#place(node);
    this.#placeFree();
    return this.drafts;
  }

  /** What a node reads, and those that are placed with it. */
  #before(node: Node): Node[] {
    const all = [node, ...(this.#joined.get(node) ?? [])];
    const before = all.flatMap(({ inputs }) => inputs).flatMap((value) => this.#producers.get(value) ?? []);
    return before.filter((other) => !all.includes(other));
  }

  /** Gives a node to the part of what it reads, or opens one where it reads several. */
  #place(node: Node): void {
    const before = this.#before(node);
    const group = this.groupOf.get(node.name);
    // What costs nothing and reads inputs alone (a reshape, a gather) is as good as an input.
    if (group === undefined && !this.macs.get(node.name) && before.every((other) => this.#free.has(other))) {
      this.#free.add(node);
      return;
    }
    const from = new Set(before.flatMap((other) => this.#draftOf.get(other) ?? []));
    const known = group === undefined ? undefined : this.#byGroup.get(group);
    const [only] = from;
    const draft =
      known ?? (group === undefined && from.size === 1 && !this.#isGrouped(only) ? only : this.#open(group));
    for (const one of [node, ...(this.#joined.get(node) ?? [])]) {
      draft.nodes.push(one);
      this.#draftOf.set(one, draft);
    }
    for (const other of from) if (other !== draft) draft.after.add(other);
  }

  /** A component's part holds its own nodes only. */
  #isGrouped(draft: Draft): boolean {
    return [...this.#byGroup.values()].includes(draft);
  }

  #open(group?: string): Draft {
    const draft: Draft = { nodes: [], after: new Set() };
    this.drafts.push(draft);
    if (group !== undefined) this.#byGroup.set(group, draft);
    return draft;
  }

  /** Free nodes go to the one part that reads them; those that several read form a part before all of these. */
  #placeFree(): void {
    const prefix: Draft = { nodes: [], after: new Set() };
    for (const node of [...this.graph.nodes].reverse()) {
      if (!this.#free.has(node)) continue;
      const readers = this.graph.nodes.filter((other) => other.inputs.some((value) => node.outputs.includes(value)));
      const isOutput = this.graph.outputs.some(({ name }) => node.outputs.includes(name));
      const targets = new Set(readers.map((other) => this.#draftOf.get(other) as Draft));
      const [only] = targets;
      const draft = targets.size === 1 && !isOutput ? only : prefix;
      draft.nodes.push(node);
      this.#draftOf.set(node, draft);
      if (draft === prefix) for (const target of targets) if (target !== prefix) target.after.add(prefix);
    }
    if (prefix.nodes.length > 0) this.drafts.unshift(prefix);
  }
}

/** Merges a part into the one it waits for, where neither has another neighbour on that side. */
function mergeLines(drafts: readonly Draft[]): readonly Draft[] {
  const left = [...drafts];
  for (let i = 0; i < left.length; ) {
    const [before] = left[i].after;
    const isLine = left[i].after.size === 1 && left.filter(({ after }) => after.has(before)).length === 1;
    if (!isLine) {
      i++;
      continue;
    }
    const [merged] = left.splice(i, 1);
    before.nodes.push(...merged.nodes);
    for (const { after } of left) if (after.delete(merged)) after.add(before);
    i = 0;
  }
  return left;
}

/** Numbers of float parameters a part is the first to read. */
function parameterCounter(graph: Graph): (nodes: readonly Node[]) => number {
  const counted = new Set<string>();
  return (nodes) => {
    let count = 0;
    for (const value of new Set(nodes.flatMap(({ inputs }) => inputs))) {
      const tensor = graph.initializers.get(value);
      if (!tensor || counted.has(value) || !tensor.type.startsWith('float') || tensor.dims.length === 0) continue;
      counted.add(value);
      count += tensor.size;
    }
    return count;
  };
}

/**
 * The parts of a graph. A node joins the part of what it reads; one that reads several parts opens a new one behind
 * them; nodes that become one step, as attention does, stay together. So branches that share only inputs are parts that never wait.
 * @param groupOf  component key by node name: nodes of one key are a part of their own
 * @param bindings  sizes of symbolic dimensions for the cost; 1 where not given
 * @returns parts in an order in which each comes after those it waits for; their nodes in topological order
 */
export function findGraphParts(
  graph: Graph,
  groupOf: ReadonlyMap<string, string>,
  bindings?: ReadonlyMap<string, number>,
): readonly Part[] {
  const macs = macsByNode(graph, bindings);
  const drafts = mergeLines(new Finder(graph, macs, groupOf).find());
  const position = new Map(graph.nodes.map((node, i) => [node, i]));
  const parametersOf = parameterCounter(graph);
  return drafts.map(({ nodes, after }, id): Part => {
    const sorted = nodes.sort((a, b) => (position.get(a) as number) - (position.get(b) as number));
    return {
      id,
      nodes: sorted.map(({ name }) => name),
      after: [...after].map((other) => drafts.indexOf(other)).sort((a, b) => a - b),
      parameters: parametersOf(sorted),
      macs: sorted.reduce((sum, { name }) => sum + (macs.get(name) ?? 0), 0),
    };
  });
}
