/** Hidden units: outputs of one linear layer that only other linear layers read, through elementwise activations. */
import { readersOf } from '../graph/fold.js';
import type { Graph, Node } from '../graph/graph.js';
import { type Linear, linearsOf, withWeights } from './rewrite.js';
import { allOf, pick, submatrix } from './submatrix.js';

/** The units between a layer and its readers; removing unit u takes row u of one and column u of the others. */
export interface HiddenUnits {
  readonly producer: Linear;
  readonly consumers: readonly Linear[];
  /** Elementwise nodes between them. */
  readonly activations: readonly Node[];
}

/** Operators that compute each element from that element alone; further inputs must be constant scalars. */
const elementwise = new Set(
  (
    'Abs Add Ceil Clip Cos Div Dropout Elu Erf Exp Floor Gelu HardSigmoid HardSwish Identity LeakyRelu Log Mish Mul Neg ' +
    'Reciprocal Relu Selu Sigmoid Sign Sin Softplus Softsign Sqrt Sub Tanh ThresholdedRelu'
  ).split(' '),
);

/** Whether a node maps `value` element by element and reads nothing else but constant scalars. */
export function isElementwiseOn(graph: Graph, node: Node, value: string): boolean {
  if (node.domain !== '' || !elementwise.has(node.op)) return false;
  const others = node.inputs.filter((input) => input !== value && input !== '');
  return (
    node.outputs.filter((output) => output !== '').length === 1 &&
    node.inputs.filter((input) => input === value).length === 1 &&
    others.every((input) => graph.initializers.get(input)?.size === 1)
  );
}

/** All groups of hidden units, in topological order of their producers. */
export function hiddenUnitsOf(graph: Graph): readonly HiddenUnits[] {
  const readers = readersOf(graph);
  const linears = new Map(linearsOf(graph).map((linear) => [linear.node, linear]));
  const outputs = new Set(graph.outputs.map((port) => port.name));
  const groups: HiddenUnits[] = [];
  for (const producer of linears.values()) {
    const consumers: Linear[] = [];
    const activations: Node[] = [];
    const follow = (value: string): boolean => {
      const nodes = readers.get(value) ?? [];
      if (outputs.has(value) || nodes.length === 0) return false;
      return nodes.every((node) => {
        const linear = linears.get(node);
        if (linear?.input === value) return consumers.push(linear) > 0;
        if (!isElementwiseOn(graph, node, value)) return false;
        activations.push(node);
        return follow(node.outputs[0]);
      });
    };
    if (follow(producer.output)) groups.push({ producer, consumers, activations });
  }
  return groups;
}

/** Keeps the units at `kept` (ascending) and drops the others. */
export function keepUnits(graph: Graph, { producer, consumers }: HiddenUnits, kept: Int32Array<ArrayBuffer>): Graph {
  const columns = allOf(producer.weight.dims[1]);
  const bias = producer.bias && pick(producer.bias, kept);
  let next = withWeights(graph, producer, submatrix(producer.weight, kept, columns), bias);
  for (const { name } of consumers) {
    const consumer = linearsOf(next).find((linear) => linear.name === name) as Linear;
    const weight = submatrix(consumer.weight, allOf(consumer.weight.dims[0]), kept);
    next = withWeights(next, consumer, weight, consumer.bias);
  }
  return next;
}
