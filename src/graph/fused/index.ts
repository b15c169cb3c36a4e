/**
 * Operators that stand for several: those that onnxruntime's optimiser and its quantisation write into a model
 * (com.microsoft), and RotaryEmbedding of ONNX. They are written out when a graph is made canonical, so that evidence,
 * annealing and kernels find what they know.
 */
import type { DType } from '../../runtime/tensor.js';
import type { Node } from '../graph.js';
import type { GraphMaker } from '../graph-maker.js';
import { lastOpset } from '../operators/define.js';
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

/** The first operator set that has all that those of com.microsoft are written in. */
const firstOpset = 11;

/** Those of ai.onnx, and the operator sets in which they are written out; onnxruntime writes the norms in every one. */
const standard: Readonly<Record<string, readonly [write: Write, first: number, last: number]>> = {
  LayerNormalization: [rowNorms.LayerNormalization, 1, 16],
  SimplifiedLayerNormalization: [rowNorms.SimplifiedLayerNormalization, 1, lastOpset],
  RotaryEmbedding: [rotary, 23, lastOpset],
};

/** How a node is written out; undefined where it is no fused one. */
function writeOf({ domain, op }: Pick<Node, 'domain' | 'op'>, opset: number): Write | undefined {
  if (domain === 'com.microsoft')
    return opset >= firstOpset && Object.hasOwn(microsoft, op) ? microsoft[op] : undefined;
  if (domain !== '' || !Object.hasOwn(standard, op)) return undefined;
  const [write, first, last] = standard[op];
  return opset >= first && opset <= last ? write : undefined;
}

export function isFused(node: Pick<Node, 'domain' | 'op'>, opset: number): boolean {
  return writeOf(node, opset) !== undefined;
}

/** Makes the nodes that a fused one stands for. @throws OPERATOR_UNSUPPORTED for forms that are left out */
export function writeFused(node: Node, maker: GraphMaker): void {
  const writer = new NodeWriter(node, maker);
  const values = writeOf(node, maker.opset)!(node, writer);
  for (const [i, output] of node.outputs.entries()) {
    if (!output) continue;
    writer.refuse(`output ${i}`, !values[i]);
    maker.emit('Identity', [values[i]], [output]);
  }
}

/** The dtypes of the first data input of a fused operator. */
function dtypesOf(name: string): readonly DType[] {
  if (name === 'EmbedLayerNormalization') return ['int32', 'int64'];
  const isOfBytes = name.startsWith('Q') && name !== 'QuickGelu' && name !== 'QuantizeLinear';
  return isOfBytes || ['DequantizeLinear', 'MatMulIntegerToFloat'].includes(name) ? ['uint8', 'int8'] : ['float32'];
}

/** Every fused operator, and the operator sets of ai.onnx in which it is written out. */
export const fusedForms = [
  ...Object.keys(microsoft).map((name) => ({
    name,
    domain: 'com.microsoft',
    opsets: [firstOpset, lastOpset] as const,
  })),
  ...Object.entries(standard).map(([name, [, ...opsets]]) => ({ name, domain: '', opsets })),
].map((form) => ({ ...form, dtypes: dtypesOf(form.name) }));
