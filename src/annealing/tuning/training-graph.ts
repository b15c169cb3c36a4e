/**
 * A network as what one step of training computes: its weights are inputs, and the loss against the original's scores and
 * the gradients of the weights are outputs.
 */
import { removeDead } from '../../graph/fold.js';
import type { Graph, Node, Port } from '../../graph/graph.js';
import { isStatic } from '../../runtime/extent.js';
import type { Decision } from '../decision.js';
import { reverseGraph } from '../gradients/reverse.js';
import { scoresOf } from '../gradients/seeds.js';
import { Tape } from '../gradients/tape.js';
import { freshName, linearsOf } from '../rewrite.js';

export interface TrainingGraph {
  /** Computes the loss and the gradients. */
  readonly step: Graph;
  /** Computes the loss alone. */
  readonly measure: Graph;
  /** Inputs: the original's scores [n, ..], and the weight of each sample [n, 1, ..]. */
  readonly target: string;
  readonly weight: string;
  /** Output: sum over samples and scores of weight (z - target)^2, differences centred where an argmax decides. */
  readonly loss: string;
  /** What is trained: names of initializers, which are inputs here, and the outputs that are half the loss's gradients. */
  readonly parameters: readonly { readonly name: string; readonly gradient: string }[];
}

const node = (
  name: string,
  op: string,
  inputs: readonly string[],
  attributes: Node['attributes'] = new Map(),
): Node => ({
  ...{ name, op, domain: '', inputs, outputs: [name], attributes },
});

/** The nodes and constants of a tape behind its graph. */
const withTape = (graph: Graph, { nodes, constants }: Tape): Graph => ({
  ...graph,
  nodes: [...graph.nodes, ...nodes],
  initializers: new Map([...graph.initializers, ...constants]),
});

/** Adds the loss of scores, and what it seeds: weight (z - target), centred. */
function withLoss(graph: Graph, scores: string, decision: Decision) {
  const [target, weight] = ['tune/target', 'tune/weight'].map((name) => freshName(graph, name));
  const shape = new Tape(graph).shapeOf(scores);
  const ports: Port[] = [
    { name: target, dtype: 'float32', shape },
    { name: weight, dtype: 'float32', shape: shape.map((extent, axis) => (axis === 0 ? extent : 1)) },
  ];
  const whole = { ...graph, inputs: [...graph.inputs, ...ports] };
  const tape = new Tape(whole);
  const axes = shape.map((_, axis) => axis);
  let difference = tape.emit('Sub', [scores, target]);
  if (decision.kind === 'argmax' && shape.length > 1 && shape.at(-1) !== 1) {
    const mean = tape.emit('ReduceMean', [difference], { axes: axes.slice(-1), keepdims: 1 });
    difference = tape.emit('Sub', [difference, mean]);
  }
  const seed = tape.emit('Mul', [difference, weight]);
  const loss = tape.sum(tape.emit('Mul', [seed, difference]), axes);
  return { graph: withTape(whole, tape), target, weight, seed, loss };
}

/** Adds dW = sum of dy^T x over all rows, and db = sum of dy, of every linear layer that a gradient reaches. */
function withGradients(graph: Graph, gradients: ReadonlyMap<string, string>) {
  const tape = new Tape(graph);
  const sums = new Map<string, string>();
  const add = (value: string, gradient: string) => {
    const known = sums.get(value);
    sums.set(value, known === undefined ? gradient : tape.emit('Add', [known, gradient]));
  };
  const rowsOf = (value: string) => {
    const shape = tape.shapeOf(value);
    const width = shape.at(-1);
    const isMatrix = shape.length === 2 || width === undefined || !isStatic(width);
    return isMatrix ? value : tape.emit('Reshape', [value, tape.integers([-1, width])]);
  };
  for (const { name, node: layer, input, bias } of linearsOf(graph)) {
    const gradient = gradients.get(name);
    if (gradient === undefined) continue;
    const [x, dy] = [rowsOf(input), rowsOf(gradient)];
    add(layer.inputs[1], tape.emit('MatMul', [tape.emit('Transpose', [dy], { perm: [1, 0] }), x]));
    if (bias) add(layer.inputs[2], tape.sum(dy, [0]));
  }
  return { graph: withTape(graph, tape), sums };
}

/** Linear nodes whose weights are computed, in operators that take them so. */
function withComputedWeights(graph: Graph, given: Iterable<string>): Graph {
  const computed = new Set(given);
  const nodes = graph.nodes.flatMap((layer): Node[] => {
    if (layer.inputs.some((input) => computed.has(input))) for (const output of layer.outputs) computed.add(output);
    const [x, w, b] = layer.inputs;
    if (layer.op !== 'Linear' || layer.domain !== 'kerf' || !computed.has(w)) return [layer];
    const turned = node(`${layer.name}/turned`, 'Transpose', [w], new Map([['perm', [1, 0]]]));
    const last = { ...layer, domain: '', attributes: new Map() };
    if (!b) return [turned, { ...last, op: 'MatMul', inputs: [x, turned.name] }];
    const product = node(`${layer.name}/product`, 'MatMul', [x, turned.name]);
    return [turned, product, { ...last, op: 'Add', inputs: [product.name, b] }];
  });
  return { ...graph, nodes };
}

/**
 * Makes the training graph of the linear layers that the first float output depends on; other weights stay constant.
 * @returns null where no gradient reaches a linear layer
 */
export function trainingGraph(graph: Graph, decision: Decision): TrainingGraph | null {
  const output = graph.outputs.find(({ dtype }) => dtype === 'float32');
  if (!output) return null;
  const scores = scoresOf(graph, output.name, decision);
  const { graph: forward, target, weight, seed, loss } = withLoss(graph, scores, decision);
  const reverse = reverseGraph(forward, scores);
  const known = new Set(forward.nodes);
  const backward = [
    { ...node('tune/seed', 'Identity', [seed]), outputs: [reverse.seed] },
    ...reverse.graph.nodes.filter((one) => !known.has(one)),
  ];
  const initializers = new Map([...forward.initializers, ...reverse.graph.initializers]);
  const both = { ...forward, nodes: [...forward.nodes, ...backward], initializers };
  const { graph: whole, sums } = withGradients(both, reverse.gradients);
  if (sums.size === 0) return null;
  const trained: Port[] = [...sums.keys()].map((name) => ({
    ...{ name, dtype: 'float32', shape: (graph.initializers.get(name) as { dims: readonly number[] }).dims },
  }));
  const free = new Map([...whole.initializers].filter(([name]) => !sums.has(name)));
  const general = {
    ...withComputedWeights(whole, sums.keys()),
    inputs: [...whole.inputs, ...trained],
    initializers: free,
  };
  const give = (names: readonly string[]) =>
    removeDead({ ...general, outputs: names.map((name) => ({ name, dtype: 'float32' as const, shape: [] })) });
  const parameters = [...sums].map(([name, gradient]) => ({ name, gradient }));
  return { step: give([loss, ...sums.values()]), measure: give([loss]), target, weight, loss, parameters };
}
