/** A directed graph as lists of successors: nodes are 0 .. n-1. */
export interface DirectedGraph {
  readonly successors: readonly (readonly number[] | Int32Array<ArrayBuffer>)[];
}

/** Builds successor lists from edges. */
export function graphOf(n: number, edges: Iterable<readonly [from: number, to: number]>): DirectedGraph {
  const successors: number[][] = Array.from({ length: n }, () => []);
  for (const [from, to] of edges) successors[from].push(to);
  return { successors };
}
