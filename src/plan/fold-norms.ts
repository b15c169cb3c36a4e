/**
 * Folds an inference BatchNormalization into the Conv that it alone reads: scaled weights and a shifted bias. This is
 * done in the plan, not in the graph: the evidence looks at the weights as they were trained.
 */
import { readersOf } from '../graph/fold.js';
import type { Graph, Node } from '../graph/graph.js';
import type { Facts } from '../graph/infer.js';
import { channelScales, isTraining } from '../graph/operators/batch-normalization.js';
import { elementCount, Tensor } from '../runtime/tensor.js';

/** The constant float32 values of a node's inputs from `first` on, or undefined where one is something else. */
function constantsOf(node: Node, facts: Facts, first: number): readonly (Tensor | undefined)[] | undefined {
  const constants = node.inputs.map((value) => (value ? facts.get(value)?.constant : undefined));
  const isKnown = node.inputs.every((value, i) => i < first || value === '' || constants[i]?.type === 'float32');
  return isKnown ? constants : undefined;
}

/** W scaled by row, and the bias that goes with it. */
function scaled(W: Tensor, b: Tensor | undefined, scale: readonly number[], shift: readonly number[]) {
  const taps = elementCount(W.dims.slice(1));
  const weights = (W.data as Float32Array).map((value, i) => value * scale[Math.floor(i / taps)]);
  const bias = Float32Array.from(shift, (value, o) => value + (b ? (b.data[o] as number) * scale[o] : 0));
  return { W: new Tensor('float32', weights, W.dims), b: new Tensor('float32', bias) };
}

/** The normalisation that alone reads a Conv of known weights, in the same part. */
function normAfter(
  conv: Node,
  graph: Graph,
  readers: ReadonlyMap<string, readonly Node[]>,
  facts: Facts,
  partOf: ReadonlyMap<string, number> | undefined,
): Node | undefined {
  const [norm, ...others] = readers.get(conv.outputs[0]) ?? [];
  const isNorm = norm?.domain === '' && norm.op === 'BatchNormalization' && norm.inputs[0] === conv.outputs[0];
  if (!isNorm || others.length > 0 || isTraining(norm, graph.opset)) return undefined;
  const isOutput = graph.outputs.some(({ name }) => name === conv.outputs[0]);
  const isApart = partOf !== undefined && partOf.get(conv.name) !== partOf.get(norm.name);
  const isFloat = facts.get(conv.outputs[0])?.dtype === 'float32';
  return isOutput || isApart || !isFloat ? undefined : norm;
}

/** A value name that is not taken. */
function freshName(facts: Facts, wanted: string): string {
  let name = wanted;
  for (let n = 1; facts.has(name); n++) name = `${wanted}:${n}`;
  return name;
}

/**
 * @param partOf  part by node name; nodes of different parts are not joined
 * @returns a graph with the same function up to rounding, and the facts of its values; a joined node keeps the Conv's name
 */
export function foldNorms(
  graph: Graph,
  facts: Facts,
  partOf?: ReadonlyMap<string, number>,
): { readonly graph: Graph; readonly facts: Facts } {
  const readers = readersOf(graph);
  const known = new Map(facts);
  const replaced = new Map<Node, Node | null>();
  for (const conv of graph.nodes) {
    if (conv.domain !== '' || conv.op !== 'Conv') continue;
    const norm = normAfter(conv, graph, readers, facts, partOf);
    const [, W, b] = constantsOf(conv, facts, 1) ?? [];
    const constants = norm && constantsOf(norm, facts, 1);
    if (!norm || !W || !constants) continue;
    const { scale, shift } = channelScales(norm, constants);
    const made = scaled(W, b, scale, shift);
    const [weight, bias] = [made.W, made.b].map((constant) => {
      const name = freshName(known, `${norm.outputs[0]}:${constant === made.W ? 'weights' : 'bias'}`);
      known.set(name, { dtype: 'float32', shape: constant.dims, constant });
      return name;
    });
    replaced.set(conv, { ...conv, inputs: [conv.inputs[0], weight, bias], outputs: norm.outputs });
    replaced.set(norm, null);
  }
  const nodes = graph.nodes.flatMap((node) => {
    const now = replaced.get(node);
    return now === undefined ? [node] : now === null ? [] : [now];
  });
  return { graph: { ...graph, nodes }, facts: known };
}
