/** Finds runs of layers that fall into components, and splits them. */
import type { Graph } from '../graph/graph.js';
import { mergeComponents } from './balance.js';
import { type Chain, chainsOf } from './chains.js';
import { type NeuronComponent, neuronComponents } from './neuron-components.js';
import { splitChain } from './split-chain.js';

/** Longest run of layers that is searched for components. */
const longestRun = 16;

export interface SplitLayers {
  readonly graph: Graph;
  /** Component key by node name, for the nodes of components. */
  readonly groupOf: ReadonlyMap<string, string>;
}

interface Found {
  readonly run: Chain;
  readonly components: readonly NeuronComponent[];
}

function runOf({ layers, activations }: Chain, first: number, end: number): Chain {
  return { layers: layers.slice(first, end), activations: activations.slice(first, end - 1) };
}

/** The longest run from layer `first` on that falls apart. */
function findRun(chain: Chain, first: number): Found | undefined {
  for (let end = Math.min(chain.layers.length, first + longestRun); end > first; end--) {
    const run = runOf(chain, first, end);
    const components = neuronComponents(run.layers);
    if (components.length > 1) return { run, components };
  }
  return undefined;
}

/** Runs of a chain that fall apart, none overlapping another. */
function findRuns(chain: Chain): readonly Found[] {
  const found: Found[] = [];
  for (let first = 0; first < chain.layers.length; ) {
    const next = findRun(chain, first);
    if (next) found.push(next);
    first += next ? next.run.layers.length : 1;
  }
  return found;
}

/**
 * Splits every run of layers whose zeros separate its units.
 * @param most  largest number of components a run is split into; components beyond it are merged, balanced by cost
 */
export function splitLayers(graph: Graph, most: number): SplitLayers {
  const groupOf = new Map<string, string>();
  let next = graph;
  for (const chain of chainsOf(graph)) {
    for (const { run, components } of findRuns(chain)) {
      const merged = mergeComponents(components, run.layers, most);
      if (merged.length < 2) continue;
      const split = splitChain(next, run, merged);
      next = split.graph;
      split.groups.forEach((names, id) => {
        for (const name of names) groupOf.set(name, `${run.layers[0].name}/${id}`);
      });
    }
  }
  return { graph: next, groupOf };
}
