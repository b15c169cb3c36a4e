/** Constant folding and dead code. */
import type { Tensor } from '../runtime/tensor.js';
import type { Graph, Node } from './graph.js';
import { inferFacts } from './infer.js';

/** Value names that nodes or the graph's outputs read. */
export function readersOf(graph: Graph): ReadonlyMap<string, readonly Node[]> {
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const value of new Set(node.inputs)) {
      if (value === '') continue;
      const known = readers.get(value);
      if (known) known.push(node);
      else readers.set(value, [node]);
    }
  }
  return readers;
}

/** Drops nodes whose results nobody reads, then initializers that nobody reads. */
export function removeDead(graph: Graph): Graph {
  const wanted = new Set(graph.outputs.map((port) => port.name));
  const nodes: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((value) => wanted.has(value))) continue;
    for (const value of node.inputs) wanted.add(value);
    nodes.push(node);
  }
  nodes.reverse();
  const initializers = new Map([...graph.initializers].filter(([name]) => wanted.has(name)));
  const quantization = new Map([...graph.quantization].filter(([name]) => initializers.has(name)));
  return { ...graph, nodes, initializers, quantization };
}

/**
 * Replaces every node whose results are known by initializers of the same value names.
 * Port shapes and dtypes of the outputs become the inferred ones.
 * @throws what {@link inferFacts} throws
 */
export function foldConstants(graph: Graph): Graph {
  const facts = inferFacts(graph);
  const initializers = new Map<string, Tensor>(graph.initializers);
  const knownValue = (value: string) => (value === '' ? undefined : facts.get(value)?.constant);
  const nodes = graph.nodes.flatMap((node) => {
    for (const value of node.outputs) {
      const constant = knownValue(value);
      if (constant) initializers.set(value, constant);
    }
    const outputs = node.outputs.map((value) => (knownValue(value) ? '' : value));
    return outputs.every((value) => value === '') ? [] : [{ ...node, outputs }];
  });
  const outputs = graph.outputs.map((port) => {
    const fact = facts.get(port.name)!;
    return { name: port.name, dtype: fact.dtype, shape: fact.shape };
  });
  return removeDead({ ...graph, nodes, outputs, initializers });
}
