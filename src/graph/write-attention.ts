/**
 * ONNX's Attention as the nodes that it stands for, so that heads, gradients and kernels find what they know:
 *
 *     q, k, v ─▶ [batch, heads, length, depth], keys and values once for each head that reads them
 *     q scale ─▶ MatMul k^T ─▶ Add masks ─▶ Softmax ─▶ MatMul v ─▶ in the form of q
 */
import { isStatic } from '../runtime/extent.js';
import { Tensor } from '../runtime/tensor.js';
import { FreshNames } from './fresh-names.js';
import type { Attribute, Graph, Node } from './graph.js';
import { inferFacts } from './infer.js';
import { type AttentionForm, attentionForm } from './operators/attention-operator.js';
import { nodeError } from './operators/attributes.js';
import { int64Tensor } from './operators/constant.js';
import { fillNumbers } from './operators/elements.js';

/** Writes one node out. */
class Writer {
  readonly nodes: Node[] = [];

  constructor(
    readonly node: Node,
    readonly form: AttentionForm,
    readonly names: FreshNames,
    readonly constants: Map<string, Tensor>,
  ) {}

  #emit(op: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    const name = this.names.take(`${this.node.outputs[0]}:${op}`);
    this.nodes.push({ name, op, domain: '', inputs, outputs: [name], attributes: new Map(Object.entries(attributes)) });
    return name;
  }

  #constant(suffix: string, tensor: Tensor): string {
    const name = this.names.take(`${this.node.outputs[0]}:${suffix}`);
    this.constants.set(name, tensor);
    return name;
  }

  #list(values: readonly number[]): string {
    return this.#constant('list', int64Tensor(values));
  }

  /** [batch, heads, length, size], each of `heads` as often as `times` says. */
  #heads(value: string, heads: number, size: number, times: number): string {
    const { isFlat } = this.form;
    const rows = isFlat ? this.#emit('Reshape', [value, this.#list([0, 0, heads, size])]) : value;
    const split = isFlat ? this.#emit('Transpose', [rows], { perm: [0, 2, 1, 3] }) : rows;
    if (times === 1) return split;
    const apart = this.#emit('Unsqueeze', [split, this.#list([2])]);
    const wide = this.#emit('Expand', [apart, this.#list([1, 1, times, 1, 1])]);
    return this.#emit('Reshape', [wide, this.#list([0, heads * times, -1, size])]);
  }

  /** What is added to scores for places behind the query's own. */
  #causal(): string {
    const { lengths } = this.form;
    if (!lengths.every(isStatic)) {
      const problem = 'is_causal: got sequences of open length, expected numbers. Fix them with --sizes.';
      throw nodeError('SHAPE_UNSUPPORTED', this.node, problem);
    }
    const [T, S] = lengths as readonly number[];
    const data = Float32Array.from({ length: T * S }, (_, i) => (i % S > Math.floor(i / S) ? -Infinity : 0));
    return this.#constant('causal', new Tensor('float32', data, [T, S]));
  }

  #mask(value: string): string {
    if (this.form.mask?.dtype !== 'bool') return value;
    const [seen, hidden] = [0, -Infinity].map((number) =>
      this.#constant(
        'share',
        fillNumbers('float32', [], () => number),
      ),
    );
    return this.#emit('Where', [value, seen, hidden]);
  }

  write(): readonly Node[] {
    const { isFlat, queryHeads, keyHeads, depth, width, scale, isCausal, mask } = this.form;
    const [q, k, v, masks] = this.node.inputs;
    const times = queryHeads / keyHeads;
    const queries = this.#heads(q, queryHeads, depth, 1);
    const keys = this.#emit('Transpose', [this.#heads(k, keyHeads, depth, times)], { perm: [0, 1, 3, 2] });
    const factor = this.#constant(
      'scale',
      fillNumbers('float32', [], () => scale),
    );
    let scores = this.#emit('Mul', [this.#emit('MatMul', [queries, keys]), factor]);
    if (mask) scores = this.#emit('Add', [scores, this.#mask(masks)]);
    if (isCausal) scores = this.#emit('Add', [scores, this.#causal()]);
    const shares = this.#emit('Softmax', [scores], { axis: -1 });
    const values = this.#emit('MatMul', [shares, this.#heads(v, keyHeads, width, times)]);
    const rows = isFlat ? this.#emit('Transpose', [values], { perm: [0, 2, 1, 3] }) : values;
    const [y] = this.node.outputs;
    const [op, inputs] = isFlat ? ['Reshape', [rows, this.#list([0, 0, queryHeads * width])]] : ['Identity', [rows]];
    return [
      ...this.nodes,
      { ...this.node, op: op as string, inputs: inputs as string[], outputs: [y], attributes: new Map() },
    ];
  }
}

const isAttention = ({ op, domain }: Node) => op === 'Attention' && domain === '';

/** @returns `graph` itself where there is none; Attention of other dtypes than float32 stays */
export function writeAttention(graph: Graph): Graph {
  if (!graph.nodes.some(isAttention)) return graph;
  const facts = inferFacts(graph);
  const names = new FreshNames(graph);
  const constants = new Map(graph.initializers);
  const nodes = graph.nodes.flatMap((node) => {
    if (!isAttention(node) || facts.get(node.inputs[0])?.dtype !== 'float32') return [node];
    const form = attentionForm(
      node,
      node.inputs.map((value) => (value === '' ? undefined : facts.get(value))),
    );
    return new Writer(node, form, names, constants).write();
  });
  return { ...graph, nodes, initializers: constants };
}
