/** Moves a Relu or a Clip with constant bounds into the Linear or Conv that it alone reads, as the clamp lo, hi. */
import { readersOf } from '../graph/fold.js';
import type { Attribute, Graph, Node } from '../graph/graph.js';
import type { Facts } from '../graph/infer.js';
import { realOf } from '../graph/operators/attributes.js';
import { toNumbers } from '../graph/operators/elements.js';

type Clamp = readonly [name: 'lo' | 'hi', value: number][];

/** A bound of Clip: a constant input from opset 11 on, an attribute before; NaN where it is not constant. */
function boundOf(node: Node, facts: Facts, opset: number, index: 1 | 2): number | undefined {
  if (opset < 11) return realOf(node, index === 1 ? 'min' : 'max', undefined);
  const value = node.inputs[index];
  if (!value) return undefined;
  const { constant } = facts.get(value) ?? {};
  return constant?.size === 1 ? toNumbers(constant)[0] : Number.NaN;
}

/** The clamp that a node is, or undefined where it is something else. */
export function clampOf(node: Node, facts: Facts, opset: number): Clamp | undefined {
  if (node.domain !== '') return undefined;
  if (node.op === 'Relu') return [['lo', 0]];
  if (node.op !== 'Clip') return undefined;
  const bounds = [['lo', boundOf(node, facts, opset, 1)] as const, ['hi', boundOf(node, facts, opset, 2)] as const];
  const present = bounds.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  return present.some(([, value]) => Number.isNaN(value)) ? undefined : present.map(([name, value]) => [name, value]);
}

/** Whether a node's kernel clamps; in a plan, a Conv that does is kerf's own. */
function takesClamp({ domain, op, outputs }: Node, facts: Facts): boolean {
  if (domain === 'kerf') return op === 'Linear' || op === 'LinearInt8';
  return domain === '' && op === 'Conv' && facts.get(outputs[0])?.dtype === 'float32';
}

/**
 * @param partOf  part by node name; nodes of different parts are not fused
 * @returns a graph with the same function and fewer nodes; a fused node keeps the layer's name
 */
export function fuseClamps(graph: Graph, facts: Facts, partOf?: ReadonlyMap<string, number>): Graph {
  const readers = readersOf(graph);
  const outputs = new Set(graph.outputs.map((port) => port.name));
  const replaced = new Map<Node, Node | null>();
  for (const node of graph.nodes) {
    const [value] = node.outputs;
    const [reader, ...others] = readers.get(value) ?? [];
    if (!takesClamp(node, facts) || outputs.has(value) || !reader || others.length > 0) continue;
    if (node.attributes.has('lo') || node.attributes.has('hi') || reader.inputs[0] !== value) continue;
    if (partOf && partOf.get(node.name) !== partOf.get(reader.name)) continue;
    const clamp = clampOf(reader, facts, graph.opset);
    if (!clamp) continue;
    const attributes = new Map<string, Attribute>([...node.attributes, ...clamp]);
    replaced.set(node, { ...node, domain: 'kerf', outputs: reader.outputs, attributes });
    replaced.set(reader, null);
  }
  const nodes = graph.nodes.flatMap((node) => {
    const now = replaced.get(node);
    return now === undefined ? [node] : now === null ? [] : [now];
  });
  return { ...graph, nodes };
}
