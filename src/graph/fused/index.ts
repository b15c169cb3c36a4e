/**
 * Operators that stand for several: those that onnxruntime's optimiser and its quantisation write into a model
 * (com.microsoft), and RotaryEmbedding of ONNX. They are written out when a graph is made canonical, so that evidence,
 * annealing and kernels find what they know.
 */
import type { Node } from '../graph.js';
import type { GraphMaker } from '../graph-maker.js';
import { activations } from './activations.js';
import { attentions } from './attention.js';
import { NodeWriter, type Write } from './node-writer.js';
import { norms, rowNorms } from './norms.js';
import { products } from './products.js';
import { quantized } from './quantized.js';
import { rotary, rotaryOfTables } from './rotary.js';

const microsoft: Readonly<Record<string, Write>> = {
  ...activations,
  ...attentions,
  ...norms,
  ...products,
  ...quantized,
  RotaryEmbedding: rotaryOfTables,
};

/** The first operator set in which a name of ai.onnx has an operator of its own; onnxruntime writes it before too. */
const firstOwn: Readonly<Record<string, number>> = { LayerNormalization: 17 };

/** How a node is written out; undefined where it is no fused one. */
function writeOf({ domain, op }: Pick<Node, 'domain' | 'op'>, opset: number): Write | undefined {
  if (domain === 'com.microsoft') return Object.hasOwn(microsoft, op) ? microsoft[op] : undefined;
  if (domain !== '') return undefined;
  if (op === 'RotaryEmbedding' && opset >= 23) return rotary;
  return Object.hasOwn(rowNorms, op) && opset < (firstOwn[op] ?? Infinity) ? rowNorms[op] : undefined;
}

export function isFused(node: Pick<Node, 'domain' | 'op'>, opset: number): boolean {
  return writeOf(node, opset) !== undefined;
}

/** Makes the nodes that a fused one stands for. @throws OPERATOR_UNSUPPORTED for forms that are left out */
export function writeFused(node: Node, maker: GraphMaker): void {
  const values = writeOf(node, maker.opset)!(node, new NodeWriter(node, maker));
  for (const [i, output] of node.outputs.entries()) {
    if (output && values[i]) maker.emit('Identity', [values[i]], [output]);
  }
}

/** Names of the fused operators of com.microsoft. */
export const fusedNames: readonly string[] = Object.keys(microsoft);
