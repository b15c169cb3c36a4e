/** Whether every reader of a value is a layer, directly or through homogeneous functions, and no output of the graph is. */
function isReadByLayers(value: string, readers: ReadonlyMap<string, readonly Node[]>, graph: Graph): boolean {
  const following = readers.get(value) ?? [];
  if (following.length === 0 || graph.outputs.some(({ name }) => name === value)) return false;
  return following.every((node) => {
    const [data, ...others] = node.inputs;
    if (data !== value || others.includes(value)) return false;
    if (isLayer(node)) return node.op === 'Linear' && float32(graph, node.inputs[1]) !== undefined;
    return node.domain === '' && homogeneous.has(node.op) && isReadByLayers(node.outputs[0], readers, graph);
  });
}

/**
 * The linear layers of a canonical graph: what evidence tests and annealing changes.
 * W is [out, in] and y = W x + b, however the file stored it; rows are outputs, columns inputs.
 */
import { elementCount, type Tensor } from '../runtime/tensor.js';
import { readersOf } from './fold.js';
import type { Graph, Node, Quantization } from './graph.js';
import { integerOf } from './operators/attributes.js';
import { pick } from './operators/elements.js';
import { walk } from './operators/shapes.js';

/** The activation that follows a layer directly and alone, or none. */
export type Activation = 'none' | 'Relu' | string;

export interface Layer {
  /** Name of the `Linear`, `EmbeddingBag` or `Conv` node. */
  readonly name: string;
  readonly kind: 'linear' | 'embedding' | 'convolution';
  /** Name of the weight tensor in the file. */
  readonly tensor: string;
  /** Places of a window that see one channel of a convolution's input; absent for other layers. */
  readonly taps?: number;
  /**
   * [out, in], float32. For an embedding: [dimension, vocabulary] (transposed copy of the table); for a convolution
   * [out channels, in channels x taps], of one group.
   */
  readonly weight: Tensor<'float32'>;
  readonly bias: Tensor<'float32'> | null;
  readonly biasTensor: string | null;
  readonly quantization: Quantization | null;
  /** Value names. */
  readonly input: string;
  readonly output: string;
  readonly activation: Activation;
  /** Layers whose outputs (through elementwise activations only) are this layer's input, and the reverse. */
  readonly previous: readonly string[];
  readonly next: readonly string[];
  /**
   * Whether only the layers of `next` read the output, through positively homogeneous functions (ReLU and the like).
   * Then unit i may be multiplied by c > 0 (row and bias) and divided by it again (columns): the network stays the same.
   */
  readonly isRescalable: boolean;
}

/** Elementwise functions of one value, through which a layer still feeds the next. */
export const elementwiseActivations: ReadonlySet<string> = new Set([
  'Relu',
  'LeakyRelu',
  'Sigmoid',
  'Tanh',
  'Clip',
  'Elu',
  'Selu',
  'Celu',
  'Erf',
  'Softplus',
  'Softsign',
  'HardSigmoid',
  'HardSwish',
  'ThresholdedRelu',
  'PRelu',
  'Abs',
  'Neg',
  'Exp',
  'Sqrt',
]);

/** f(c x) = c f(x) for c > 0. */
const homogeneous: ReadonlySet<string> = new Set(['Relu', 'LeakyRelu', 'PRelu', 'Abs', 'Neg']);

const isActivation = (node: Node) => node.domain === '' && elementwiseActivations.has(node.op);
const isConvolution = (node: Node) => node.domain === '' && node.op === 'Conv' && integerOf(node, 'group', 1) === 1;
const isLayer = (node: Node) => node.domain === 'kerf' && (node.op === 'Linear' || node.op === 'EmbeddingBag');

function float32(graph: Graph, name: string | undefined): Tensor<'float32'> | undefined {
  const tensor = name ? graph.initializers.get(name) : undefined;
  return tensor?.type === 'float32' ? (tensor as Tensor<'float32'>) : undefined;
}

/** The table [V, D] as [D, V]: row d holds coordinate d of every word. */
function tableAsWeight(table: Tensor<'float32'>): Tensor<'float32'> {
  const [V, D] = table.dims;
  return pick(table, [D, V], walk([D, V], [1, D])) as Tensor<'float32'>;
}

/** The filters [O, C, ..] as rows [O, C ..]: what they multiply with the windows of an image. */
function filtersAsWeight(filters: Tensor<'float32'>): Tensor<'float32'> {
  const [O] = filters.dims;
  return filters.reshape([O, filters.size / O]) as Tensor<'float32'>;
}

/** The layer whose output, through activations only, is `value`. */
function sourceOf(producers: ReadonlyMap<string, Node>, value: string): string | undefined {
  let node = producers.get(value);
  while (node && isActivation(node)) node = producers.get(node.inputs[0]);
  return node && isLayer(node) ? node.name : undefined;
}

/**
 * The linear layers of a canonical graph with constant float32 weights, in topological order.
 * @param graph  from {@link canonicalise}
 * @returns one entry per `Linear` and `EmbeddingBag` node, and per `Conv` over one group of channels; weights of `Linear`
 *   and `Conv` are views of the graph's tensors. Of a convolution no unit is followed: `previous` and `next` are empty
 */
export function findLayers(graph: Graph): readonly Layer[] {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((value) => [value, node] as const)));
  const readers = readersOf(graph);
  const nodes = graph.nodes.filter((node) => (isLayer(node) || isConvolution(node)) && float32(graph, node.inputs[1]));
  const previous = new Map(
    nodes.map((node) => [node.name, isConvolution(node) ? undefined : sourceOf(producers, node.inputs[0])]),
  );
  return nodes.map((node): Layer => {
    const [input, tensor, biasTensor] = node.inputs;
    const isLinear = node.op === 'Linear';
    const weight = float32(graph, tensor)!;
    const following = readers.get(node.outputs[0]) ?? [];
    const before = previous.get(node.name);
    return {
      name: node.name,
      kind: isLinear ? 'linear' : isConvolution(node) ? 'convolution' : 'embedding',
      tensor,
      ...(isConvolution(node) && { taps: elementCount(weight.dims.slice(2)) }),
      weight: isLinear ? weight : isConvolution(node) ? filtersAsWeight(weight) : tableAsWeight(weight),
      bias: float32(graph, biasTensor) ?? null,
      biasTensor: biasTensor || null,
      quantization: graph.quantization.get(tensor) ?? null,
      input,
      output: node.outputs[0],
      activation: following.length === 1 && isActivation(following[0]) ? following[0].op : 'none',
      previous: before === undefined ? [] : [before],
      next: [...previous].filter(([, source]) => source === node.name).map(([name]) => name),
      isRescalable: isLinear && isReadByLayers(node.outputs[0], readers, graph),
    };
  });
}
