import {
  canonicalise,
  findLayers,
  type Graph,
  isWeightsOnly,
  type Model,
  type Node,
  withAgreeingSizes,
} from '../graph/index.js';
import { type AnalyzeOptions, analyzeLayers } from './analyze-layers.js';
import { analyzeWeights, weightsOf } from './analyze-weights.js';
import type { Evidence } from './evidence.js';
import { analyzeCells } from './recurrent-tensors.js';

/** Operators that make what follows blind to the scale of their input. */
const normalisers = new Set([
  'BatchNormalization',
  'GroupNormalization',
  'InstanceNormalization',
  'LayerNormalization',
  'LpNormalization',
  'MeanVarianceNormalization',
  'RMSNormalization',
]);

/**
 * What normalises a value: one operator, or the decomposed form that subtracts the value's own mean. Nothing where others
 * read the value as it is, as in residual networks that normalise what a branch reads.
 */
function normaliserOf(value: string, readers: ReadonlyMap<string, readonly Node[]>): string | undefined {
  const following = readers.get(value) ?? [];
  const [first] = following;
  if (first && following.every(({ op }) => normalisers.has(op))) return first.op;
  const mean = following.find(({ op }) => op === 'ReduceMean');
  const isMoment = ({ op, inputs }: Node) => op === 'ReduceMean' || (op === 'Sub' && inputs.includes(mean!.outputs[0]));
  return mean && following.length > 1 && following.every(isMoment) ? 'LayerNormalization' : undefined;
}

function readersOf(graph: Graph): Map<string, Node[]> {
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const input of node.inputs) readers.set(input, [...(readers.get(input) ?? []), node]);
  }
  return readers;
}

/**
 * Tests every weight tensor of a network's linear layers and recurrent cells against its initialisation law.
 * @param model  a model, or any graph; brought to canonical form first. Of weights alone every tensor is tested
 * @param options  see {@link AnalyzeOptions}
 * @throws what {@link analyzeLayers} throws
 * @example  const { tensors } = await analyze(await loadModel('model.onnx'), { init: 'torch-linear' });
 */
export async function analyze(model: Graph | Model, options: AnalyzeOptions = {}): Promise<Evidence> {
  const graph = 'graph' in model ? model.graph : model;
  if (isWeightsOnly(graph)) return analyzeWeights(weightsOf(graph), options);
  const { made: canonical } = withAgreeingSizes(graph, canonicalise);
  const layers = findLayers(canonical);
  const readers = readersOf(canonical);
  const outputs = new Set(canonical.outputs.map(({ name }) => name));
  const scaleFree = new Map<string, string>();
  for (const { name, output } of layers) {
    const normaliser = outputs.has(output) ? undefined : normaliserOf(output, readers);
    if (normaliser) scaleFree.set(name, normaliser);
  }
  const all = { scaleFree, quantization: canonical.quantization, ...options };
  const evidence = await analyzeLayers(layers, all);
  const ofCells = await analyzeCells(canonical, all);
  return { ...evidence, tensors: [...evidence.tensors, ...ofCells] };
}
