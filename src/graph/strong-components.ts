import type { DirectedGraph } from './directed-graph.js';

export interface StrongComponents {
  /** Component number of each node; an edge between components goes from a higher number to a lower one. */
  readonly component: Int32Array<ArrayBuffer>;
  readonly count: number;
}

/** Search state of Tarjan's algorithm. */
class Search {
  readonly component: Int32Array<ArrayBuffer>;
  count = 0;
  #time = 0;
  readonly #found: Int32Array;
  readonly #low: Int32Array;
  readonly #open: number[] = [];

  constructor(readonly graph: DirectedGraph) {
    const n = graph.successors.length;
    this.component = new Int32Array(n).fill(-1);
    this.#found = new Int32Array(n).fill(-1);
    this.#low = new Int32Array(n);
  }

  /** Depth-first from `root`, with its own stack: deep graphs do not overflow the host's. */
  visit(root: number): void {
    if (this.#found[root] >= 0) return;
    const path: { node: number; next: number }[] = [this.#enter(root)];
    while (path.length > 0) {
      const top = path[path.length - 1];
      const targets = this.graph.successors[top.node];
      if (top.next === targets.length) {
        path.pop();
        this.#leave(top.node, path.at(-1)?.node);
        continue;
      }
      const target = targets[top.next++];
      if (this.#found[target] < 0) path.push(this.#enter(target));
      else if (this.component[target] < 0) this.#lower(top.node, this.#found[target]);
    }
  }

  #enter(node: number): { node: number; next: number } {
    this.#found[node] = this.#low[node] = this.#time++;
    this.#open.push(node);
    return { node, next: 0 };
  }

  /** Closes a component when its first node is left; else tells the parent how far back the node reaches. */
  #leave(node: number, parent: number | undefined): void {
    if (this.#low[node] === this.#found[node]) {
      for (let member = -1; member !== node; ) {
        member = this.#open.pop() as number;
        this.component[member] = this.count;
      }
      this.count++;
    }
    if (parent !== undefined) this.#lower(parent, this.#low[node]);
  }

  #lower(node: number, time: number): void {
    this.#low[node] = Math.min(this.#low[node], time);
  }
}

/**
 * Strong components: nodes that reach each other. Tarjan 1972.
 * @complexity O(nodes + edges)
 */
export function strongComponents(graph: DirectedGraph): StrongComponents {
  const search = new Search(graph);
  for (let node = 0; node < graph.successors.length; node++) search.visit(node);
  return { component: search.component, count: search.count };
}

/**
 * Levels of the condensation: 0 for components that nothing enters, else one more than the highest level before.
 * Components of one level do not wait for each other.
 * @returns level of each node
 */
export function condensationLevels(graph: DirectedGraph): Int32Array<ArrayBuffer> {
  const { component, count } = strongComponents(graph);
  const members: number[][] = Array.from({ length: count }, () => []);
  component.forEach((number, node) => {
    members[number].push(node);
  });
  const level = new Int32Array(count);
  // Edges go from higher numbers to lower ones, so this is a topological order.
  for (let number = count - 1; number >= 0; number--) {
    for (const node of members[number]) {
      for (const target of graph.successors[node]) {
        const other = component[target];
        if (other !== number) level[other] = Math.max(level[other], level[number] + 1);
      }
    }
  }
  return component.map((number) => level[number]);
}
