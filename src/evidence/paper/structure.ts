/** Condenses a Boolean adjacency: isolated nodes, components, strong components, levels. */
import type { DirectedGraph } from '../../graph/directed-graph.js';
import { condensationLevels, strongComponents } from '../../graph/strong-components.js';
import { weakComponents } from '../../graph/weak-components.js';
import { type Adjacency, targetsOf } from './adjacency.js';
import type { Structure } from './paper-evidence.js';

/** An adjacency whose columns and rows are the nodes from these numbers on. */
export interface Placed {
  readonly adjacency: Adjacency;
  readonly sourceBase: number;
  readonly targetBase: number;
}

const none = new Int32Array(0);

function join(a: Int32Array<ArrayBuffer>, b: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  if (a.length === 0) return b;
  const both = new Int32Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** One directed graph of all edges. */
export function directedGraph(nodes: number, placed: readonly Placed[]): DirectedGraph {
  const successors: Int32Array<ArrayBuffer>[] = Array.from({ length: nodes }, () => none);
  for (const { adjacency, sourceBase, targetBase } of placed) {
    for (const [j, targets] of targetsOf(adjacency, targetBase).entries()) {
      successors[sourceBase + j] = join(successors[sourceBase + j], targets);
    }
  }
  return { successors };
}

/** How often each number below `count` occurs, with weights. */
function tally(numbers: Int32Array, count: number, weight: (node: number) => number): Float64Array {
  const sums = new Float64Array(count);
  numbers.forEach((number, node) => {
    sums[number] += weight(node);
  });
  return sums;
}

const largest = (values: Float64Array) => values.reduce((most, value) => Math.max(most, value), 0);
const one = () => 1;

/** Measures a directed graph. */
export function condense(graph: DirectedGraph): { structure: Structure; strong: Int32Array<ArrayBuffer> } {
  const { successors } = graph;
  const nodes = successors.length;
  const weak = weakComponents(graph);
  const weakSizes = tally(weak, nodes, one);
  const degree = (node: number) => successors[node].length;
  const edges = successors.reduce((sum, targets) => sum + targets.length, 0);
  const { component, count } = strongComponents(graph);
  const strongSizes = tally(component, count, one);
  const levels = condensationLevels(graph).filter((_, node) => weakSizes[weak[node]] > 1);
  const isolated = weakSizes.reduce((sum, size) => sum + Number(size === 1), 0);
  const structure: Structure = {
    nodes,
    edges,
    isolated,
    components: weakSizes.reduce((sum, size) => sum + Number(size > 1), 0),
    largestEdgeShare: edges === 0 ? 0 : largest(tally(weak, nodes, degree)) / edges,
    strong: count,
    cycles: strongSizes.reduce((sum, size) => sum + Number(size > 1), 0),
    largestStrong: largest(strongSizes),
    levels: levels.reduce((most, level) => Math.max(most, level + 1), 0),
  };
  return { structure, strong: component };
}

/** The structure of a square matrix whose input i and output i are one node. */
export function matrixStructure(adjacency: Adjacency): Structure | null {
  if (adjacency.rows !== adjacency.columns) return null;
  return condense(directedGraph(adjacency.rows, [{ adjacency, sourceBase: 0, targetBase: 0 }])).structure;
}
