/** Topological order of nodes, stable: nodes keep the file's order wherever that is possible. */
import type { Graph, Node } from '../graph/graph.js';
import { KerfError } from '../runtime/errors.js';
import { quote } from './quote.js';

/** Values that a graph takes from outside: used in it or its subgraphs, not made in it. */
function freeValues(graph: Graph): Set<string> {
  const free = new Set<string>();
  const made = new Set([...graph.inputs.map(({ name }) => name), ...graph.initializers.keys()]);
  for (const node of graph.nodes) for (const output of node.outputs) made.add(output);
  const used = [...graph.nodes.flatMap(usedValues), ...graph.outputs.map(({ name }) => name)];
  for (const value of used) if (!made.has(value)) free.add(value);
  return free;
}

/** Values a node reads: its inputs, and what its subgraphs take from outside. */
export function usedValues(node: Node): string[] {
  const values = node.inputs.filter((name) => name !== '');
  for (const attribute of node.attributes.values()) {
    if (isGraph(attribute)) values.push(...freeValues(attribute));
  }
  return values;
}

function isGraph(attribute: unknown): attribute is Graph {
  return typeof attribute === 'object' && attribute !== null && 'initializers' in attribute;
}

/**
 * Sorts nodes so that each comes after the nodes that make its inputs.
 * @returns the nodes; the same array order when it was topological already
 * @throws MODEL_INVALID when they form a cycle
 * @complexity O(nodes + edges)
 */
export function sortNodes(nodes: readonly Node[], where: string): Node[] {
  const makers = new Map(nodes.flatMap((node, i) => node.outputs.map((output) => [output, i] as const)));
  const waiting = nodes.map(() => 0);
  const readers: number[][] = nodes.map(() => []);
  nodes.forEach((node, i) => {
    for (const maker of new Set(usedValues(node).flatMap((value) => makers.get(value) ?? []))) {
      waiting[i]++;
      readers[maker].push(i);
    }
  });
  const sorted: Node[] = [];
  // Pass over the nodes in file order; a node that becomes ready behind the cursor is placed at once, then its readers.
  const done = nodes.map(() => false);
  for (let i = 0; i < nodes.length; i++) {
    const stack = [i];
    while (stack.length > 0) {
      const at = stack.pop()!;
      if (done[at] || waiting[at] > 0 || at > i) continue;
      done[at] = true;
      sorted.push(nodes[at]);
      for (const reader of readers[at]) {
        waiting[reader]--;
        if (reader < i) stack.push(reader);
      }
    }
  }
  if (sorted.length < nodes.length) {
    const stuck = nodes.filter((_, i) => !done[i]);
    const names = stuck.slice(0, 5).map((node) => quote(node.name));
    throw new KerfError('MODEL_INVALID', where, `${stuck.length} nodes form a cycle: got ${names.join(', ')}.`, {
      nodes: stuck.length,
    });
  }
  return sorted;
}
