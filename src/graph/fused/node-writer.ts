/** Writes what one fused node stands for, in standard operators of the graph's own operator set. */
import type { DType } from '../../runtime/tensor.js';
import { onnxNumber, type Tensor } from '../../runtime/tensor.js';
import type { Attribute, Node } from '../graph.js';
import type { GraphMaker } from '../graph-maker.js';
import { nodeError } from '../operators/attributes.js';
import { int64Tensor } from '../operators/constant.js';
import { fillNumbers } from '../operators/elements.js';

type Attributes = Readonly<Record<string, Attribute>>;

/** What a fused node is written as: the values that stand for its outputs, '' or none for one that is not made. */
export type Write = (node: Node, writer: NodeWriter) => readonly string[];

export class NodeWriter {
  constructor(
    readonly node: Node,
    readonly maker: GraphMaker,
  ) {}

  /** An input that has to be there. @throws MODEL_INVALID where it is not */
  input(index: number): string {
    const value = this.node.inputs[index];
    if (value) return value;
    throw nodeError('MODEL_INVALID', this.node, `input ${index}: got none, expected a value.`);
  }

  /** An input that may be absent: '' then. */
  optional(index: number): string {
    return this.node.inputs[index] ?? '';
  }

  /** @throws OPERATOR_UNSUPPORTED when the node has any of these inputs or outputs, or when `isOther` */
  refuse(what: string, isOther: boolean): void {
    if (!isOther) return;
    throw nodeError('OPERATOR_UNSUPPORTED', this.node, `a form that kerf lacks: got ${what}, expected none.`, {
      operators: [`${this.node.domain}.${this.node.op}`],
    });
  }

  op(op: string, inputs: readonly string[], attributes: Attributes = {}, domain = ''): string {
    return this.ops(op, inputs, 1, attributes, domain)[0];
  }

  ops(
    op: string,
    inputs: readonly string[],
    count: number,
    attributes: Attributes = {},
    domain = '',
  ): readonly string[] {
    const wanted = this.node.outputs.find(Boolean) ?? this.node.name;
    const outputs = Array.from({ length: count }, () => this.maker.fresh(`${wanted}:${op}`));
    this.maker.emit(op, inputs, outputs, attributes, domain);
    return outputs;
  }

  constant(tensor: Tensor): string {
    return this.maker.constant(`${this.node.name}:constant`, tensor);
  }

  /** A number in the dtype of another value. @throws DTYPE_UNSUPPORTED where that holds no reals */
  number(value: number, like: string): string {
    const { dtype } = this.maker.factOf(like);
    if (dtype.includes('float')) return this.constant(fillNumbers(dtype, [], () => value));
    throw nodeError('DTYPE_UNSUPPORTED', this.node, `dtype: got ${dtype}, expected floats. Insert a Cast.`);
  }

  /** @throws MODEL_INVALID for sizes that are no whole numbers, as of heads that do not divide a width */
  integers(...values: number[]): string {
    const wrong = values.find((value) => !Number.isSafeInteger(value));
    if (wrong === undefined) return this.constant(int64Tensor(values));
    throw nodeError('MODEL_INVALID', this.node, `sizes: got ${wrong}, expected whole numbers.`);
  }

  rankOf(value: string): number {
    return this.maker.factOf(value).shape.length;
  }

  cast(value: string, dtype: DType): string {
    return this.maker.factOf(value).dtype === dtype ? value : this.op('Cast', [value], { to: onnxNumber(dtype) });
  }

  reshape(value: string, ...dims: number[]): string {
    return this.op('Reshape', [value, this.integers(...dims)]);
  }

  transpose(value: string, ...perm: number[]): string {
    return this.op('Transpose', [value], { perm });
  }

  /** Axes swapped at the end. */
  turn(value: string): string {
    const rank = this.rankOf(value);
    const perm = Array.from({ length: rank }, (_, axis) => axis);
    return this.transpose(value, ...perm.slice(0, -2), rank - 1, rank - 2);
  }

  /** Elements `start`, `start + step` .. below `end` along an axis. */
  slice(value: string, axis: number, start: number, end: number, step = 1): string {
    if (this.maker.opset < 10 && step === 1)
      return this.op('Slice', [value], { axes: [axis], starts: [start], ends: [end] });
    return this.op('Slice', [value, ...[start, end, axis, step].map((number) => this.integers(number))]);
  }

  /** A whole number for itself. */
  whole(value: number): string {
    return this.constant(int64Tensor([value], []));
  }

  /** The size of an axis. */
  sizeAt(value: string, axis: number): string {
    return this.op('Gather', [this.op('Shape', [value]), this.whole(axis)]);
  }

  /** A list of first .. size - 1, size that of an axis. */
  positions(value: string, axis: number, first = this.whole(0)): string {
    return this.op('Range', [first, this.sizeAt(value, axis), this.whole(1)]);
  }

  /** Mean along the last axis, which stays. */
  mean(value: string): string {
    const axis = this.rankOf(value) - 1;
    if (this.maker.opset < 18) return this.op('ReduceMean', [value], { axes: [axis], keepdims: 1 });
    return this.op('ReduceMean', [value, this.integers(axis)], { keepdims: 1 });
  }

  /** Sum along the last axis, which goes. */
  sum(value: string): string {
    const axis = this.rankOf(value) - 1;
    if (this.maker.opset < 13) return this.op('ReduceSum', [value], { axes: [axis], keepdims: 0 });
    return this.op('ReduceSum', [value, this.integers(axis)], { keepdims: 0 });
  }

  clip(value: string, lo: number, hi: number): string {
    if (this.maker.opset < 11) return this.op('Clip', [value], { min: lo, max: hi });
    return this.op('Clip', [value, this.number(lo, value), this.number(hi, value)]);
  }

  /** The sum of what is there of some values. */
  sumOf(...values: readonly string[]): string {
    return values.filter(Boolean).reduce((sum, value) => this.op('Add', [sum, value]));
  }
}
