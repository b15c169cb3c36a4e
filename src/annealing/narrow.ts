/** Takes hidden units and inputs out of a graph; what is left is not refitted yet. */
import type { Graph } from '../graph/graph.js';
import { keepUnits, unitGroupsOf } from './hidden-units.js';
import { layersOf, linearsOf } from './rewrite.js';
import { gatherInputs } from './trims.js';

type Kept = ReadonlyMap<string, Int32Array<ArrayBuffer>>;

/**
 * @param units  hidden units to keep, ascending, by the layers that make them
 * @param columns  inputs to keep, ascending, by the layer that reads them
 * @returns `graph` itself where nothing goes
 */
export function narrowed(graph: Graph, { units, columns }: { readonly units: Kept; readonly columns?: Kept }): Graph {
  let next = graph;
  for (const [name, kept] of units) {
    const group = unitGroupsOf(next, layersOf(next)).find(({ producer }) => producer.name === name);
    if (group && kept.length < group.producer.weight.dims[0]) next = keepUnits(next, group, kept);
  }
  for (const [name, kept] of columns ?? []) {
    const linear = linearsOf(next).find((candidate) => candidate.name === name);
    if (linear && kept.length < linear.weight.dims[1]) next = gatherInputs(next, linear, kept);
  }
  return next;
}
