/** Finds the independent substructures of an annealed graph. */
import { blockSuffix } from '../annealing/write-blocks.js';
import type { Graph } from '../graph/graph.js';
import { alignBlocks } from './align-blocks.js';
import { findGraphParts } from './graph-parts.js';
import type { Part, Parts } from './parts.js';
import { splitLayers } from './split-layers.js';

/** Most components that a run of layers is split into on its own accord: more would be too small to pay. */
const mostComponents = 32;

export interface FindPartsOptions {
  /** `auto` splits by what is there; a number asks for that many parts side by side. */
  readonly parts?: 'auto' | number;
  /** Sizes of symbolic dimensions for the cost; 1 where not given. */
  readonly bindings?: ReadonlyMap<string, number>;
}

/** The nodes of blocks by layer and block: what stands between a block and its bus belongs to it. */
function blocksOf({ nodes }: Graph): ReadonlyMap<string, string> {
  const pattern = new RegExp(`^.+${blockSuffix}[0-9]+(?=/|$)`, 's');
  return new Map(nodes.flatMap(({ name }) => (pattern.exec(name) ?? []).map((block) => [name, block] as const)));
}

/**
 * Splits layers whose zeros separate their units, then groups the nodes into parts.
 * Running the parts gives what running the graph gives, bit for bit, on finite inputs.
 * @returns "one part" is a normal answer; fewer parts than asked for means that the graph has no more
 */
export function findParts(graph: Graph, { parts = 'auto', bindings }: FindPartsOptions = {}): Parts {
  const most = parts === 'auto' ? mostComponents : parts;
  const aligned = alignBlocks(graph);
  const split = splitLayers(aligned, most);
  const found = findGraphParts(split.graph, new Map([...split.groupOf, ...blocksOf(aligned)]), bindings);
  const partOf = new Map(found.flatMap(({ id, nodes }) => nodes.map((name) => [name, id] as const)));
  return { graph: split.graph, parts: found, partOf };
}

/** The largest number of parts with work that may run side by side. */
export function partsSideBySide(parts: readonly Part[]): number {
  const level = new Map<number, number>();
  const width = new Map<number, number>();
  for (const { id, after, macs } of parts) {
    const own = after.reduce((most, other) => Math.max(most, (level.get(other) as number) + 1), 0);
    level.set(id, own);
    if (macs > 0) width.set(own, (width.get(own) ?? 0) + 1);
  }
  return Math.max(1, ...width.values());
}
