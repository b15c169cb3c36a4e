/** Graph rewriting for annealing: every function gives a new graph; the old one stays as it was. */
import { removeDead } from '../graph/fold.js';
import type { Graph, Node } from '../graph/graph.js';
import { integerOf } from '../graph/operators/attributes.js';
import { elementCount, Tensor } from '../runtime/tensor.js';
import type { Affine, Factors } from './least-squares.js';
import type { Matrix } from './matrix.js';
import { recurrentLayersOf, withRecurrentFactors } from './recurrences.js';

/**
 * A layer and its constants: output = weight input + bias. A kerf.Linear node, or a Conv over one group of channels, whose
 * input is what each window sees, channel by channel.
 */
export interface Linear {
  readonly node: Node;
  readonly name: string;
  readonly input: string;
  readonly output: string;
  /** [out, in]. */
  readonly weight: Tensor<'float32'>;
  /** [out]; null counts as zeros. */
  readonly bias: Tensor<'float32'> | null;
  /** Sizes of a convolution's window, one or two; null for other layers. */
  readonly kernel: readonly number[] | null;
  /**
   * Which matrix of a recurrent cell this is, whose node then computes more than the layer: its output stands for all that
   * is changed; null for other layers.
   */
  readonly recurrence: 'inputs' | 'state' | null;
}

/** The layers whose weights are constant, convolutions and those of recurrent cells among them, in topological order. */
export function layersOf(graph: Graph): readonly Linear[] {
  return graph.nodes.flatMap((node) => layerOf(graph, node) ?? recurrentLayersOf(graph, node));
}

/** Whether a layer is a node of its own that reads rows. */
export const isPlain = ({ kernel, recurrence }: Linear): boolean => kernel === null && recurrence === null;

/** The plain linear layers of {@link layersOf}. */
export function linearsOf(graph: Graph): readonly Linear[] {
  return layersOf(graph).filter(isPlain);
}

/** Whether a node is a convolution over one group of channels, of images with one or two axes. */
function isConvolution(node: Node, { dims }: Tensor): boolean {
  const hasOneOrTwoAxes = dims.length === 3 || dims.length === 4;
  return node.op === 'Conv' && node.domain === '' && hasOneOrTwoAxes && integerOf(node, 'group', 1) === 1;
}

function layerOf(graph: Graph, node: Node): Linear | undefined {
  const [input, weightName, biasName] = node.inputs;
  const weight = weightName ? (graph.initializers.get(weightName) as Tensor<'float32'> | undefined) : undefined;
  const bias = biasName ? (graph.initializers.get(biasName) as Tensor<'float32'> | undefined) : null;
  if (weight?.type !== 'float32' || bias === undefined) return undefined;
  const layer = { node, name: node.name, input, output: node.outputs[0], bias, recurrence: null };
  if (node.op === 'Linear' && node.domain === 'kerf') return { ...layer, weight, kernel: null };
  if (!isConvolution(node, weight)) return undefined;
  const [out, ...rest] = weight.dims;
  return { ...layer, weight: asMatrix(weight, out), kernel: rest.slice(1) };
}

const asMatrix = (weight: Tensor<'float32'>, rows: number) =>
  weight.reshape([rows, weight.size / rows]) as Tensor<'float32'>;

/** A matrix as a layer's node reads it. */
function asStored({ kernel }: Linear, weight: Tensor<'float32'>): Tensor<'float32'> {
  if (!kernel) return weight;
  const [rows, columns] = weight.dims;
  return weight.reshape([rows, columns / elementCount(kernel), ...kernel]) as Tensor<'float32'>;
}

/** Layers that no other layer comes before. */
export function outermost(graph: Graph): readonly Linear[] {
  const linears = new Map(layersOf(graph).map((linear) => [linear.node, linear]));
  const behind = new Set<string>();
  return graph.nodes.flatMap((node) => {
    const linear = linears.get(node);
    const isBehind = node.inputs.some((value) => behind.has(value));
    if (linear || isBehind) for (const value of node.outputs) behind.add(value);
    return linear && !isBehind ? [linear] : [];
  });
}

/** A name that no value of the graph has: `base`, or `base` and a number. */
export function freshName(graph: Graph, base: string): string {
  const taken = new Set([...graph.initializers.keys(), ...graph.inputs.map((port) => port.name)]);
  for (const node of graph.nodes) for (const value of [node.name, ...node.outputs]) taken.add(value);
  if (!taken.has(base)) return base;
  let number = 2;
  while (taken.has(`${base}.${number}`)) number++;
  return `${base}.${number}`;
}

/** Puts `nodes` where the node called `name` stood, and adds constants; what is no longer read goes. */
export function replaceNode(
  graph: Graph,
  name: string,
  nodes: readonly Node[],
  constants: readonly (readonly [string, Tensor])[] = [],
): Graph {
  return removeDead({
    ...graph,
    nodes: graph.nodes.flatMap((node) => (node.name === name ? nodes : [node])),
    initializers: new Map([...graph.initializers, ...constants]),
  });
}

/** Reads `value` from a constant: nodes that made it and served nothing else go. */
export function replaceValue(graph: Graph, value: string, constant: Tensor): Graph {
  const name = freshName(graph, `${value}/constant`);
  const rename = (input: string) => (input === value ? name : input);
  return removeDead({
    ...graph,
    nodes: graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(rename) })),
    initializers: new Map([...graph.initializers, [name, constant]]),
  });
}

export const narrow = ({ rows, columns, data }: Matrix) =>
  new Tensor('float32', Float32Array.from(data), [rows, columns]);

export const narrowBias = (bias: Float64Array) => new Tensor('float32', Float32Array.from(bias), [bias.length]);

/** A node and the constants it reads. */
export interface NodeWithConstants {
  readonly node: Node;
  readonly constants: readonly (readonly [string, Tensor])[];
}

/** A layer's node with other weights, and another input if one is given. */
export function linearNode(
  graph: Graph,
  linear: Linear,
  matrix: Tensor<'float32'>,
  bias: Tensor<'float32'> | null,
  input = linear.input,
): NodeWithConstants {
  const weight = asStored(linear, matrix);
  const weightName = freshName(graph, `${linear.name}/weight`);
  if (!bias) return { node: { ...linear.node, inputs: [input, weightName] }, constants: [[weightName, weight]] };
  const biasName = freshName(graph, `${linear.name}/bias`);
  const constants: [string, Tensor][] = [
    [weightName, weight],
    [biasName, bias],
  ];
  return { node: { ...linear.node, inputs: [input, weightName, biasName] }, constants };
}

/** Gives a linear layer other weights. */
export function withWeights(
  graph: Graph,
  linear: Linear,
  weight: Tensor<'float32'>,
  bias: Tensor<'float32'> | null,
): Graph {
  const { node, constants } = linearNode(graph, linear, weight, bias);
  return replaceNode(graph, linear.name, [node], constants);
}

export function withAffine(graph: Graph, linear: Linear, { weight, bias }: Affine): Graph {
  return withWeights(graph, linear, narrow(weight), narrowBias(bias));
}

/** Suffix of the node that computes the inner factor of a layer. */
export const innerSuffix = '/inner';

/**
 * Splits a layer in two of rank r: x -> inner x -> outer (inner x) + bias. Of a convolution the inner one keeps the windows
 * and makes r channels, which the outer one mixes place by place.
 */
export function withFactors(graph: Graph, linear: Linear, factors: Factors): Graph {
  if (linear.recurrence) return withRecurrentFactors(graph, linear, factors);
  const { outer, inner, bias } = factors;
  const name = `${linear.name}${innerSuffix}`;
  const value = freshName(graph, `${linear.output}${innerSuffix}`);
  const [innerName, outerName, biasName] = ['inner', 'outer', 'bias'].map((part) =>
    freshName(graph, `${linear.name}/${part}.weight`),
  );
  const first = { ...linear.node, name, inputs: [linear.input, innerName], outputs: [value] };
  const places = linear.kernel?.map(() => 1) ?? null;
  const attributes: Node['attributes'] = places ? new Map([['kernel_shape', places]]) : linear.node.attributes;
  const second = { ...linear.node, inputs: [value, outerName, biasName], attributes };
  return replaceNode(
    graph,
    linear.name,
    [first, second],
    [
      [innerName, asStored(linear, narrow(inner))],
      [outerName, asStored({ ...linear, kernel: places }, narrow(outer))],
      [biasName, narrowBias(bias)],
    ],
  );
}
