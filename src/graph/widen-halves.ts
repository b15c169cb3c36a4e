/**
 * Networks that compute in float16 compute in float32, for which there are kernels, and are rounded at their edges:
 *
 *     x float16 ─▶ Cast ─▶ the network, its constants and casts in float32 ─▶ Cast ─▶ y float16
 *
 * Processors have no arithmetic of halves to be faithful to; runtimes widen them too. What a half rounds or lets overflow
 * on the way is not rounded and does not overflow here.
 */
import { onnxNumber, Tensor } from '../runtime/tensor.js';
import { FreshNames } from './fresh-names.js';
import type { Attribute, Graph, Node } from './graph.js';
import { widenHalf } from './operators/half.js';
import { renamedNode } from './rename-body.js';

const [half, single] = [onnxNumber('float16'), onnxNumber('float32')];

/** Attributes that name the dtype of a result. */
const dtypeAttributes: ReadonlySet<string> = new Set(['to', 'dtype']);

const isCast = ({ op, domain, attributes }: Node, to: number) =>
  op === 'Cast' && domain === '' && Number(attributes.get('to')) === to;

const isGraph = (value: Attribute): value is Graph => typeof value === 'object' && 'nodes' in value;

const widened = (tensor: Tensor): Tensor =>
  tensor.type === 'float16' ? new Tensor('float32', widenHalf(tensor.data as Uint16Array), tensor.dims) : tensor;

function widenAttribute(name: string, value: Attribute): Attribute {
  if (value instanceof Tensor) return widened(value);
  if (isGraph(value)) return widenBody(value);
  return dtypeAttributes.has(name) && Number(value) === half ? single : value;
}

const widenNode = (node: Node): Node => ({
  ...node,
  attributes: new Map([...node.attributes].map(([name, value]) => [name, widenAttribute(name, value)])),
});

/** A graph whose values are all wide, its ports too. */
function widenBody(graph: Graph): Graph {
  const ports = <P extends Graph['inputs'][number]>(list: readonly P[]) =>
    list.map((port) => (port.dtype === 'float16' ? { ...port, dtype: 'float32' as const } : port));
  return {
    ...graph,
    inputs: ports(graph.inputs),
    outputs: ports(graph.outputs),
    nodes: graph.nodes.map(widenNode),
    initializers: new Map([...graph.initializers].map(([name, tensor]) => [name, widened(tensor)])),
  };
}

/** Whether halves are constants, or are computed with: a cast at an edge is neither. */
function hasHalvesInside({ inputs, outputs, nodes, initializers }: Graph): boolean {
  const edges = new Set(outputs.map(({ name }) => name));
  const halves = new Set(inputs.filter(({ dtype }) => dtype === 'float16').map(({ name }) => name));
  const isInside = (node: Node): boolean => {
    if (node.inputs.some((value) => halves.has(value))) return !isCast(node, single);
    if (isCast(node, half)) return !edges.has(node.outputs[0]);
    return [...node.attributes].some(([name, value]) => {
      if (value instanceof Tensor) return value.type === 'float16';
      if (isGraph(value)) return hasHalvesInside(value);
      return dtypeAttributes.has(name) && Number(value) === half && node.op !== 'Cast';
    });
  };
  return [...initializers.values()].some(({ type }) => type === 'float16') || nodes.some(isInside);
}

/** The graph in float32, its inputs and outputs too; `graph` itself where none of these is float16, or one says nothing. */
export function widenEdges(graph: Graph): Graph {
  const ports = [...graph.inputs, ...graph.outputs];
  const isOther = graph.opset < 6 || graph.outputs.some(({ undeclared }) => undeclared);
  return isOther || ports.every(({ dtype }) => dtype !== 'float16') ? graph : widenBody(graph);
}

/** The value that is only rounded to give an output of halves; any other output itself. */
export function unrounded(graph: Graph, output: string): string {
  const maker = graph.nodes.find(({ outputs }) => outputs.includes(output));
  return maker && isCast(maker, half) ? maker.inputs[0] : output;
}

const cast = (name: string, from: string, value: string, to: number): Node => ({
  ...{ name, op: 'Cast', domain: '', inputs: [from], outputs: [value] },
  attributes: new Map([['to', to]]),
});

/** @returns `graph` itself where it computes nothing in float16, or says of an output not what it is */
export function widenHalves(graph: Graph): Graph {
  // Before operator set 6 a Cast names its dtype otherwise, and few knew halves.
  if (graph.opset < 6 || !hasHalvesInside(graph) || graph.outputs.some(({ undeclared }) => undeclared)) return graph;
  const names = new FreshNames(graph);
  const wide = new Map<string, string>();
  const narrow = ({ dtype }: { readonly dtype: string }) => dtype === 'float16';
  for (const { name } of [...graph.inputs, ...graph.outputs].filter(narrow)) {
    if (!wide.has(name)) wide.set(name, names.take(`${name}:wide`));
  }
  const rename = (value: string) => wide.get(value) ?? value;
  const { nodes, initializers } = widenBody(graph);
  const given = new Set(graph.inputs.map(({ name }) => name));
  const before = graph.inputs
    .filter(narrow)
    .map(({ name }) => cast(names.take(`${name}:widen`), name, rename(name), single));
  // An output that is an input has its value already.
  const after = graph.outputs
    .filter((port) => narrow(port) && !given.has(port.name))
    .map(({ name }) => cast(names.take(`${name}:narrow`), rename(name), name, half));
  const renamed = nodes.map((node) => renamedNode(node, rename, rename, wide));
  return {
    ...graph,
    nodes: [...before, ...renamed, ...after],
    initializers: new Map([...initializers].map(([name, tensor]) => [rename(name), tensor])),
  };
}
