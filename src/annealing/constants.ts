/**
 * Constant branches: a subnetwork that feeds one operand of an Add and nothing else, all of whose weight matrices are
 * statistically their own initialisation. Training did not use it; its mean over samples stands for it.
 */
import { readersOf } from '../graph/fold.js';
import type { Graph, Node } from '../graph/graph.js';
import { type Facts, inferFacts } from '../graph/infer.js';
import { type Extent, equals, isStatic } from '../runtime/extent.js';
import { elementCount, Tensor } from '../runtime/tensor.js';
import { columnMeans, type Samples } from './matrix.js';
import { linearsOf } from './rewrite.js';

export interface Branch {
  /** The value at which the branch joins the rest. */
  readonly value: string;
  readonly shape: readonly Extent[];
  /** Names of its nodes. */
  readonly nodes: ReadonlySet<string>;
  /** Its layer nearest to the join. */
  readonly last: string;
}

/** Nodes whose results reach the outputs through `value` alone, in topological order. */
function ownNodes(graph: Graph, value: string): readonly Node[] {
  const readers = readersOf(graph);
  const outputs = new Set(graph.outputs.map((port) => port.name));
  const own = new Set<Node>();
  for (const node of [...graph.nodes].reverse()) {
    const isOwn = node.outputs.every((output) => {
      if (output === value || output === '') return true;
      return !outputs.has(output) && (readers.get(output) ?? []).every((reader) => own.has(reader));
    });
    if (isOwn) own.add(node);
  }
  return graph.nodes.filter((node) => own.has(node));
}

/**
 * Branches that may become constants, none inside another.
 * @param isInitialisation  whether the weights of a layer (by node name) are their own initialisation
 */
export function findBranches(graph: Graph, isInitialisation: (layer: string) => boolean): readonly Branch[] {
  const branches: Branch[] = [];
  const facts = inferFacts(graph);
  for (const node of [...graph.nodes].reverse()) {
    const isJoin =
      node.op === 'Add' && node.domain === '' && !node.inputs.some((value) => graph.initializers.has(value));
    if (!isJoin || branches.some(({ nodes }) => nodes.has(node.name))) continue;
    // At most one operand: the sum must go on depending on the inputs.
    const branch = node.inputs
      .filter((value, i) => isReplaceable(graph, facts, node, value, node.inputs[1 - i]))
      .map((value) => branchAt(graph, value, facts.get(value)!.shape, isInitialisation))
      .find((found) => found !== null);
    if (branch) branches.push(branch);
  }
  return branches;
}

/**
 * Whether one operand of a sum may become what it is on average over samples: nobody else reads it, its first axis counts
 * the samples, and the other operand has the shape of the sum by itself.
 */
function isReplaceable(graph: Graph, facts: Facts, { outputs }: Node, value: string, other: string): boolean {
  const readers = graph.nodes.flatMap(({ inputs }) => inputs).filter((input) => input === value);
  if (readers.length !== 1 || graph.outputs.some(({ name }) => name === value)) return false;
  const [its, others, sum] = [value, other, outputs[0]].map((name) => facts.get(name)!.shape);
  const samples = graph.inputs[0]?.shape[0];
  const isBySample = its.length === sum.length && samples !== undefined && equals(its[0], samples);
  return isBySample && others.length === sum.length && others.every((extent, i) => equals(extent, sum[i]));
}

function branchAt(
  graph: Graph,
  value: string,
  shape: readonly Extent[],
  isInitialisation: (layer: string) => boolean,
): Branch | null {
  const own = ownNodes(graph, value);
  const isLayer = (node: Node) => node.domain === 'kerf';
  const last = own.findLast(isLayer);
  const isUnused = own.every((node) => (isLayer(node) ? isInitialisation(node.name) : !readsMatrix(graph, node)));
  return last && isUnused ? { value, shape, nodes: new Set(own.map(({ name }) => name)), last: last.name } : null;
}

/** Whether a node has weights that no test of layers has seen. */
function readsMatrix(graph: Graph, node: Node): boolean {
  return node.inputs.some((input) => {
    const tensor = graph.initializers.get(input);
    return tensor?.type.startsWith('float') && tensor.dims.length >= 2;
  });
}

/** Means over one axis of values of shape `dims`, which has size 1 then. */
function meanOverAxis(values: Float64Array, dims: readonly number[], axis: number): Float64Array {
  const inner = elementCount(dims.slice(axis + 1));
  const means = new Float64Array(values.length / dims[axis]);
  values.forEach((value, i) => {
    means[Math.floor(i / (inner * dims[axis])) * inner + (i % inner)] += value / dims[axis];
  });
  return means;
}

/**
 * The mean of a branch's value over samples, and over its axes of open size, which may be another size in other data.
 * @param samples  [n, ...dims]
 * @returns [...dims], with 1 in the place of open sizes
 */
export function meanOf({ shape }: Branch, samples: Tensor): Tensor<'float32'> {
  const [rows, ...dims] = samples.dims;
  const flat: Samples = { rows, columns: samples.size / rows, data: samples.data as Float32Array<ArrayBuffer> };
  let means: Float64Array = columnMeans(flat);
  shape.slice(1).forEach((extent, axis) => {
    if (isStatic(extent)) return;
    means = meanOverAxis(means, dims, axis);
    dims[axis] = 1;
  });
  return new Tensor('float32', Float32Array.from(means), dims);
}

/**
 * What the branch gives on average over initialisations: its last layer's bias, since the weights have mean zero.
 * Null where more than elementwise work follows that layer.
 */
export function meanWithoutData(graph: Graph, { value, last }: Branch): Tensor<'float32'> | null {
  const linear = linearsOf(graph).find(({ name }) => name === last);
  if (!linear || linear.output !== value) return null;
  return linear.bias ?? new Tensor('float32', new Float32Array(linear.weight.dims[0]), [linear.weight.dims[0]]);
}
