/** Which weights form edges: the matrices of a network, and its d-md-d blocks. */
import type { Layer } from '../../graph/layers.js';

/** A d-md-d block: two layers that the paper reads as m channels of d x d edges; or one layer, m = 0. */
export interface Candidate {
  readonly first: Layer;
  /** The second layer of a block; absent for a single matrix. */
  readonly second?: Layer;
  /** Channels; 0 for a single matrix. */
  readonly channels: number;
}

/** The layer that closes a d-md-d block with `layer`: its only follower, back to width d, m >= 2. */
function closing(layer: Layer, byName: ReadonlyMap<string, Layer>): Layer | undefined {
  const [wide, d] = layer.weight.dims;
  const next = layer.next.length === 1 ? byName.get(layer.next[0]) : undefined;
  const isBlock =
    next?.kind === 'linear' &&
    layer.kind === 'linear' &&
    wide % d === 0 &&
    wide / d >= 2 &&
    next.weight.dims[0] === d &&
    next.weight.dims[1] === wide;
  return isBlock ? next : undefined;
}

/**
 * Groups layers into families of edges, in topological order: d-md-d blocks first come first served, every other layer
 * by itself.
 */
export function findCandidates(layers: readonly Layer[]): readonly Candidate[] {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const taken = new Set<string>();
  const candidates: Candidate[] = [];
  for (const first of layers) {
    if (taken.has(first.name)) continue;
    const second = closing(first, byName);
    if (second) taken.add(second.name);
    const channels = second ? first.weight.dims[0] / first.weight.dims[1] : 0;
    candidates.push(second ? { first, second, channels } : { first, channels });
  }
  return candidates;
}
