/** Walks a TensorFlow graph back from its outputs and builds the ONNX graph in front of them. */
import type { Attribute, Graph, Node, Port, Quantization } from '../graph/graph.js';
import { KerfError } from '../runtime/errors.js';
import { type Extent, symbol } from '../runtime/extent.js';
import type { Tensor } from '../runtime/tensor.js';
import { arrayMember, member } from './json.js';
import { quote } from './quote.js';
import { type EmitOptions, type Emitter, type Rule, ruleOf } from './tfjs-rules.js';
import type { TfGraph, TfNode } from './tfjs-topology.js';
import { UniqueNames } from './unique-names.js';

/** ONNX operator set in which the converted nodes are written. */
const opset = 13;

/** An output to convert: its reference in TensorFlow, its name and shape in the result. */
export interface WantedOutput {
  readonly ref: string;
  readonly name: string;
  readonly shape: readonly Extent[];
}

/** The part of a name before the last `/`. */
const scopeOf = (name: string) => name.slice(0, name.lastIndexOf('/') + 1);

export class TfConverter implements Emitter {
  readonly #graph: TfGraph;
  readonly #nodes: Node[] = [];
  readonly #inputs = new Map<string, Port>();
  readonly #initializers = new Map<string, Tensor>();
  readonly #quantization = new Map<string, Quantization>();
  readonly #values = new Map<string, string>();
  readonly #unsupported = new Set<string>();
  readonly #names: UniqueNames;
  /** References that must come out under another name: the outputs. */
  readonly #outputNames: ReadonlyMap<string, string>;

  constructor(
    graph: TfGraph,
    readonly wanted: readonly WantedOutput[],
  ) {
    this.#graph = graph;
    this.#names = new UniqueNames([...graph.nodes.keys(), ...wanted.map(({ name }) => name)]);
    this.#outputNames = new Map(wanted.map(({ ref, name }) => [ref, name]));
  }

  /** @throws OPERATOR_UNSUPPORTED with the names of all operators that have no rule; MODEL_INVALID on a cycle */
  convert(name: string): Graph {
    for (const { ref } of this.wanted) this.#walk(ref);
    if (this.#unsupported.size > 0) {
      const names = [...this.#unsupported].sort();
      throw new KerfError(
        'OPERATOR_UNSUPPORTED',
        'tfjs model',
        `operators that are not supported: got ${names.join(', ')}. Convert the model to ONNX.`,
        { operators: names },
      );
    }
    const outputs = this.wanted.map(({ ref, name: output, shape }): Port => {
      const value = this.#values.get(ref)!;
      if (value !== output) this.#identity(value, output);
      return { name: output, dtype: 'float32', shape };
    });
    const inputs = [...this.#inputs.values()];
    const initializers = this.#initializers;
    return { name, opset, inputs, outputs, nodes: this.#nodes, initializers, quantization: this.#quantization };
  }

  /** Converts what `root` needs, inputs before the nodes that use them. */
  #walk(root: string): void {
    const rules = new Map<string, Rule>();
    const open = [root];
    while (open.length > 0) {
      const ref = open[open.length - 1];
      if (this.#values.has(ref)) {
        open.pop();
        continue;
      }
      const isFirstVisit = !rules.has(ref);
      const rule = rules.get(ref) ?? this.#rule(ref);
      rules.set(ref, rule);
      const missing = rule.inputs.filter((input) => !this.#values.has(input));
      if (missing.length > 0) {
        if (!isFirstVisit) throw new KerfError('MODEL_INVALID', 'modelTopology', `a cycle runs through ${quote(ref)}.`);
        open.push(...missing);
        continue;
      }
      const values = rule.inputs.map((input) => this.#values.get(input)!);
      this.#values.set(ref, rule.emit(values, this));
      open.pop();
    }
  }

  #rule(ref: string): Rule {
    const constant = this.#graph.constant(ref);
    if (constant) return { inputs: [], emit: () => this.#initializer(ref, constant) };
    const node = this.#graph.maker(ref);
    const rule = node.name === ref ? ruleOf(this.#graph, node) : undefined;
    if (rule) return rule;
    this.#unsupported.add(node.op);
    return { inputs: node.inputs, emit: () => ref };
  }

  #initializer(name: string, tensor: Tensor): string {
    this.#initializers.set(name, tensor);
    const rounding = this.#graph.weights.quantization.get(name);
    if (rounding) this.#quantization.set(name, rounding);
    return name;
  }

  #identity(from: string, to: string): void {
    const name = this.#names.fresh(`${to}/Identity`);
    this.#nodes.push({ name, op: 'Identity', domain: '', inputs: [from], outputs: [to], attributes: new Map() });
  }

  emit(op: string, inputs: readonly string[], from: TfNode, options: EmitOptions = {}): string {
    const { domain = '', attributes = {}, isLast = true } = options;
    const name = isLast ? from.name : this.#names.fresh(`${scopeOf(from.name)}${op}`);
    const output = isLast ? (this.#outputNames.get(from.name) ?? name) : name;
    const entries = new Map<string, Attribute>(Object.entries(attributes));
    this.#nodes.push({ name, op, domain, inputs, outputs: [output], attributes: entries });
    return output;
  }

  idsInput(source: string, buckets: number): string {
    const key = JSON.stringify([source, buckets]);
    let port = this.#inputs.get(key);
    if (!port) {
      const name = this.#names.fresh('bucket_ids');
      const suffix = name.slice('bucket_ids'.length);
      port = { name, dtype: 'int32', shape: [symbol('batch'), symbol(`length${suffix}`)] };
      this.#inputs.set(key, port);
    }
    return port.name;
  }

  input(node: TfNode): string {
    const shape = shapeOf(member(member(node.attributes, 'shape'), 'shape'), node.name);
    if (!shape) {
      throw new KerfError(
        'MODEL_INVALID',
        `input ${quote(node.name)}`,
        'the file gives no rank. Export it with shapes.',
      );
    }
    this.#inputs.set(node.name, { name: node.name, dtype: 'float32', shape });
    return node.name;
  }
}

/** A TensorShape of the file; a leading unknown size is the batch. */
export function shapeOf(shape: unknown, name: string): Extent[] | undefined {
  if (shape === undefined || member(shape, 'unknownRank') === true) return undefined;
  return arrayMember(shape, 'dim', `shape of ${quote(name)}`).map((dim, axis) => {
    const size = Number(member(dim, 'size') ?? 0);
    if (Number.isInteger(size) && size >= 0 && size < 2 ** 31) return size;
    return symbol(axis === 0 ? 'batch' : `${name}_dim${axis}`);
  });
}
