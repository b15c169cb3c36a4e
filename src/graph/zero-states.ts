/**
 * First states of LSTM, GRU and RNN that are zeros for whatever batch: left out, which means the same. Exporters write
 * them as Shape ─▶ Gather ─▶ Concat ─▶ ConstantOfShape, or Expand, and slice them for each layer.
 */
import { removeDead } from './fold.js';
import type { Graph, Node } from './graph.js';
import { fillValue } from './operators/expand.js';

const recurrent = new Set(['LSTM', 'GRU', 'RNN']);

/** Inputs initial_h and initial_c. */
const stateInputs = new Set([5, 6]);

/** Operators whose first output holds elements of their first input alone. */
const moving = new Set(['Expand', 'Gather', 'Reshape', 'Slice', 'Squeeze', 'Tile', 'Transpose', 'Unsqueeze']);

/** Whether a value's elements are all +0, as far as the nodes that make it tell. */
function isZero({ initializers }: Graph, makers: ReadonlyMap<string, Node>, value: string): boolean {
  for (let name = value; ; ) {
    const [maker, stored] = [makers.get(name), initializers.get(name)];
    if (stored) return stored.type === 'float32' && stored.data.every((x) => Object.is(x, 0));
    if (maker?.domain !== '') return false;
    if (maker.op === 'ConstantOfShape') return Object.is(fillValue(maker).data[0], 0);
    if (!moving.has(maker.op)) return false;
    name = maker.inputs[0];
  }
}

/** @param graph  constants folded, shapes checked */
export function removeZeroStates(graph: Graph): Graph {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((value) => [value, node] as const)));
  const isLeftOut = (value: string, index: number) =>
    stateInputs.has(index) && value !== '' && isZero(graph, makers, value);
  const nodes = graph.nodes.map((node) => {
    if (!recurrent.has(node.op) || !node.inputs.some(isLeftOut)) return node;
    return { ...node, inputs: node.inputs.map((value, index) => (isLeftOut(value, index) ? '' : value)) };
  });
  return removeDead({ ...graph, nodes });
}
