/**
 * Where pieces of rows stand, so that nothing is copied only to put it beside something else:
 *
 *     Concat (x, z) that linear layers alone read     ─▶  they read x and z where they are
 *     Linear ─▶ Concat, along the last axis           ─▶  the layer writes into the rows of the concat
 */
import { readersOf } from '../graph/fold.js';
import type { Graph, Node } from '../graph/graph.js';
import type { Facts } from '../graph/infer.js';
import { maximumStepRank } from '../graph/operators/lowering.js';

/** Place of a value's rows: from column `first` of those of `whole` on. */
export interface Home {
  readonly whole: string;
  readonly first: number;
}

export interface RowLayout {
  /** The two pieces of concats that are never made. */
  readonly pairs: ReadonlyMap<string, readonly [string, string]>;
  /** By value: the concat that its rows are written into. */
  readonly homes: ReadonlyMap<string, Home>;
}

/** Whether a node becomes one gemm step over constant weights, which reads and writes rows at any stride. */
function isGemm({ op, domain, inputs: [, ...weights] }: Node, facts: Facts): boolean {
  const isConstant = (value: string) => value === '' || facts.get(value)?.constant !== undefined;
  return (op === 'Linear' || op === 'LinearInt8') && domain === 'kerf' && weights.every(isConstant);
}

/** Widths of the pieces of a float concat along the last axis; null for any other node. */
function widthsOf(node: Node, facts: Facts): readonly number[] | null {
  const fact = facts.get(node.outputs[0]);
  const rank = fact?.shape.length ?? 0;
  if (node.op !== 'Concat' || node.domain !== '' || fact?.dtype !== 'float32' || rank > maximumStepRank) return null;
  const axis = node.attributes.get('axis');
  if (fact.constant || (axis !== -1 && axis !== rank - 1)) return null;
  const widths = node.inputs.map((value) => facts.get(value)?.shape.at(-1));
  return widths.every((width) => typeof width === 'number') ? widths : null;
}

export function layOutRows(graph: Graph, facts: Facts): RowLayout {
  const readers = readersOf(graph);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const writers = new Set(graph.nodes.filter((node) => isGemm(node, facts)).flatMap((node) => node.outputs));
  const pairs = new Map<string, readonly [string, string]>();
  const homes = new Map<string, Home>();
  const isTaken = new Set<string>();
  for (const node of graph.nodes) {
    const widths = widthsOf(node, facts);
    const [value] = node.outputs;
    if (!widths) continue;
    const byGemms = (readers.get(value) ?? []).every((reader) => isGemm(reader, facts) && reader.inputs[0] === value);
    if (widths.length === 2 && byGemms && !outputs.has(value)) {
      pairs.set(value, [node.inputs[0], node.inputs[1]]);
      continue;
    }
    let first = 0;
    node.inputs.forEach((piece, i) => {
      if (writers.has(piece) && !isTaken.has(piece) && !outputs.has(piece)) homes.set(piece, { whole: value, first });
      isTaken.add(piece);
      first += widths[i];
    });
  }
  return { pairs, homes };
}
