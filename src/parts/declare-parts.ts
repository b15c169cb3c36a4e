/**
 * Parts as they are told. Where a bus joins blocks, block p of every layer is part p, and what they exchange is declared:
 *
 *     part p:  B_p of each layer, with U_p and its share of V        bus:  U (V x), r numbers a layer
 *
 * Their multiply-adds add up to those of the graph.
 */
import { innerSuffix } from '../annealing/rewrite.js';
import { blockSuffix } from '../annealing/write-blocks.js';
import { macsByNode } from '../graph/cost.js';
import type { Graph, Node } from '../graph/graph.js';
import type { Part, Parts } from './parts.js';

export interface DeclaredPart {
  readonly id: number;
  readonly parameters: number;
  /** Multiply-adds per sample, biases and bus excluded. */
  readonly macs: number;
}

export interface DeclaredParts {
  readonly parts: readonly DeclaredPart[];
  /** Widest exchange of a layer, and its multiply-adds over all layers. */
  readonly bus: { readonly r: number; readonly macs: number };
}

/** A block of a layer that has a bus. */
interface BusBlock {
  readonly node: Node;
  readonly block: number;
  /** Numbers that it takes from the bus. */
  readonly r: number;
}

/** The node that computes the bus of each layer in blocks, by layer. */
function busesOf({ nodes }: Graph): ReadonlyMap<string, Node> {
  const inners = nodes.filter(({ op, name }) => op === 'Linear' && name.endsWith(innerSuffix));
  const layers = inners.map((node) => [node.name.slice(0, -innerSuffix.length), node] as const);
  return new Map(layers.filter(([layer]) => nodes.some(({ name }) => name === `${layer}${blockSuffix}0`)));
}

const sizeOf = (graph: Graph, { inputs }: Node): number =>
  inputs.slice(1).reduce((sum, value) => sum + (graph.initializers.get(value)?.size ?? 0), 0);

const dimsOf = (graph: Graph, { inputs }: Node): readonly number[] => graph.initializers.get(inputs[1])?.dims ?? [0, 0];

function blocksOf(graph: Graph, buses: ReadonlyMap<string, Node>): readonly BusBlock[] {
  const pattern = new RegExp(`^(.+)${blockSuffix}([0-9]+)$`, 's');
  return graph.nodes.flatMap((node) => {
    const [, layer, block] = pattern.exec(node.name) ?? [];
    const bus = node.op === 'Linear' && buses.get(layer);
    return bus ? [{ node, block: Number(block), r: dimsOf(graph, bus)[0] }] : [];
  });
}

/** Parts with weights of their own. What only joins their results is a step of the plan. */
function withWeights(parts: readonly DeclaredPart[]): readonly DeclaredPart[] {
  const listed = parts.filter(({ parameters }) => parameters > 0);
  return (listed.length > 0 ? listed : parts).map(({ id, parameters, macs }) => ({ id, parameters, macs }));
}

/** A part without what belongs to blocks and their bus. */
function rest(graph: Graph, part: Part, taken: ReadonlySet<string>, macs: ReadonlyMap<string, number>): DeclaredPart {
  const own = graph.nodes.filter(({ name }) => taken.has(name) && part.nodes.includes(name));
  return {
    id: part.id,
    parameters: part.parameters - own.reduce((sum, node) => sum + sizeOf(graph, node), 0),
    macs: part.macs - own.reduce((sum, { name }) => sum + (macs.get(name) ?? 0), 0),
  };
}

/** @param bindings  sizes of symbolic dimensions for the cost; 1 where not given */
export function declareParts({ graph, parts }: Parts, bindings?: ReadonlyMap<string, number>): DeclaredParts {
  const buses = busesOf(graph);
  if (buses.size === 0) return { parts: withWeights(parts), bus: { r: 0, macs: 0 } };
  const macs = macsByNode(graph, bindings);
  const blocks = blocksOf(graph, buses);
  const k = 1 + blocks.reduce((most, { block }) => Math.max(most, block), 0);
  const joined = Array.from({ length: k }, () => ({ parameters: 0, macs: 0 }));
  let exchange = 0;
  for (const { node, block, r } of blocks) {
    const share = (macs.get(node.name) ?? 0) * (r / dimsOf(graph, node)[1]);
    joined[block].parameters += sizeOf(graph, node);
    joined[block].macs += (macs.get(node.name) ?? 0) - share;
    exchange += share;
  }
  for (const node of buses.values()) {
    const size = sizeOf(graph, node);
    exchange += macs.get(node.name) ?? 0;
    joined.forEach((part, p) => {
      part.parameters += Math.floor(((p + 1) * size) / k) - Math.floor((p * size) / k);
    });
  }
  const taken = new Set([...blocks.map(({ node }) => node.name), ...[...buses.values()].map(({ name }) => name)]);
  const others = withWeights(parts.map((part) => rest(graph, part, taken, macs))).filter(
    ({ parameters }) => parameters > 0,
  );
  const r = Math.max(...[...buses.values()].map((node) => dimsOf(graph, node)[0]));
  const told = [...joined, ...others.map(({ parameters, macs: work }) => ({ parameters, macs: work }))];
  return { parts: told.map((part, id) => ({ id, ...part })), bus: { r, macs: exchange } };
}
