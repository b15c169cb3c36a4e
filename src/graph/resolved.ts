/** The nodes that are resolved while a graph is made canonical: control flow and sequences. */
import type { Graph, Node } from './graph.js';
import { isSequenceOperator } from './sequences.js';

const controls = new Set(['If', 'Loop', 'Scan']);

/** Whether a node is resolved here instead of by an operator's entry. */
export function isResolved({ domain, op }: Pick<Node, 'domain' | 'op'>): boolean {
  return domain === '' && (controls.has(op) || isSequenceOperator(op));
}

/** The graphs among a node's attributes. */
export function bodiesOf(node: Node): readonly Graph[] {
  return [...node.attributes.values()].filter((value): value is Graph => {
    return typeof value === 'object' && 'nodes' in value;
  });
}
