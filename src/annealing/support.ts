/**
 * What calibration rows say of the inputs: columns that they never light, and how often new rows will light one. A network
 * without those columns gives the original's bits on every row that lights none of them.
 */

import type { Graph, Port } from '../graph/graph.js';
import { inferFacts } from '../graph/infer.js';
import type { Feeds } from '../runtime/executor.js';
import { equals, product } from '../runtime/extent.js';
import { columnsOf, rowsOutside, type Support, type UnlitColumns } from '../runtime/support.js';
import { Tensor } from '../runtime/tensor.js';
import { type Linear, outermost } from './rewrite.js';
import { rowCount } from './rows.js';
import { countNonzero, positions } from './submatrix.js';
import { gatherInputs, gatherShare, pickedBefore } from './trims.js';

/** The support of calibration rows. */
export interface SeenSupport {
  /** For the runtime. */
  readonly support: Support;
  /** Columns of all inputs that have any. */
  readonly columns: number;
  /** Columns that no row lights. */
  readonly unlit: number;
  /**
   * Share of rows that would lie outside the support of all the others: what new rows will do (leave-one-out; Good and Turing
   * estimate unseen kinds so).
   */
  readonly missing: number;
}

/** Elements that are counted at a time. */
const pieceSize = 2 ** 22;

/** How many rows light each column; [columns]. */
function countLit({ data, dims }: Tensor, columns: number): Int32Array {
  const counts = new Int32Array(columns);
  const step = Math.max(1, Math.floor(pieceSize / Math.max(1, columns)));
  for (let first = 0; first < dims[0]; first += step) {
    const rows = Math.min(step, dims[0] - first);
    const piece = (data as Float32Array<ArrayBuffer>).subarray(first * columns, (first + rows) * columns);
    const part = countNonzero(new Tensor('float32', piece, [rows, columns])).columns;
    for (let j = 0; j < columns; j++) counts[j] += part[j];
  }
  return counts;
}

/** First and end of each span of ascending positions. */
export function spansOf(ascending: Int32Array): number[] {
  const spans: number[] = [];
  for (const at of ascending) {
    if (spans.at(-1) === at) spans[spans.length - 1] = at + 1;
    else spans.push(at, at + 1);
  }
  return spans;
}

/**
 * The support of calibration rows.
 * @returns null where every column of every float32 input is lit, or an input's width is not fixed
 */
export function supportOf({ inputs }: Graph, rows: Feeds): SeenSupport | null {
  const n = rowCount(rows);
  const [never, once]: [UnlitColumns[], UnlitColumns[]] = [[], []];
  let [columns, unlit] = [0, 0];
  for (const port of inputs) {
    const width = widthOf(port);
    if (!width) continue;
    const counts = countLit(rows[port.name], width);
    const [none, single] = [0, 1].map((times) => positions(Array.from(counts, (count) => count === times)));
    columns += width;
    unlit += none.length;
    if (none.length > 0) never.push({ input: port.name, spans: spansOf(none) });
    if (single.length > 0) once.push({ input: port.name, spans: spansOf(single) });
  }
  if (unlit === 0 || n === 0) return null;
  return { support: never, columns, unlit, missing: rowsOutside(once, rows, n).length / n };
}

const widthOf = (port: Port): number | null => (port.dtype === 'float32' ? columnsOf(port) : null);

/** Operators that give the same rows under another shape. */
const sameRows = new Set(['Flatten', 'Reshape', 'Identity', 'Squeeze', 'Unsqueeze']);

/** The graph input whose elements are a layer's inputs, in their order. */
function sourceOf(graph: Graph, value: string): string | null {
  const facts = inferFacts(graph);
  const rowsOf = (name: string) => facts.get(name)!.shape;
  for (let at = value; ; ) {
    if (graph.inputs.some(({ name }) => name === at)) return at;
    const node = graph.nodes.find(({ outputs }) => outputs[0] === at);
    if (node?.domain !== '' || !sameRows.has(node.op)) return null;
    const [from, to] = [rowsOf(node.inputs[0]), rowsOf(at)];
    const isByRow = from.length > 0 && to.length > 0 && equals(from[0], to[0]);
    if (!isByRow || !equals(product(from.slice(1)), product(to.slice(1)))) return null;
    at = node.inputs[0];
  }
}

/** The inputs of a layer that its source lights, ascending; at least one. */
function litInputs(graph: Graph, linear: Linear, support: Support): Int32Array<ArrayBuffer> | null {
  const { input, column } = pickedBefore(graph, linear);
  const source = sourceOf(graph, input);
  const spans = support.find((one) => one.input === source)?.spans;
  if (!spans || inferFacts(graph).get(input)!.shape.length !== 2) return null;
  const isLit = Array.from({ length: linear.weight.dims[1] }, (_, j) => {
    const at = column(j);
    return !spans.some((first, s) => s % 2 === 0 && first <= at && at < spans[s + 1]);
  });
  return isLit.includes(true) ? positions(isLit) : Int32Array.of(0);
}

/** Whether a sum starts at -0, to which a term of zero can give another sign. */
function startsAtNegativeZero({ bias }: Linear): boolean {
  return bias !== null && Array.from(bias.data).some((value) => Object.is(value, -0));
}

/**
 * Takes unlit columns out of the layers that read inputs. Exact on the support: a zero input adds a zero to a sum, which
 * no sum that did not start at -0 minds.
 * @returns `graph` itself where too few would go
 */
export function trimUnlit(graph: Graph, support: Support): Graph {
  let next = graph;
  for (const linear of outermost(graph)) {
    const kept = startsAtNegativeZero(linear) ? null : litInputs(graph, linear, support);
    const gone = kept ? linear.weight.dims[1] - kept.length : 0;
    if (kept && gone >= gatherShare * linear.weight.dims[1]) next = gatherInputs(next, linear, kept);
  }
  return next;
}
