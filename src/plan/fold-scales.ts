/**
 * Folds what scales and shifts channels by constants (BatchNormalization at inference; Mul, Add, Sub, Div) into the
 * Conv or ConvTranspose beside it:
 *
 *     s (W x + b) + t      becomes   (s W) x + (s b + t)     where nothing else reads the layer
 *     W (s x + t) + b      becomes   (W s) x + (W t + b)     where the layer alone reads what was scaled
 *
 * This is done in the plan, not in the graph: the evidence looks at the weights as they were trained. Linear layers are
 * left alone: beside their products this would gain little, and a layer that falls into blocks would round otherwise than
 * the whole one, though its package promises the same bits.
 */
import type { Fact, Graph, Node } from '../graph/graph.js';
import type { Facts } from '../graph/infer.js';
import { integerOf, integersOf, textOf } from '../graph/operators/attributes.js';
import { channelScales, isTraining } from '../graph/operators/batch-normalization.js';
import { equals } from '../runtime/extent.js';
import { elementCount, Tensor } from '../runtime/tensor.js';

/** What multiplies a value, and is added then: a number for each channel. */
interface Scaling {
  readonly value: string;
  readonly scale: readonly number[];
  readonly shift: readonly number[];
}

/**
 * The weights of a layer as [first, second / groups, taps]: `first` are the outputs of a Conv, the inputs of a
 * ConvTranspose.
 */
interface Layer {
  readonly node: Node;
  readonly W: Tensor;
  readonly b: Tensor | undefined;
  readonly groups: number;
  readonly isTransposed: boolean;
}

type Values = Float32Array<ArrayBuffer>;

const isFloat = (tensor: Tensor | undefined): tensor is Tensor => tensor?.type === 'float32';
/** Of others, weights times them may leave the range of float32. */
const isModerate = (factor: number) => factor === 0 || (Math.abs(factor) >= 2 ** -60 && Math.abs(factor) <= 2 ** 60);

const isFlat = ({ shift }: Scaling) => shift.every((number) => number === 0);

/** Numbers of the channels that the weights of a layer are for, element by element of W. */
function channelsOf({ W, groups }: Layer): { first: (i: number) => number; second: (i: number) => number } {
  const [count, within] = W.dims;
  const taps = elementCount(W.dims.slice(2));
  const first = (i: number) => Math.floor(i / (within * taps));
  const second = (i: number) => Math.floor(first(i) / (count / groups)) * within + (Math.floor(i / taps) % within);
  return { first, second };
}

/** How many channels a layer reads, and makes. */
function widthsOf({ W, groups, isTransposed }: Layer): { inputs: number; outputs: number } {
  const [first, second] = [W.dims[0], W.dims[1] * groups];
  return isTransposed ? { inputs: first, outputs: second } : { inputs: second, outputs: first };
}

/** A layer whose outputs are scaled and shifted. */
function scaledAfter(layer: Layer, { scale, shift }: Scaling): { W: Values; b: Values } {
  const { first, second } = channelsOf(layer);
  const output = layer.isTransposed ? second : first;
  const W = (layer.W.data as Values).map((value, i) => value * scale[output(i)]);
  const b = Float32Array.from(shift, (number, o) => number + (layer.b ? (layer.b.data[o] as number) * scale[o] : 0));
  return { W, b };
}

/** A layer that scales and shifts its inputs itself. */
function scaledBefore(layer: Layer, scaling: Scaling): { W: Values; b: Values | undefined } {
  const { first, second } = channelsOf(layer);
  const [input, output] = layer.isTransposed ? [first, second] : [second, first];
  const from = layer.W.data as Values;
  const W = from.map((value, i) => value * scaling.scale[input(i)]);
  if (isFlat(scaling)) return { W, b: layer.b?.data as Values | undefined };
  const sums = Float64Array.from({ length: widthsOf(layer).outputs }, (_, o) => (layer.b?.data[o] as number) ?? 0);
  for (let i = 0; i < from.length; i++) sums[output(i)] += from[i] * scaling.shift[input(i)];
  return { W, b: Float32Array.from(sums) };
}

/** Whether a convolution reads zeros beside its input. */
function isPadded(node: Node): boolean {
  const mode = textOf(node, 'auto_pad', 'NOTSET');
  if (mode === 'VALID') return false;
  return mode !== 'NOTSET' || (integersOf(node, 'pads') ?? []).some((size) => size !== 0);
}

/**
 * Operators whose results are rounded. To shift such a result inside a sum loses no more than the rounding has; of what
 * is exact, as inputs are, a large offset is to be taken off first.
 */
const rounded = new Set(
  'Add AveragePool Conv ConvTranspose Div Exp Gelu GlobalAveragePool HardSwish Linear Mul ReduceMean Sigmoid Softmax Sub Tanh'.split(
    ' ',
  ),
);

/** The folding of one graph. */
class Folding {
  readonly facts: Map<string, Fact>;
  readonly #nodes: (Node | null)[];
  /** Places of nodes by the values they read and make. */
  readonly #readers = new Map<string, Set<number>>();
  readonly #makers = new Map<string, number>();
  readonly #outputs: ReadonlySet<string>;

  constructor(
    readonly graph: Graph,
    facts: Facts,
    readonly partOf: ReadonlyMap<string, number> | undefined,
  ) {
    this.facts = new Map(facts);
    this.#nodes = graph.nodes.map(() => null);
    for (const [i, node] of graph.nodes.entries()) this.#put(i, node);
    this.#outputs = new Set(graph.outputs.map(({ name }) => name));
  }

  run(): Graph {
    for (let i = 0; i < this.#nodes.length; i++) while (this.#foldAfter(i));
    // From the last to the first: what stands before a scaling may be one too.
    for (let i = this.#nodes.length - 1; i >= 0; i--) this.#foldBefore(i);
    return { ...this.graph, nodes: this.#nodes.filter((node) => node !== null) };
  }

  #put(i: number, node: Node | null): void {
    const old = this.#nodes[i];
    for (const value of old?.inputs ?? []) this.#readers.get(value)?.delete(i);
    this.#nodes[i] = node;
    for (const value of node?.inputs ?? []) {
      if (!this.#readers.has(value)) this.#readers.set(value, new Set());
      this.#readers.get(value)!.add(i);
    }
    for (const value of node?.outputs ?? []) this.#makers.set(value, i);
  }

  #constant(value: string | undefined): Tensor | undefined {
    return value ? this.facts.get(value)?.constant : undefined;
  }

  /** The only node that reads a value, in the same part as `node`; undefined where there are others, or none. */
  #readerOf(value: string, node: Node): number | undefined {
    const readers = this.#readers.get(value);
    if (readers?.size !== 1 || this.#outputs.has(value)) return undefined;
    const [place] = readers;
    const isApart =
      this.partOf !== undefined && this.partOf.get(node.name) !== this.partOf.get(this.#nodes[place]!.name);
    return isApart ? undefined : place;
  }

  /** A node as a layer of known weights. */
  #layerOf(node: Node | null): Layer | undefined {
    if (!node || node.attributes.has('lo') || node.attributes.has('hi')) return undefined;
    if (node.domain !== '' || (node.op !== 'Conv' && node.op !== 'ConvTranspose')) return undefined;
    const [W, b] = [this.#constant(node.inputs[1]), this.#constant(node.inputs[2])];
    if (!isFloat(W) || (node.inputs[2] && !isFloat(b))) return undefined;
    return { node, W, b, groups: integerOf(node, 'group', 1), isTransposed: node.op === 'ConvTranspose' };
  }

  /** What a node does to the channels of a value, where it scales and shifts them by finite constants. */
  #scalingOf(node: Node, value: string, channels: number): Scaling | undefined {
    const scaling = this.#numbersOf(node, value, channels);
    return scaling && [...scaling.scale, ...scaling.shift].every(Number.isFinite) ? scaling : undefined;
  }

  #numbersOf(node: Node, value: string, channels: number): Scaling | undefined {
    const [made, read] = [node.outputs[0], value].map((name) => this.facts.get(name));
    const isSame =
      made?.shape.length === read?.shape.length && made?.shape.every((size, i) => equals(size, read!.shape[i]));
    if (node.domain !== '' || made?.dtype !== 'float32' || !isSame) return undefined;
    if (node.op === 'BatchNormalization') return this.#normOf(node, value);
    const side = node.inputs.indexOf(value);
    const numbers = this.#perChannel(node.inputs[1 - side], made.shape.length, channels);
    // Before opset 7 a second operand could name its axis.
    if (!numbers || this.graph.opset < 7 || node.inputs.length !== 2) return undefined;
    const [zeros, ones] = [0, 1].map((number) => numbers.map(() => number));
    const isFactor = node.op === 'Mul' || node.op === 'Div';
    if (isFactor && !numbers.every(isModerate)) return undefined;
    if (node.op === 'Mul') return { value, scale: numbers, shift: zeros };
    if (node.op === 'Add') return { value, scale: ones, shift: numbers };
    if (node.op === 'Div' && side === 0) return { value, scale: numbers.map((number) => 1 / number), shift: zeros };
    if (node.op !== 'Sub') return undefined;
    const negative = (list: readonly number[]) => list.map((number) => -number);
    return side === 0
      ? { value, scale: ones, shift: negative(numbers) }
      : { value, scale: negative(ones), shift: numbers };
  }

  #normOf(node: Node, value: string): Scaling | undefined {
    const constants = node.inputs.map((name, i) => (i === 0 ? undefined : this.#constant(name)));
    const isKnown = node.inputs[0] === value && constants.slice(1).every(isFloat);
    return isKnown && !isTraining(node, this.graph.opset) ? { value, ...channelScales(node, constants) } : undefined;
  }

  /** A constant that has one number for each channel, or for all. */
  #perChannel(name: string, rank: number, channels: number): readonly number[] | undefined {
    const constant = this.#constant(name);
    if (!isFloat(constant) || constant.dims.length > rank) return undefined;
    const dims = [...new Array<number>(rank - constant.dims.length).fill(1), ...constant.dims];
    const isOne = dims.every((size, i) => size === 1 || (i === 1 && size === channels));
    if (!isOne || constant.size === 0) return undefined;
    const data = constant.data as Float32Array;
    return Array.from({ length: channels }, (_, c) => data[constant.size === 1 ? 0 : c]);
  }

  /** The layer with other weights, between other values. */
  #rewritten(layer: Layer, W: Values, b: Values | undefined, input: string, outputs: readonly string[]): Node {
    const [W0, b0] = [W, b].map((data, i) => {
      if (data === undefined) return undefined;
      const constant = new Tensor('float32', data, i === 0 ? layer.W.dims : [data.length]);
      const name = this.#freshName(`${outputs[0]}:${i === 0 ? 'weights' : 'bias'}`);
      this.facts.set(name, { dtype: 'float32', shape: constant.dims, constant });
      return name;
    });
    return { ...layer.node, inputs: [input, W0!, ...(b0 === undefined ? [] : [b0])], outputs };
  }

  #freshName(wanted: string): string {
    let name = wanted;
    for (let n = 1; this.facts.has(name); n++) name = `${wanted}:${n}`;
    return name;
  }

  /** Folds what alone reads the layer at a place. @returns whether there was anything */
  #foldAfter(place: number): boolean {
    const layer = this.#layerOf(this.#nodes[place]);
    const made = layer?.node.outputs[0];
    const next = layer && this.#readerOf(made!, layer.node);
    if (!layer || next === undefined) return false;
    const node = this.#nodes[next]!;
    const scaling = this.#scalingOf(node, made!, widthsOf(layer).outputs);
    if (!scaling) return false;
    const { W, b } = scaledAfter(layer, scaling);
    this.#put(next, null);
    this.#put(place, this.#rewritten(layer, W, b, layer.node.inputs[0], node.outputs));
    return true;
  }

  /** Folds the scaling at a place into the layer that alone reads it. */
  #foldBefore(place: number): void {
    const node = this.#nodes[place];
    const next = node && this.#readerOf(node.outputs[0], node);
    const layer = next === undefined || next === null ? undefined : this.#layerOf(this.#nodes[next]);
    if (!node || !layer || layer.node.inputs[0] !== node.outputs[0]) return;
    const values = node.inputs.filter((value) => !this.#constant(value));
    if (values.length !== 1) return;
    const scaling = this.#scalingOf(node, values[0], widthsOf(layer).inputs);
    if (!scaling || !(isFlat(scaling) || this.#takesShift(layer, values[0]))) return;
    const { W, b } = scaledBefore(layer, scaling);
    this.#put(place, null);
    this.#put(next!, this.#rewritten(layer, W, b, values[0], layer.node.outputs));
  }

  #takesShift({ node, isTransposed }: Layer, value: string): boolean {
    const maker = this.#nodes[this.#makers.get(value) ?? -1];
    return rounded.has(maker?.op ?? '') && !isTransposed && !isPadded(node);
  }
}

/**
 * @param partOf  part by node name; nodes of different parts are not joined
 * @returns a graph with the same function up to rounding, and the facts of its values; a joined node keeps the layer's name
 */
export function foldScales(
  graph: Graph,
  facts: Facts,
  partOf?: ReadonlyMap<string, number>,
): { readonly graph: Graph; readonly facts: Facts } {
  const folding = new Folding(graph, facts, partOf);
  return { graph: folding.run(), facts: folding.facts };
}
