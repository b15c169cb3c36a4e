/** How TensorFlow nodes become ONNX nodes. */
import type { Attribute } from '../graph/graph.js';
import { isEmbeddingReshape, matchEmbedding } from './tfjs-embedding.js';
import { attribute, type TfGraph, type TfNode, textsAttribute } from './tfjs-topology.js';

/** Where rules put what they make. */
export interface Emitter {
  /** Appends a node; `output` is the value's name, by default a fresh one in the node's name scope. */
  emit(op: string, inputs: readonly string[], from: TfNode, options?: EmitOptions): string;
  /** The int32 input [batch, length] with the ids of a text tensor. */
  idsInput(source: string, buckets: number): string;
  /** The float input of a Placeholder. */
  input(node: TfNode): string;
}

export interface EmitOptions {
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Whether the value is the TensorFlow node's own output, and takes its name. Default: true. */
  readonly isLast?: boolean;
}

/** What a node needs converted first, and what it then becomes; returns the name of the value. */
export interface Rule {
  readonly inputs: readonly string[];
  emit(values: readonly string[], to: Emitter): string;
}

const elementwise: ReadonlyMap<string, string> = new Map([
  ['Add', 'Add'],
  ['AddV2', 'Add'],
  ['BiasAdd', 'Add'],
  ['Sub', 'Sub'],
  ['Mul', 'Mul'],
  ['RealDiv', 'Div'],
  ['Neg', 'Neg'],
  ['Exp', 'Exp'],
  ['Sqrt', 'Sqrt'],
  ['Relu', 'Relu'],
  ['Sigmoid', 'Sigmoid'],
  ['Tanh', 'Tanh'],
  ['Identity', 'Identity'],
]);

function matMulRule(node: TfNode): Rule | undefined {
  if (attribute(node, 'transpose_a', 'b') === true || attribute(node, 'transpose_b', 'b') === true) return undefined;
  const fused = node.op === '_FusedMatMul' ? textsAttribute(node, 'fused_ops') : [];
  const activations = fused.slice(1);
  if (fused.length > 0 && fused[0] !== 'BiasAdd') return undefined;
  if (activations.length > 1 || activations.some((op) => !['Relu', 'Sigmoid', 'Tanh'].includes(op))) return undefined;
  return {
    inputs: node.inputs.slice(0, fused.length > 0 ? 3 : 2),
    emit([a, b, bias], to) {
      let value = to.emit('MatMul', [a, b], node, { isLast: fused.length === 0 });
      if (fused.length > 0) value = to.emit('Add', [value, bias], node, { isLast: activations.length === 0 });
      return activations.length > 0 ? to.emit(activations[0], [value], node) : value;
    },
  };
}

function embeddingRule(graph: TfGraph, node: TfNode): Rule | undefined {
  const match = matchEmbedding(graph, node);
  if (!match) return undefined;
  return {
    inputs: [match.table],
    emit([table], to) {
      const ids = to.idsInput(match.source, match.buckets);
      return to.emit('EmbeddingBag', [ids, table], node, { domain: 'kerf', attributes: { mode: match.mode } });
    },
  };
}

/** @returns the rule for the first output of a node; undefined when kerf cannot convert it */
export function ruleOf(graph: TfGraph, node: TfNode): Rule | undefined {
  const { op, inputs } = node;
  const same = elementwise.get(op);
  if (same) {
    const isChannelsFirst = op === 'BiasAdd' && attribute(node, 'data_format', 's') === 'NCHW';
    return isChannelsFirst ? undefined : { inputs, emit: (values, to) => to.emit(same, values, node) };
  }
  if (op === 'Softmax') return { inputs, emit: (x, to) => to.emit('Softmax', x, node, { attributes: { axis: -1 } }) };
  if (op === 'MatMul' || op === '_FusedMatMul') return matMulRule(node);
  if (op === 'Select') return embeddingRule(graph, node);
  if (op === 'Reshape' && isEmbeddingReshape(graph, node)) {
    return { inputs: [inputs[0]], emit: ([value]) => value };
  }
  if (op === 'Placeholder' && attribute(node, 'dtype', 'type') === 'DT_FLOAT') {
    return { inputs: [], emit: (_, to) => to.input(node) };
  }
  return undefined;
}
