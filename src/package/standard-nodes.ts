/**
 * kerf's own operators as standard ONNX nodes:
 *
 *     Linear, x of rank 2   ─▶  Gemm (transB) [─▶ Relu or Clip]
 *     Linear otherwise      ─▶  Transpose W, MatMul [─▶ Add] [─▶ Relu or Clip]
 *     LSTM, GRU             ─▶  MatMul (U, V), LSTM, GRU: the function, not the saving
 *     LinearInt8            ─▶  DequantizeLinear W, then as Linear
 *     EmbeddingBag          ─▶  table rows of the ids >= 0, masked, summed [─▶ over their number] [─▶ Add]
 */
import type { Attribute, Node } from '../graph/graph.js';
import { innerInput } from '../graph/operators/recurrent.js';
import { KerfError } from '../runtime/errors.js';
import { onnxNumber, Tensor } from '../runtime/tensor.js';

/** Where lowered nodes and the constants they need go. */
export interface NodeSink {
  readonly opset: number;
  /** Rank of a value, where it is known. */
  rankOf(value: string): number | undefined;
  /** A value name that nothing uses. */
  fresh(base: string): string;
  constant(base: string, tensor: Tensor): string;
  push(node: Node): void;
}

type Attributes = Readonly<Record<string, Attribute>>;

/** Appends nodes one after the other; the last one makes the output of the node they stand for. */
class Chain {
  constructor(
    readonly node: Node,
    readonly sink: NodeSink,
  ) {}

  emit(op: string, inputs: readonly string[], attributes: Attributes = {}, isLast = false): string {
    const name = isLast ? this.node.name : this.sink.fresh(`${this.node.name}/${op}`);
    const output = isLast ? this.node.outputs[0] : name;
    const entries = new Map(Object.entries(attributes));
    this.sink.push({ name, op, domain: '', inputs, outputs: [output], attributes: entries });
    return output;
  }

  last(op: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.emit(op, inputs, attributes, true);
  }

  ints(...values: number[]): string {
    return this.sink.constant('axes', new Tensor('int64', BigInt64Array.from(values, BigInt), [values.length]));
  }

  scalar(value: number): string {
    return this.sink.constant('scalar', new Tensor('float32', Float32Array.of(value), []));
  }
}

/** Before opset 7 the second operand was stretched only on request. */
const stretch = (opset: number): Attributes => (opset < 7 ? { broadcast: 1 } : {});

/** y = min(max(x, lo), hi); an infinite or missing bound is none. */
function emitClamp(chain: Chain, value: string, lo: number, hi: number): void {
  if (lo === 0 && hi === Number.POSITIVE_INFINITY) {
    chain.last('Relu', [value]);
    return;
  }
  const bounds: [string, number][] = [
    ['min', lo],
    ['max', hi],
  ];
  const given = bounds.map(([name, bound]): [string, number | undefined] => [
    name,
    Number.isFinite(bound) ? bound : undefined,
  ]);
  if (chain.sink.opset >= 11) {
    const inputs = given.map(([, bound]) => (bound === undefined ? '' : chain.scalar(bound)));
    chain.last('Clip', [value, ...inputs]);
  } else {
    const present = given.filter((entry): entry is [string, number] => entry[1] !== undefined);
    chain.last('Clip', [value], Object.fromEntries(present));
  }
}

function lowerLinear(node: Node, sink: NodeSink): void {
  const chain = new Chain(node, sink);
  const [x] = node.inputs;
  const [w, bias] = node.op === 'LinearInt8' ? dequantized(node, chain) : node.inputs.slice(1);
  const real = (name: string, missing: number) => Number(node.attributes.get(name) ?? missing);
  const [lo, hi] = [real('lo', Number.NEGATIVE_INFINITY), real('hi', Number.POSITIVE_INFINITY)];
  const isClamped = lo !== Number.NEGATIVE_INFINITY || hi !== Number.POSITIVE_INFINITY;
  let value: string;
  if (sink.rankOf(x) === 2 && (bias || sink.opset >= 11)) {
    const inputs = bias ? [x, w, bias] : [x, w];
    value = chain.emit('Gemm', inputs, { transB: 1, ...(bias ? stretch(sink.opset) : {}) }, !isClamped);
  } else {
    const columns = chain.emit('Transpose', [w], { perm: [1, 0] });
    value = chain.emit('MatMul', [x, columns], {}, !isClamped && !bias);
    if (bias) value = chain.emit('Add', [value, bias], stretch(sink.opset), !isClamped);
  }
  if (isClamped) emitClamp(chain, value, lo, hi);
}

/** R = U V, of constants, which standard cells read whole. */
function lowerRecurrent(node: Node, sink: NodeSink): void {
  const R = sink.fresh(`${node.name}/R`);
  const factors = [node.inputs[2], node.inputs[innerInput]];
  sink.push({ name: R, op: 'MatMul', domain: '', inputs: factors, outputs: [R], attributes: new Map() });
  const inputs = node.inputs.slice(0, innerInput).map((input, index) => (index === 2 ? R : input));
  while (inputs.at(-1) === '') inputs.pop();
  sink.push({ ...node, domain: '', inputs });
}

/** The weights and the bias of int8 weights: a scale for each output, along the first axis. */
function dequantized({ name, inputs: [, w, scale, bias] }: Node, chain: Chain): readonly string[] {
  if (chain.sink.opset >= 13) return [chain.emit('DequantizeLinear', [w, scale], { axis: 0 }), bias];
  throw new KerfError(
    'OPERATOR_UNSUPPORTED',
    `node ${JSON.stringify(name)} (LinearInt8)`,
    `cannot be written in operator set ${chain.sink.opset}, expected >= 13.`,
  );
}

/** mask [M, L, 1] is 1 where there is an id; rows [M, L, D]; sum over L. */
function lowerEmbeddingBag(node: Node, sink: NodeSink): void {
  if (sink.opset < 13) {
    throw new KerfError(
      'OPERATOR_UNSUPPORTED',
      `node ${JSON.stringify(node.name)} (EmbeddingBag)`,
      `cannot be written in operator set ${sink.opset}, expected >= 13.`,
    );
  }
  const chain = new Chain(node, sink);
  const [ids, table, bias] = node.inputs;
  const isMean = node.attributes.get('mode') !== 'sum';
  const zero = sink.constant('zero', new Tensor('int32', Int32Array.of(0), []));
  const float = { to: onnxNumber('float32') };
  const mask = chain.emit('Cast', [chain.emit('GreaterOrEqual', [ids, zero])], float);
  const rows = chain.emit('Gather', [table, chain.emit('Max', [ids, zero])], { axis: 0 });
  const kept = chain.emit('Mul', [rows, chain.emit('Unsqueeze', [mask, chain.ints(2)])]);
  let value = chain.emit('ReduceSum', [kept, chain.ints(1)], { keepdims: 0 }, !isMean && !bias);
  if (isMean) {
    const count = chain.emit('ReduceSum', [mask, chain.ints(1)], { keepdims: 1 });
    value = chain.emit('Div', [value, chain.emit('Max', [count, chain.scalar(1)])], {}, !bias);
  }
  if (bias) chain.last('Add', [value, bias]);
}

/**
 * Appends a node to the sink, kerf's own ones as standard nodes.
 * @throws OPERATOR_UNSUPPORTED for an operator of kerf's that standard ONNX cannot say in this operator set
 */
export function pushStandard(node: Node, sink: NodeSink): void {
  if (node.domain !== 'kerf') sink.push(node);
  else if (node.op === 'Linear' || node.op === 'LinearInt8') lowerLinear(node, sink);
  else if (node.op === 'LSTM' || node.op === 'GRU') lowerRecurrent(node, sink);
  else if (node.op === 'EmbeddingBag') lowerEmbeddingBag(node, sink);
  else {
    throw new KerfError(
      'OPERATOR_UNSUPPORTED',
      `node ${JSON.stringify(node.name)}`,
      `got ${node.op}, expected one of Linear, LinearInt8, LSTM, GRU, EmbeddingBag or a standard operator.`,
    );
  }
}
