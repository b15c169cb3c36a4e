/**
 * Hidden units: outputs of one layer that only other layers read, through elementwise activations; of a convolution its
 * channels, through pools too.
 */
import { readersOf, removeDead } from '../graph/fold.js';
import type { Graph, Node } from '../graph/graph.js';
import { inferFacts } from '../graph/infer.js';
import { integerOf } from '../graph/operators/attributes.js';
import { equals, product } from '../runtime/extent.js';
import { type Linear, layersOf, linearsOf, withWeights } from './rewrite.js';
import { allOf, pick, submatrix } from './submatrix.js';

/**
 * The units between a layer and its readers; removing unit u takes row u of one and column u of the others, or all
 * columns that its windows or places fill.
 */
export interface HiddenUnits {
  readonly producer: Linear;
  readonly consumers: readonly Linear[];
  /** Elementwise nodes and pools between them. */
  readonly activations: readonly Node[];
  /** Reshapes that do what Flatten does, to a size that is written down. */
  readonly reshapes: readonly Node[];
}

/** Operators that compute each element from that element alone; further inputs must be constant scalars. */
const elementwise = new Set(
  (
    'Abs Add Ceil Clip Cos Div Dropout Elu Erf Exp Floor Gelu HardSigmoid HardSwish Identity LeakyRelu Log Mish Mul Neg ' +
    'Reciprocal Relu Selu Sigmoid Sign Sin Softplus Softsign Sqrt Sub Tanh ThresholdedRelu'
  ).split(' '),
);

/** Whether a node maps `value` element by element and reads nothing else but constant scalars. */
export function isElementwiseOn(graph: Graph, node: Node, value: string): boolean {
  if (node.domain !== '' || !elementwise.has(node.op)) return false;
  const others = node.inputs.filter((input) => input !== value && input !== '');
  return (
    node.outputs.filter((output) => output !== '').length === 1 &&
    node.inputs.filter((input) => input === value).length === 1 &&
    others.every((input) => graph.initializers.get(input)?.size === 1)
  );
}

/** Operators that work on each channel of an image alone. */
const channelwise = new Set(['AveragePool', 'GlobalAveragePool', 'GlobalMaxPool', 'MaxPool']);

/** Follows what becomes of a layer's outputs up to the layers that read them. */
class Follower {
  readonly consumers: Linear[] = [];
  readonly activations: Node[] = [];
  readonly reshapes: Node[] = [];
  readonly #readers: ReturnType<typeof readersOf>;
  readonly #outputs: ReadonlySet<string>;
  readonly #layers: ReadonlyMap<Node, Linear>;

  constructor(
    readonly graph: Graph,
    layers: readonly Linear[],
    readonly producer: Linear,
  ) {
    this.#readers = readersOf(graph);
    this.#outputs = new Set(graph.outputs.map((port) => port.name));
    this.#layers = new Map(layers.map((layer) => [layer.node, layer]));
  }

  /**
   * @param form  how units stand in the value: along its last axis, as channels of images, or as images row by row
   * @returns whether only layers read the units
   */
  follow(value: string, form: 'last' | 'channels' | 'flat'): boolean {
    const nodes = this.#readers.get(value) ?? [];
    if (this.#outputs.has(value) || nodes.length === 0) return false;
    return nodes.every((node) => {
      const layer = this.#layers.get(node);
      if (layer?.input === value) return this.#reads(layer, form) && this.consumers.push(layer) > 0;
      if (!isElementwiseOn(this.graph, node, value) && !(form === 'channels' && this.#isChannelwise(node, value))) {
        return form === 'channels' && this.#makesRows(node) && this.follow(node.outputs[0], 'flat');
      }
      this.activations.push(node);
      return this.follow(node.outputs[0], form);
    });
  }

  #reads({ kernel, weight: { dims } }: Linear, form: 'last' | 'channels' | 'flat'): boolean {
    const isFitting = (kernel !== null) === (form === 'channels');
    return isFitting && dims[1] % this.producer.weight.dims[0] === 0;
  }

  /** Whether a node makes one row of each sample, channel after channel. */
  #makesRows(node: Node): boolean {
    if (node.domain !== '' || this.graph.initializers.has(node.inputs[0])) return false;
    if (node.op === 'Flatten') return integerOf(node, 'axis', 1) === 1;
    if (node.op !== 'Reshape') return false;
    const facts = inferFacts(this.graph);
    const [[n, ...image], [rows, ...row]] = [node.inputs[0], node.outputs[0]].map((value) => facts.get(value)!.shape);
    const isRow = row.length === 1 && equals(rows, n) && equals(row[0], product(image));
    if (isRow) this.reshapes.push(node);
    return isRow;
  }

  #isChannelwise({ op, domain, inputs, outputs }: Node, value: string): boolean {
    return domain === '' && channelwise.has(op) && inputs[0] === value && outputs.length === 1;
  }
}

/**
 * All groups of hidden units, in topological order of their producers.
 * @param layers  whose units count: the plain linear ones by default, or with the channels of convolutions
 */
export function hiddenUnitsOf(graph: Graph, layers = linearsOf(graph)): readonly HiddenUnits[] {
  const own = layers.filter(({ recurrence }) => recurrence === null);
  return own.flatMap((producer) => {
    const follower = new Follower(graph, own, producer);
    if (!follower.follow(producer.output, producer.kernel ? 'channels' : 'last')) return [];
    const { consumers, activations, reshapes } = follower;
    return [{ producer, consumers, activations, reshapes }];
  });
}

/** The positions of units as those of a reader's inputs, `size` of each in a row. */
export function inputsOf(units: Int32Array, size: number): Int32Array<ArrayBuffer> {
  return Int32Array.from({ length: units.length * size }, (_, e) => units[Math.floor(e / size)] * size + (e % size));
}

/** Keeps the units at `kept` (ascending) and drops the others. */
export function keepUnits(
  graph: Graph,
  { producer, consumers, reshapes }: HiddenUnits,
  kept: Int32Array<ArrayBuffer>,
): Graph {
  const columns = allOf(producer.weight.dims[1]);
  const bias = producer.bias && pick(producer.bias, kept);
  let next = withWeights(graph, producer, submatrix(producer.weight, kept, columns), bias);
  for (const { name } of consumers) {
    const consumer = layersOf(next).find((layer) => layer.name === name) as Linear;
    const columns = inputsOf(kept, consumer.weight.dims[1] / producer.weight.dims[0]);
    const weight = submatrix(consumer.weight, allOf(consumer.weight.dims[0]), columns);
    next = withWeights(next, consumer, weight, consumer.bias);
  }
  return reshapes.length > 0 ? flattened(next, new Set(reshapes.map(({ name }) => name))) : next;
}

/** Flatten in the place of reshapes, so that rows are as long as there are units. */
function flattened(graph: Graph, names: ReadonlySet<string>): Graph {
  const flatten = (node: Node): Node => ({
    ...node,
    op: 'Flatten',
    inputs: [node.inputs[0]],
    attributes: new Map([['axis', 1]]),
  });
  return removeDead({ ...graph, nodes: graph.nodes.map((node) => (names.has(node.name) ? flatten(node) : node)) });
}
