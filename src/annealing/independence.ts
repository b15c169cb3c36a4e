/** Whether a network computes row by row: only then can rows be counted. */
import type { Graph } from '../graph/graph.js';
import { KerfError } from '../runtime/errors.js';
import type { Feeds } from '../runtime/executor.js';
import type { Tensor } from '../runtime/tensor.js';
import type { Evaluate } from './context.js';
import { chunksOf, rowCount, takeRows } from './rows.js';

/** Rows that run beside others than before, or as many as a model with a fixed first axis takes. */
const comparedRows = 16;

/**
 * How far a row's outputs may depend on the rows beside it, relative to how far rows differ: what quantisation by the range
 * of a whole batch does is below, a mean or a softmax over the batch above.
 */
const mostMixing = 0.05;

/**
 * Refuses networks whose outputs have no row for each sample, or in which a row depends on those beside it: nothing that
 * is counted on some rows then says anything of others. Some rows run together, then every second of them without the
 * rest, then the rest.
 * @throws SHAPE_UNSUPPORTED naming the output
 * @complexity runs of at most 4 * 16 rows
 */
export async function requireRowByRow(graph: Graph, rows: Feeds, evaluate: Evaluate): Promise<void> {
  const n = rowCount(rows);
  if (n === 0) return;
  const [{ end: unit }] = chunksOf(graph, n, 1);
  const half = unit * Math.max(1, Math.floor(Math.min(comparedRows, n / 2) / unit));
  const some = Array.from({ length: Math.min(2 * half, n) }, (_, i) => i);
  const together = await evaluate(graph, takeRows(rows, some));
  for (const [name, { dims }] of Object.entries(together)) {
    if (dims[0] !== some.length) throw rowless(name, dims, some.length);
  }
  if (some.length < 2 * half) return;
  for (const part of [some.filter((i) => i % 2 === 0), some.filter((i) => i % 2 === 1)]) {
    const apart = await evaluate(graph, takeRows(rows, part));
    for (const [name, all] of Object.entries(together)) {
      const share = changeOf(takeRows({ all }, part).all, apart[name], all);
      if (!(share <= mostMixing)) throw mixed(name, share);
    }
  }
}

function rowless(name: string, dims: readonly number[], rows: number): KerfError {
  const problem = `it has no row for each sample: got [${dims}] for ${rows} samples, expected ${rows} first. Give the model an output by sample, or decompose without data.`;
  return new KerfError('SHAPE_UNSUPPORTED', `output "${name}"`, problem, { got: dims, expected: rows });
}

function mixed(name: string, share: number): KerfError {
  const problem = `a row depends on the rows beside it: got a change of ${Number((100 * share).toPrecision(2))} % without them, expected none. Give the model outputs by sample, or decompose without data.`;
  return new KerfError('SHAPE_UNSUPPORTED', `output "${name}"`, problem, { got: share });
}

/**
 * The change of some rows, root mean square, over the deviation of all rows from their mean; where rows do not differ, over
 * their size. NaN where a number was is NaN, where NaN was no change.
 */
function changeOf({ data: before }: Tensor, { data: after }: Tensor, { data: all, dims: [rows] }: Tensor): number {
  let squares = 0;
  for (let i = 0; i < before.length; i++) {
    const [a, b] = [Number(before[i]), Number(after[i])];
    if (a !== b && !(Number.isNaN(a) && Number.isNaN(b))) squares += (b - a) ** 2;
  }
  if (squares === 0) return 0;
  const columns = all.length / rows;
  let [spread, size] = [0, 0];
  for (let j = 0; j < columns; j++) {
    const column = Array.from({ length: rows }, (_, i) => Number(all[i * columns + j])).filter(Number.isFinite);
    const mean = column.reduce((sum, x) => sum + x, 0) / column.length;
    for (const x of column) [spread, size] = [spread + (x - mean) ** 2, size + x * x];
  }
  return Math.sqrt(squares / before.length / ((spread || size) / all.length));
}
