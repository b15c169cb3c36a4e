import type { DirectedGraph } from './directed-graph.js';

/** A forest of parents in which every root is its tree's smallest node. */
export class Forest {
  readonly parents: Int32Array<ArrayBuffer>;

  constructor(n: number) {
    this.parents = Int32Array.from({ length: n }, (_, node) => node);
  }

  rootOf(node: number): number {
    let root = node;
    while (this.parents[root] !== root) root = this.parents[root];
    // Points everything on the way at the root, so that the next search is short.
    for (let at = node; at !== root; ) {
      const next = this.parents[at];
      this.parents[at] = root;
      at = next;
    }
    return root;
  }

  unite(a: number, b: number): void {
    const [first, second] = [this.rootOf(a), this.rootOf(b)];
    this.parents[Math.max(first, second)] = Math.min(first, second);
  }

  /** Component number of each node, numbered by their smallest nodes. */
  components(): Int32Array<ArrayBuffer> {
    const numbers = new Map<number, number>();
    return this.parents.map((_, node) => {
      const root = this.rootOf(node);
      const number = numbers.get(root) ?? numbers.size;
      numbers.set(root, number);
      return number;
    });
  }
}

/**
 * Weak components: nodes that are connected when directions are ignored.
 * @returns component number of each node, numbered by their smallest nodes
 * @complexity O(nodes + edges), nearly
 */
export function weakComponents({ successors }: DirectedGraph): Int32Array<ArrayBuffer> {
  const forest = new Forest(successors.length);
  successors.forEach((targets, from) => {
    for (const to of targets) forest.unite(from, to);
  });
  return forest.components();
}
