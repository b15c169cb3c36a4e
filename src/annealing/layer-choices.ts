/** What became of each layer, read off the annealed graph. */
import type { Graph, Node } from '../graph/graph.js';
import type { Layer } from '../graph/layers.js';
import { innerInput } from '../graph/operators/recurrent.js';
import type { ChoiceName, LayerChoice } from './annealing.js';
import type { Branch } from './constants.js';
import { innerSuffix, layersOf } from './rewrite.js';
import { packSuffix } from './unpack.js';
import { blockSuffix } from './write-blocks.js';

/** The name of a node as if the layer had not been taken apart. */
function nameIn(layer: string, { name }: Node): string {
  const prefix = `${layer}${packSuffix}`;
  return name.startsWith(prefix) ? `${layer}${name.slice(prefix.length).replace(/^\d+/, '')}` : name;
}

/** The nodes that compute a layer, or the parts it was taken apart into: itself or its blocks, and inner factors. */
function nodesOf(graph: Graph, layer: string): readonly Node[] {
  return graph.nodes
    .filter((node) => nameIn(layer, node) === layer)
    .concat(innersOf(graph, layer))
    .concat(blocksOf(graph, layer));
}

/** The inner factors of a rank or a bus. */
function innersOf(graph: Graph, layer: string): readonly Node[] {
  return graph.nodes.filter((node) => nameIn(layer, node) === `${layer}${innerSuffix}`);
}

function blocksOf(graph: Graph, layer: string): readonly Node[] {
  const prefix = `${layer}${blockSuffix}`;
  return graph.nodes.filter((node) => node.op === 'Linear' && nameIn(layer, node).startsWith(prefix));
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
  if (innersOf(graph, layer.name).length > 0) return 'rank';
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
  const ranks = innersOf(annealed, layer.name).map(({ inputs }) => annealed.initializers.get(inputs[1])?.dims[0] ?? 0);
  const blocks = new Set(blocksOf(annealed, layer.name).map((node) => nameIn(layer.name, node)));
  return {
    name: layer.tensor,
    layer: layer.name,
    choice,
    k: Math.max(1, blocks.size),
    // Of a layer that was taken apart the largest.
    rank: ranks.length > 0 ? Math.max(...ranks) : null,
    before: layer.weight.size + (layer.bias?.size ?? 0),
    after: choice === 'constant' ? layer.weight.dims[0] : parametersOf(annealed, layer.name),
  };
}
