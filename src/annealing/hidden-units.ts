/**
 * Hidden units: outputs of one layer that only other layers read, through elementwise activations, also those that are
 * written out in several nodes; of a convolution its channels, through pools too.
 */
import { removeDead } from '../graph/fold.js';
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
    'Max Min Pow Reciprocal Relu Selu Sigmoid Sign Sin Softplus Softsign Sqrt Sub Tanh ThresholdedRelu'
  ).split(' '),
);

/** Whether a node maps `value` element by element and reads nothing else but constant scalars. */
export function isElementwiseOn(graph: Graph, node: Node, value: string): boolean {
  return isElementwiseOf(graph, node, [value]) && node.inputs.filter((input) => input === value).length === 1;
}

/** Whether a node combines the same elements of `values`, with nothing else but constant scalars. */
function isElementwiseOf(graph: Graph, node: Node, values: readonly string[]): boolean {
  if (node.domain !== '' || !elementwise.has(node.op)) return false;
  const others = node.inputs.filter((input) => !values.includes(input) && input !== '');
  return (
    node.outputs.filter((output) => output !== '').length === 1 &&
    others.every((input) => graph.initializers.get(input)?.size === 1)
  );
}

/** How units stand in a value: along its last axis, as channels of images, or as images row by row. */
type Form = 'last' | 'channels' | 'flat';

/** Operators that work on each channel of an image alone. */
const channelwise = new Set(['AveragePool', 'GlobalAveragePool', 'GlobalMaxPool', 'MaxPool']);

/** Follows what becomes of a layer's outputs up to the layers that read them. */
class Follower {
  readonly consumers: Linear[] = [];
  readonly activations: Node[] = [];
  readonly reshapes: Node[] = [];
  readonly #outputs: ReadonlySet<string>;
  readonly #layers: ReadonlyMap<Node, Linear>;

  constructor(
    readonly graph: Graph,
    layers: readonly Linear[],
    readonly producer: Linear,
  ) {
    this.#outputs = new Set(graph.outputs.map((port) => port.name));
    this.#layers = new Map(layers.map((layer) => [layer.node, layer]));
  }

  /**
   * Passes through the graph once, with the values that hold the units: an activation may be written out in several nodes
   * that meet again, such as x (1 + erf(x / sqrt 2)) / 2.
   * @param form  how units stand in the layer's output
   * @returns whether only layers read the units
   */
  follow(form: Form): boolean {
    const forms = new Map([[this.producer.output, form]]);
    for (const node of this.graph.nodes) {
      const values = node.inputs.filter((value) => forms.has(value));
      if (values.length === 0) continue;
      const [own, ...others] = values.map((value) => forms.get(value) as Form);
      const layer = this.#layers.get(node);
      if (layer) {
        if (values.length > 1 || layer.input !== values[0] || !this.#reads(layer, own)) return false;
        this.consumers.push(layer);
        continue;
      }
      const next = others.every((other) => other === own) ? this.#formAfter(node, values, own) : null;
      if (!next) return false;
      forms.set(node.outputs[0], next);
    }
    return this.consumers.length > 0 && ![...forms.keys()].some((value) => this.#outputs.has(value));
  }

  /** How units stand behind a node; null where it mixes them. */
  #formAfter(node: Node, values: readonly string[], form: Form): Form | null {
    if (isElementwiseOf(this.graph, node, values) || (form === 'channels' && this.#isChannelwise(node, values[0]))) {
      this.activations.push(node);
      return form;
    }
    return form === 'channels' && this.#makesRows(node) ? 'flat' : null;
  }

  #reads({ kernel, weight: { dims } }: Linear, form: Form): boolean {
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
    if (!follower.follow(producer.kernel ? 'channels' : 'last')) return [];
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
