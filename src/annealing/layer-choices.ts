/** What became of each layer, read off the annealed graph. */
import type { Graph, Node } from '../graph/graph.js';
import type { Layer } from '../graph/layers.js';
import { innerInput } from '../graph/operators/recurrent.js';
import type { ChoiceName, LayerChoice } from './annealing.js';
import type { Branch } from './constants.js';
import { innerSuffix, layersOf } from './rewrite.js';
import { blockSuffix } from './write-blocks.js';

/** The nodes that compute a layer: itself or its blocks, and the inner factor of a rank or a bus. */
function nodesOf(graph: Graph, layer: string): readonly Node[] {
  return graph.nodes
    .filter(({ name }) => name === layer || name === `${layer}${innerSuffix}`)
    .concat(blocksOf(graph, layer));
}

function blocksOf(graph: Graph, layer: string): readonly Node[] {
  const prefix = `${layer}${blockSuffix}`;
  return graph.nodes.filter(({ op, name }) => op === 'Linear' && name.startsWith(prefix));
}

/** Stored numbers of a layer's nodes. */
export function parametersOf(graph: Graph, layer: string): number {
  return nodesOf(graph, layer)
    .flatMap((node) => node.inputs.slice(1))
    .reduce((sum, value) => sum + (graph.initializers.get(value)?.size ?? 0), 0);
}

function choiceOf(graph: Graph, layer: Layer, trimmed: Graph, branch: Branch | undefined): ChoiceName {
  const nodes = nodesOf(graph, layer.name);
  if (nodes.length === 0) return branch?.last === layer.name ? 'constant' : 'removed';
  if (blocksOf(graph, layer.name).length > 0) return 'blocks';
  if (nodes.length > 1) return 'rank';
  const after = parametersOf(graph, layer.name);
  if (after === layer.weight.size + (layer.bias?.size ?? 0)) return 'dense';
  return after === parametersOf(trimmed, layer.name) ? 'trim' : 'units';
}

/**
 * One row per layer of the original.
 * @param layers  of the original graph
 * @param trimmed  the original graph after its exact trims
 * @param branches  branches for which constants may stand
 */
export function layerChoices(
  layers: readonly Layer[],
  annealed: Graph,
  trimmed: Graph,
  branches: readonly Branch[],
): readonly LayerChoice[] {
  return [
    ...layers.map((layer) => plainChoice(layer, annealed, trimmed, branches)),
    ...recurrentChoices(trimmed, annealed),
  ];
}

/** One row for each matrix of a recurrent cell, biases left out. */
function recurrentChoices(trimmed: Graph, annealed: Graph): readonly LayerChoice[] {
  const layers = layersOf(trimmed).filter(({ recurrence }) => recurrence !== null);
  return layers.map(({ name: layer, node, recurrence, weight }) => {
    const now = annealed.nodes.find(({ name }) => name === node.name);
    const inputs = annealed.nodes.find(({ name }) => name === `${layer}${innerSuffix}`);
    const isState = recurrence === 'state';
    const inner = isState ? (now?.domain === 'kerf' ? now.inputs[innerInput] : undefined) : inputs?.inputs[1];
    const size = (value: string | undefined) => annealed.initializers.get(value ?? '')?.size ?? 0;
    return {
      name: node.inputs[isState ? 2 : 1],
      layer,
      choice: !now ? 'removed' : inner ? 'rank' : 'dense',
      k: 1,
      rank: inner ? (annealed.initializers.get(inner)?.dims.at(-2) ?? null) : null,
      before: weight.size,
      after: now ? size(now.inputs[isState ? 2 : 1]) + size(inner) : 0,
    };
  });
}

function plainChoice(layer: Layer, annealed: Graph, trimmed: Graph, branches: readonly Branch[]): LayerChoice {
  const branch = branches.find(({ nodes }) => nodes.has(layer.name));
  const choice = choiceOf(annealed, layer, trimmed, branch);
  const inner = annealed.nodes.find(({ name }) => name === `${layer.name}${innerSuffix}`);
  return {
    name: layer.tensor,
    layer: layer.name,
    choice,
    k: Math.max(1, blocksOf(annealed, layer.name).length),
    rank: inner ? (annealed.initializers.get(inner.inputs[1])?.dims[0] ?? null) : null,
    before: layer.weight.size + (layer.bias?.size ?? 0),
    after: choice === 'constant' ? layer.weight.dims[0] : parametersOf(annealed, layer.name),
  };
}
