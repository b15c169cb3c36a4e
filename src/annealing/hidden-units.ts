/**
 * Hidden units: outputs of one layer that only other layers read, through elementwise activations, also those that are
 * written out in several nodes; of a convolution its channels, through pools too. Gates and sums join the units of several
 * layers one by one, as in down(silu(gate x) * up x): these come and go together.
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
 * columns that its windows or places fill; of partners row u too.
 */
export interface HiddenUnits {
  readonly producer: Linear;
  /** Layers behind it whose units are joined to its own, one by one. */
  readonly partners: readonly Linear[];
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
    'Max Min Pow Reciprocal Relu Selu Sigmoid Sign Sin Softplus Softsign Sqrt Sub Swish Tanh ThresholdedRelu'
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
  consumers: Linear[] = [];
  activations: Node[] = [];
  reshapes: Node[] = [];
  readonly partners: Linear[] = [];
  readonly #outputs: ReadonlySet<string>;
  readonly #layers: ReadonlyMap<Node, Linear>;
  readonly #makers: ReadonlyMap<string, Node>;

  constructor(
    readonly graph: Graph,
    layers: readonly Linear[],
    readonly producer: Linear,
  ) {
    this.#outputs = new Set(graph.outputs.map((port) => port.name));
    this.#layers = new Map(layers.map((layer) => [layer.node, layer]));
    this.#makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((value) => [value, node] as const)));
  }

  /**
   * Passes through the graph, with the values that hold the units: an activation may be written out in several nodes that
   * meet again, such as x (1 + erf(x / sqrt 2)) / 2. Begins anew where other layers' units join.
   * @returns whether only layers read the units
   */
  follow(): boolean {
    for (;;) {
      const known = this.partners.length;
      [this.consumers, this.activations, this.reshapes] = [[], [], []];
      const isClosed = this.#pass(this.producer.kernel ? 'channels' : 'last');
      if (this.partners.length === known) return isClosed;
    }
  }

  /** One pass; false where the units end elsewhere, or where partners were found. */
  #pass(form: Form): boolean {
    const forms = new Map([this.producer, ...this.partners].map(({ output }) => [output, form]));
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
      if (own !== 'flat' && this.#isJoined(node, values)) return false;
      const next = others.every((other) => other === own) ? this.#formAfter(node, values, own) : null;
      if (!next) return false;
      forms.set(node.outputs[0], next);
    }
    return this.consumers.length > 0 && ![...forms.keys()].some((value) => this.#outputs.has(value));
  }

  /** Whether units of layers that were not known join at a node; they are partners from then on. */
  #isJoined(node: Node, values: readonly string[]): boolean {
    if (node.domain !== '' || !elementwise.has(node.op)) return false;
    const others = node.inputs.filter((input) => input !== '' && !values.includes(input) && !this.#isScalar(input));
    const found = others.map((value) => this.#unitsIn(value));
    if (found.some((layers) => layers === null)) return false;
    const known = new Set([this.producer, ...this.partners].map(({ name }) => name));
    const added = new Map((found as Linear[][]).flat().map((layer) => [layer.name, layer]));
    for (const [name, layer] of added) if (!known.has(name)) this.partners.push(layer);
    return this.partners.length >= known.size;
  }

  #isScalar(value: string): boolean {
    return this.graph.initializers.get(value)?.size === 1;
  }

  /** The layers whose outputs a value holds, element by element; null for one that holds others. */
  #unitsIn(value: string): readonly Linear[] | null {
    const layers: Linear[] = [];
    const seen = new Set<string>();
    const pending = [value];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      const node = this.#makers.get(next);
      const layer = node && this.#layers.get(node);
      if (layer) {
        const isAlike = layer.weight.dims[0] === this.producer.weight.dims[0];
        if (!isAlike || layer.kernel?.length !== this.producer.kernel?.length) return null;
        layers.push(layer);
      } else if (node?.domain === '' && elementwise.has(node.op)) {
        pending.push(...node.inputs.filter((input) => input !== '' && !this.#isScalar(input)));
      } else return null;
    }
    return layers;
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
 * All groups of hidden units that one layer makes, in topological order of the layers.
 * @param layers  whose units count: the plain linear ones by default, or with the channels of convolutions
 */
export function hiddenUnitsOf(graph: Graph, layers = linearsOf(graph)): readonly HiddenUnits[] {
  return unitGroupsOf(graph, layers).filter(({ partners }) => partners.length === 0);
}

/** All groups of hidden units, also those that several layers make together: each once, by the first of its layers. */
export function unitGroupsOf(graph: Graph, layers: readonly Linear[]): readonly HiddenUnits[] {
  const own = layers.filter(({ recurrence }) => recurrence === null);
  const joined = new Set<string>();
  return own.flatMap((producer): readonly HiddenUnits[] => {
    if (joined.has(producer.name)) return [];
    const follower = new Follower(graph, own, producer);
    if (!follower.follow()) return [];
    const { partners, consumers, activations, reshapes } = follower;
    for (const { name } of partners) joined.add(name);
    return [{ producer, partners, consumers, activations, reshapes }];
  });
}

/** The positions of units as those of a reader's inputs, `size` of each in a row. */
export function inputsOf(units: Int32Array, size: number): Int32Array<ArrayBuffer> {
  return Int32Array.from({ length: units.length * size }, (_, e) => units[Math.floor(e / size)] * size + (e % size));
}

/** Keeps the units at `kept` (ascending) and drops the others. */
export function keepUnits(
  graph: Graph,
  { producer, partners, consumers, reshapes }: HiddenUnits,
  kept: Int32Array<ArrayBuffer>,
): Graph {
  let next = graph;
  for (const maker of [producer, ...partners]) {
    const bias = maker.bias && pick(maker.bias, kept);
    next = withWeights(next, maker, submatrix(maker.weight, kept, allOf(maker.weight.dims[1])), bias);
  }
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
