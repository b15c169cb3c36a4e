/** Chains of linear layers: each is read by the next one alone, through elementwise activations. */
import { type HiddenUnits, hiddenUnitsOf } from '../annealing/hidden-units.js';
import { type Linear, linearsOf } from '../annealing/rewrite.js';
import type { Graph, Node } from '../graph/graph.js';

export interface Chain {
  readonly layers: readonly Linear[];
  /** Elementwise nodes behind each layer but the last. */
  readonly activations: readonly (readonly Node[])[];
}

/** The chains of a graph; every linear layer is in exactly one. */
export function chainsOf(graph: Graph): readonly Chain[] {
  const groups = new Map(
    hiddenUnitsOf(graph)
      .filter(({ consumers }) => consumers.length === 1)
      .map((group): [string, HiddenUnits] => [group.producer.name, group]),
  );
  const followers = new Set([...groups.values()].map(({ consumers }) => consumers[0].name));
  return linearsOf(graph)
    .filter(({ name }) => !followers.has(name))
    .map((first) => follow(first, groups));
}

function follow(first: Linear, groups: ReadonlyMap<string, HiddenUnits>): Chain {
  const layers = [first];
  const activations: (readonly Node[])[] = [];
  for (let group = groups.get(first.name); group; group = groups.get(group.consumers[0].name)) {
    layers.push(group.consumers[0]);
    activations.push(group.activations);
  }
  return { layers, activations };
}
