/**
 * Operators on bytes that ONNX lacks, by the numbers that these stand for:
 *
 *     bytes ─▶ DequantizeLinear ─▶ the operator ─▶ QuantizeLinear ─▶ bytes
 */
import type { Attribute, Node } from '../graph.js';
import { integerOf, realOf } from '../operators/attributes.js';
import type { NodeWriter, Write } from './node-writer.js';
import { attributesOf } from './products.js';

type Attributes = Readonly<Record<string, Attribute>>;

/** Operands without the absent ones at the end. */
const given = (...inputs: readonly string[]) => inputs.slice(0, inputs.findLastIndex(Boolean) + 1);

/** The numbers of the bytes at input `index`, its scale and its zero point behind it, one for each place along `axis`. */
const numbers = (writer: NodeWriter, index: number, axis?: number) =>
  writer.op(
    'DequantizeLinear',
    given(writer.input(index), writer.input(index + 1), writer.optional(index + 2)),
    axis === undefined ? {} : { axis },
  );

const bytes = (writer: NodeWriter, value: string, scale: number) =>
  writer.op('QuantizeLinear', given(value, writer.input(scale), writer.optional(scale + 1)));

/** One operand of bytes: x, its scale and zero point, those of y. */
const unary = (op: string, attributes: (node: Node) => Attributes = () => ({})): Write => {
  return (node, writer) => {
    writer.refuse('channels last', integerOf(node, 'channels_last', 0) !== 0);
    return [bytes(writer, writer.op(op, [numbers(writer, 0)], attributes(node)), 3)];
  };
};

/** Before operator set 13 a Softmax was one over all axes from its own on; the node says which of both it is. */
const softmax: Write = (node, writer) => {
  const [axis, rank] = [integerOf(node, 'axis', -1), writer.rankOf(writer.input(0))];
  const isOld = (opset: number) => opset < 13;
  const isOther = isOld(integerOf(node, 'opset', writer.maker.opset)) !== isOld(writer.maker.opset);
  writer.refuse(
    'the Softmax of another operator set along an axis that is not the last',
    isOther && axis !== -1 && axis !== rank - 1,
  );
  return [bytes(writer, writer.op('Softmax', [numbers(writer, 0)], { axis: axis < 0 ? axis + rank : axis }), 3)];
};

const binary = (op: string): Write => {
  return (_node, writer) => [bytes(writer, writer.op(op, [numbers(writer, 0), numbers(writer, 3)]), 6)];
};

/** Scale and zero point of y, then each operand with its own. */
const concat: Write = (node, writer) => {
  const operands = Array.from({ length: (node.inputs.length - 2) / 3 }, (_, i) => numbers(writer, 2 + 3 * i));
  return [bytes(writer, writer.op('Concat', operands, attributesOf(node)), 0)];
};

/** a, its scale and zero point, those of b, then a bias in products of both scales and, where y is bytes, its scale. */
const gemm: Write = (node, writer) => {
  const isTurned = integerOf(node, 'transB', 0) !== 0;
  // Before operator set 13 a scale is one number, and there is no axis.
  const [a, b] = [numbers(writer, 0), numbers(writer, 3, writer.maker.opset < 13 ? undefined : isTurned ? 0 : 1)];
  const bias = writer.optional(6);
  const scale = writer.op('Mul', [writer.input(1), writer.input(4)]);
  const alpha = realOf(node, 'alpha', 1);
  const wide = alpha === 1 ? scale : writer.op('Mul', [scale, writer.number(alpha, scale)]);
  const addend = bias && writer.op('Mul', [writer.cast(bias, 'float32'), wide]);
  const y = writer.op('Gemm', given(a, b, addend), attributesOf(node));
  return [writer.optional(7) ? bytes(writer, y, 7) : y];
};

interface Factors {
  readonly a: string;
  readonly b: string;
  readonly zeroA: string;
  readonly zeroB: string;
  /** The product of both scales. */
  readonly scale: string;
  readonly bias: string;
}

/** A product of bytes as numbers, with a bias. */
function product(writer: NodeWriter, { a, b, zeroA, zeroB, scale, bias }: Factors): string {
  const sums = writer.op('MatMulInteger', given(a, b, zeroA, zeroB));
  return writer.sumOf(writer.op('Mul', [writer.cast(sums, 'float32'), scale]), bias);
}

/** a of numbers, rounded for each call; b of bytes, its scale and zero point, bias. */
const dynamicQuantizeMatMul: Write = (_node, writer) => {
  const [a, scaleA, zeroA] = writer.ops('DynamicQuantizeLinear', [writer.input(0)], 3);
  const scale = writer.op('Mul', [scaleA, writer.input(2)]);
  const [b, zeroB, bias] = [writer.input(1), writer.optional(3), writer.optional(4)];
  return [product(writer, { a, b, zeroA, zeroB, scale, bias })];
};

/** a and b of bytes, their scales, their zero points, bias. */
const matMulIntegerToFloat: Write = (_node, writer) => {
  const scale = writer.op('Mul', [writer.input(2), writer.input(3)]);
  const [zeroA, zeroB, bias] = [4, 5, 6].map((index) => writer.optional(index));
  return [product(writer, { a: writer.input(0), b: writer.input(1), zeroA, zeroB, scale, bias })];
};

/** Weights of bytes [directions, inputs, 4 units], scales and zero points one for each direction or for each column too. */
function lstmWeights(writer: NodeWriter, index: number, scaleIndex: number): string {
  const { maker } = writer;
  const wide = (value: string) => {
    const rank = writer.rankOf(value);
    const rows = rank === 2 ? maker.unsqueezed(value, 1) : value;
    return rank === 1 ? maker.unsqueezed(maker.unsqueezed(rows, 1), 2) : rows;
  };
  const whole = writer.cast(writer.input(index), 'float32');
  const zero = writer.optional(scaleIndex + 1);
  const centred = zero ? writer.op('Sub', [whole, wide(writer.cast(zero, 'float32'))]) : whole;
  return writer.transpose(writer.op('Mul', [centred, wide(writer.input(scaleIndex))]), 0, 2, 1);
}

/** An LSTM whose weights are bytes; its inputs and states stay numbers, where onnxruntime rounds them too. */
const dynamicQuantizeLstm: Write = (node, writer) => {
  const [w, r] = [lstmWeights(writer, 1, 8), lstmWeights(writer, 2, 10)];
  const inputs = given(writer.input(0), w, r, ...[3, 4, 5, 6, 7].map((index) => writer.optional(index)));
  return writer.ops('LSTM', inputs, node.outputs.length, attributesOf(node));
};

const alias = (op: string): Write => {
  return (node, writer) => [writer.op(op, node.inputs, attributesOf(node))];
};

export const quantized: Readonly<Record<string, Write>> = {
  QuantizeLinear: alias('QuantizeLinear'),
  DequantizeLinear: alias('DequantizeLinear'),
  QLinearAdd: binary('Add'),
  QLinearMul: binary('Mul'),
  QLinearSigmoid: unary('Sigmoid'),
  QLinearLeakyRelu: unary('LeakyRelu', attributesOf),
  QLinearSoftmax: softmax,
  QLinearAveragePool: unary('AveragePool', (node) => attributesOf(node, 'channels_last')),
  QLinearGlobalAveragePool: unary('GlobalAveragePool'),
  QLinearConcat: concat,
  QGemm: gemm,
  DynamicQuantizeMatMul: dynamicQuantizeMatMul,
  MatMulIntegerToFloat: matMulIntegerToFloat,
  DynamicQuantizeLSTM: dynamicQuantizeLstm,
};
