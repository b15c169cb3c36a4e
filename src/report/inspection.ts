/** What a model file contains: its ports, operators and tensors. */
import type { Graph, Model, ModelFormat, Node, Port } from '../graph/graph.js';
import { isWeightsOnly } from '../graph/index.js';
import { formatExtent } from '../runtime/extent.js';
import { Tensor } from '../runtime/tensor.js';
import { count } from './numbers.js';
import { formatFacts, formatTable, heading } from './table.js';

/** `weight` and `bias` of a layer; another trained `parameter`; a `constant` of the computation. */
export type TensorRole = 'weight' | 'bias' | 'parameter' | 'constant';

export interface InspectedPort {
  readonly name: string;
  readonly dtype: string;
  /** Symbolic dimensions as text. */
  readonly shape: readonly (number | string)[];
}

export interface InspectedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly role: TensorRole;
}

export interface Inspection {
  readonly format: ModelFormat;
  readonly sha256: string;
  readonly opset: number;
  readonly inputs: readonly InspectedPort[];
  readonly outputs: readonly InspectedPort[];
  /** Elements of all tensors whose role is not `constant`. */
  readonly parameters: number;
  /** Node counts by operator. */
  readonly ops: Readonly<Record<string, number>>;
  readonly unsupported: readonly string[];
  readonly tensors: readonly InspectedTensor[];
}

const isFloat = (tensor: Tensor) => ['float32', 'float16', 'float64'].includes(tensor.type);

/** Operators whose second input is a matrix or a table of weights. */
const weightOps = new Set(['Gemm', 'MatMul', 'Conv', 'ConvTranspose', 'Linear', 'EmbeddingBag', 'LSTM', 'GRU', 'RNN']);
const biasOps = new Set(['Gemm', 'Conv', 'ConvTranspose', 'Linear', 'EmbeddingBag', 'Add', 'BiasAdd']);

function roleIn(node: Node, at: number, tensor: Tensor): TensorRole {
  const rank = tensor.dims.length;
  if (weightOps.has(node.op) && at <= 1 && rank >= 2) return 'weight';
  if (node.op === 'Gather' && at === 0 && rank === 2) return 'weight';
  if (biasOps.has(node.op) && at !== 0 && rank === 1) return 'bias';
  return biasOps.has(node.op) && rank === 1 ? 'bias' : 'parameter';
}

/** Of weights without a network only the shape tells. */
function roleAlone(name: string, tensor: Tensor): TensorRole {
  if (!isFloat(tensor) || tensor.size <= 1) return 'constant';
  if (tensor.dims.length >= 2) return 'weight';
  return /bias$/i.test(name) ? 'bias' : 'parameter';
}

function roleOf(tensor: Tensor, uses: readonly (readonly [Node, number])[]): TensorRole {
  // As countParameters has it: scalars are settings.
  if (!isFloat(tensor) || tensor.dims.length === 0) return 'constant';
  const roles = uses.map(([node, at]) => roleIn(node, at, tensor));
  return roles.find((role) => role === 'weight') ?? roles.find((role) => role === 'bias') ?? 'parameter';
}

/** Initializers, and the values of Constant nodes, by name. */
function constantTensors(graph: Graph): Map<string, Tensor> {
  const tensors = new Map(graph.initializers);
  for (const node of graph.nodes) {
    const value = node.op === 'Constant' ? node.attributes.get('value') : undefined;
    if (value instanceof Tensor) tensors.set(node.outputs[0], value);
  }
  return tensors;
}

function usesByValue(graph: Graph): Map<string, [Node, number][]> {
  const uses = new Map<string, [Node, number][]>();
  for (const node of graph.nodes) {
    node.inputs.forEach((name, at) => {
      const known = uses.get(name);
      if (known) known.push([node, at]);
      else uses.set(name, [[node, at]]);
    });
  }
  return uses;
}

function inspectPort({ name, dtype, shape }: Port): InspectedPort {
  return { name, dtype, shape: shape.map((dim) => (typeof dim === 'number' ? dim : formatExtent(dim))) };
}

function countOps(graph: Graph): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { op, domain } of graph.nodes) {
    const name = domain === '' || domain === 'ai.onnx' ? op : `${domain}.${op}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Describes a model as it was read; a model with unsupported operators too.
 * @returns plain data, ready for JSON
 */
export function inspectModel(model: Model): Inspection {
  const { graph } = model;
  const uses = usesByValue(graph);
  const tensors = [...constantTensors(graph)].map(([name, tensor]): InspectedTensor & { size: number } => {
    const role = isWeightsOnly(graph) ? roleAlone(name, tensor) : roleOf(tensor, uses.get(name) ?? []);
    return { name, shape: tensor.dims, dtype: tensor.type, role, size: tensor.size };
  });
  return {
    format: model.format,
    sha256: model.sha256,
    opset: graph.opset,
    inputs: graph.inputs.map(inspectPort),
    outputs: graph.outputs.map(inspectPort),
    parameters: tensors.reduce((sum, { role, size }) => sum + (role === 'constant' ? 0 : size), 0),
    ops: countOps(graph),
    unsupported: model.unsupported,
    tensors: tensors.map(({ name, shape, dtype, role }) => ({ name, shape, dtype, role })),
  };
}

export const formatShape = (shape: readonly (number | string)[]) => `[${shape.join(', ')}]`;
const formatPort = ({ name, dtype, shape }: InspectedPort) => `${name} ${dtype} ${formatShape(shape)}`;

/** What `kerf inspect` prints. */
export function formatInspection(inspection: Inspection): string {
  const { tensors } = inspection;
  const facts = formatFacts([
    ['format', inspection.opset ? `${inspection.format}, opset ${inspection.opset}` : inspection.format],
    ['sha256', inspection.sha256],
    ...inspection.inputs.map((port) => ['input', formatPort(port)] as const),
    ...inspection.outputs.map((port) => ['output', formatPort(port)] as const),
    ['parameters', count(inspection.parameters)],
    ...(inspection.opset ? operatorFacts(inspection) : [['operators', 'none: weights without a network'] as const]),
  ]);
  const rows = tensors.map(({ name, shape, dtype, role }) => [name, formatShape(shape), dtype, role]);
  const columns = [{ head: 'tensor' }, { head: 'shape' }, { head: 'dtype' }, { head: 'role' }];
  return facts + heading('Tensors') + formatTable(columns, rows);
}

function operatorFacts({ ops, unsupported }: Inspection): (readonly [string, string])[] {
  return [
    [
      'operators',
      Object.entries(ops)
        .map(([name, n]) => (n === 1 ? name : `${name} x${n}`))
        .join(', '),
    ],
    ['unsupported', unsupported.length ? unsupported.join(', ') : 'none: kerf can run this model'],
  ];
}
