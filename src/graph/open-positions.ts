/**
 * Rows of a table that stand at 0, 1, 2, .. up to the length of a sequence, as embeddings of positions are read, taken as the
 * front of the table:
 *
 *     Range(0, length, 1) ─▶ Unsqueeze ─▶ Gather of table      becomes      Slice of table ─▶ Unsqueeze
 */
import { removeDead } from './fold.js';
import { FreshNames } from './fresh-names.js';
import type { Graph, Node } from './graph.js';
import { type Facts, inferFacts } from './infer.js';
import { integerOf, integersOf } from './operators/attributes.js';
import { int64Tensor } from './operators/constant.js';

const isOnnx = (node: Node | undefined, op: string): node is Node => node?.op === op && node.domain === '';

/** The axes that an Unsqueeze adds, all in front; undefined for others. */
function addedInFront(graph: Graph, facts: Facts, node: Node): number | undefined {
  const constant = node.inputs[1] ? graph.initializers.get(node.inputs[1]) : undefined;
  const axes = constant ? Array.from(constant.data as ArrayLike<number | bigint>, Number) : integersOf(node, 'axes');
  const rank = facts.get(node.outputs[0])?.shape.length ?? 0;
  const sorted = axes?.map((axis) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b);
  return sorted?.every((axis, i) => axis === i) ? sorted.length : undefined;
}

/** @returns `graph` itself where nothing reads positions so */
export function sliceOpenPositions(graph: Graph): Graph {
  if (!graph.nodes.some((node) => isOnnx(node, 'Range')) || graph.opset < 13) return graph;
  const facts = inferFacts(graph);
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((value) => [value, node] as const)));
  const constants = new Map(graph.initializers);
  const names = new FreshNames(graph);
  const nodes = graph.nodes.flatMap((gather): readonly Node[] => {
    const [table, indices] = gather.inputs;
    if (!isOnnx(gather, 'Gather') || integerOf(gather, 'axis', 0) !== 0 || !facts.get(table)?.constant) return [gather];
    const maker = makers.get(indices);
    const front = isOnnx(maker, 'Unsqueeze') ? addedInFront(graph, facts, maker) : 0;
    const range = isOnnx(maker, 'Unsqueeze') ? makers.get(maker.inputs[0]) : maker;
    // Of an open range; others are constants, and folded.
    if (front === undefined || !isOnnx(range, 'Range')) return [gather];
    const make = (suffix: string, op: string, inputs: readonly string[], output?: string): Node => {
      const name = names.take(`${gather.name}:${suffix}`);
      return {
        name,
        op,
        domain: '',
        inputs,
        outputs: [output ?? names.take(`${gather.outputs[0]}:${suffix}`)],
        attributes: new Map(),
      };
    };
    const list = (suffix: string, values: readonly number[]) => {
      const name = names.take(`${gather.name}:${suffix}`);
      constants.set(name, int64Tensor(values));
      return name;
    };
    const zero = list('zero', [0]);
    const end = make('end', 'Unsqueeze', [range.inputs[1], zero]);
    const slice = make(
      'front',
      'Slice',
      [table, zero, end.outputs[0], zero],
      front === 0 ? gather.outputs[0] : undefined,
    );
    if (front === 0) return [end, slice];
    const axes = list(
      'axes',
      Array.from({ length: front }, (_, axis) => axis),
    );
    return [end, slice, make('rank', 'Unsqueeze', [slice.outputs[0], axes], gather.outputs[0])];
  });
  return removeDead({ ...graph, nodes, initializers: constants });
}
