/**
 * Rows of a table that stand one after the other, from 0 or from behind a past on, up to the length of a sequence, as
 * embeddings of positions are read, taken as a piece of the table:
 *
 *     Range(past, length, 1) ─▶ Unsqueeze, Reshape ─▶ Gather of table      becomes      Slice of table ─▶ Unsqueeze
 */
import { removeDead } from './fold.js';
import { FreshNames } from './fresh-names.js';
import type { Graph, Node } from './graph.js';
import { inferFacts } from './infer.js';
import { integerOf } from './operators/attributes.js';
import { int64Tensor } from './operators/constant.js';

const isOnnx = (node: Node | undefined, op: string): node is Node => node?.op === op && node.domain === '';

/** What changes no element of a list of positions, nor their order. */
const keeping = ['Identity', 'Reshape', 'Squeeze', 'Unsqueeze'];

/** The Range whose numbers a value holds, along its last axis. */
function rangeOf(value: string, makers: ReadonlyMap<string, Node>): Node | undefined {
  let maker = makers.get(value);
  while (maker?.domain === '' && keeping.includes(maker.op)) maker = makers.get(maker.inputs[0]);
  return isOnnx(maker, 'Range') ? maker : undefined;
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
    const range = rangeOf(indices, makers);
    const shape = facts.get(indices)?.shape ?? [];
    // Of an open range; others are constants, and folded.
    const isOpen = range?.inputs.slice(0, 2).every((limit) => facts.get(limit)?.shape.length === 0);
    if (!isOpen || !shape.slice(0, -1).every((dim) => dim === 1) || shape.length === 0) return [gather];
    const front = shape.length - 1;
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
    const start = make('start', 'Unsqueeze', [range!.inputs[0], zero]);
    const end = make('end', 'Unsqueeze', [range!.inputs[1], zero]);
    const whole = front === 0 ? gather.outputs[0] : undefined;
    const slice = make('piece', 'Slice', [table, start.outputs[0], end.outputs[0], zero], whole);
    if (front === 0) return [start, end, slice];
    const axes = list(
      'axes',
      Array.from({ length: front }, (_, axis) => axis),
    );
    return [start, end, slice, make('rank', 'Unsqueeze', [slice.outputs[0], axes], gather.outputs[0])];
  });
  return removeDead({ ...graph, nodes, initializers: constants });
}
