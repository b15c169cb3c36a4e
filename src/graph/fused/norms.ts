/** Normalisations of rows with what onnxruntime joins to them: sums in front, embeddings, whole masks. */
import type { Node } from '../graph.js';
import { realOf } from '../operators/attributes.js';
import type { NodeWriter, Write } from './node-writer.js';

/** (x - mean) / sqrt(variance + epsilon) gain + bias along the last axis; without a mean where it is not centred. */
function normalised(
  writer: NodeWriter,
  x: string,
  [gain, bias]: readonly string[],
  epsilon: number,
  isCentred: boolean,
): string {
  const centred = isCentred ? writer.op('Sub', [x, writer.mean(x)]) : x;
  const variance = writer.mean(writer.op('Mul', [centred, centred]));
  const deviation = writer.op('Sqrt', [writer.op('Add', [variance, writer.number(epsilon, x)])]);
  const scaled = writer.op('Mul', [writer.op('Div', [centred, deviation]), gain]);
  return writer.sumOf(scaled, bias);
}

/** LayerNormalization before operator set 17 and SimplifiedLayerNormalization: x, gain [, bias]. */
const plain = (isCentred: boolean): Write => {
  return (node, writer) => {
    const x = writer.input(0);
    const axis = Number(node.attributes.get('axis') ?? -1);
    writer.refuse(`axis ${axis}`, axis !== -1 && axis !== writer.rankOf(x) - 1);
    writer.refuse('mean or deviation as outputs', node.outputs.slice(1).some(Boolean));
    const affine = [writer.input(1), isCentred ? writer.optional(2) : ''];
    return [normalised(writer, x, affine, realOf(node, 'epsilon', 1e-5), isCentred)];
  };
};

/** x, skip, gain [, bias of the norm] [, bias of the sum]: the norm of a sum; output 3 is the sum. */
const skip = (isCentred: boolean): Write => {
  return (node, writer) => {
    writer.refuse('mean or deviation as outputs', node.outputs.slice(1, 3).some(Boolean));
    const sum = writer.sumOf(writer.input(0), writer.input(1), writer.optional(isCentred ? 4 : 3));
    const affine = [writer.input(2), isCentred ? writer.optional(3) : ''];
    return [normalised(writer, sum, affine, realOf(node, 'epsilon', 1e-12), isCentred), '', '', sum];
  };
};

/**
 * ids, segments, word table, position table, segment table, gain, bias, mask, positions: the norm of the sum of the rows
 * that the tables have; output 1 is how many places the mask shows in each row, output 2 the sum.
 */
function embed(node: Node, writer: NodeWriter): readonly string[] {
  const [ids, segments] = [writer.input(0), writer.optional(1)];
  const positions = writer.optional(8) || writer.positions(ids, 1);
  const rows = [writer.op('Gather', [writer.input(2), ids]), writer.op('Gather', [writer.input(3), positions])];
  if (segments) rows.push(writer.op('Gather', [writer.input(4), segments]));
  const sum = writer.sumOf(...rows);
  const affine = [writer.input(5), writer.input(6)];
  const y = normalised(writer, sum, affine, realOf(node, 'epsilon', 1e-12), true);
  if (!node.outputs[1]) return [y, '', sum];
  const mask = writer.cast(writer.optional(7) || ids, 'float32');
  // Without a mask its lengths are 0, which nothing may read.
  const seen = writer.optional(7) ? mask : writer.op('Mul', [mask, writer.number(0, mask)]);
  return [y, writer.cast(writer.sum(seen), 'int32'), sum];
}

export const rowNorms: Readonly<Record<string, Write>> = {
  LayerNormalization: plain(true),
  SimplifiedLayerNormalization: plain(false),
};

export const norms: Readonly<Record<string, Write>> = {
  SkipLayerNormalization: skip(true),
  SkipSimplifiedLayerNormalization: skip(false),
  EmbedLayerNormalization: embed,
};
