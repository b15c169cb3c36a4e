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
 * How far a row's outputs may depend on the rows beside it, relative: what quantisation by the range of a whole batch
 * does is below, a mean or a softmax over the batch far above.
 */
const mostMixing = 0.05;

/**
 * Refuses networks whose outputs have no row for each sample, or in which a row depends on those beside it: nothing that
 * is counted on some rows then says anything of others. Every second of some rows runs without the rest.
 * @throws SHAPE_UNSUPPORTED naming the output
 * @complexity runs of at most 3 * 16 rows
 */
export async function requireRowByRow(graph: Graph, rows: Feeds, evaluate: Evaluate): Promise<void> {
  const n = rowCount(rows);
  if (n === 0) return;
  const [{ end: count }] = chunksOf(graph, n, Math.min(comparedRows, Math.ceil(n / 2)));
  const some = Array.from({ length: Math.min(2 * count, n) }, (_, i) => i);
  const together = await evaluate(graph, takeRows(rows, some));
  for (const [name, { dims }] of Object.entries(together)) {
    if (dims[0] !== some.length) throw rowless(name, dims, some.length);
  }
  if (some.length < 2 * count) return;
  const even = some.filter((i) => i % 2 === 0);
  const alone = await evaluate(graph, takeRows(rows, even));
  for (const [name, before] of Object.entries(takeRows(together, even))) {
    const share = relativeChange(before, alone[name]);
    if (!(share <= mostMixing)) throw mixed(name, share);
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

/** ||after - before|| / ||before||; NaN where a number was is NaN, where NaN was no change. */
function relativeChange({ data: before }: Tensor, { data: after }: Tensor): number {
  let [squares, norm] = [0, 0];
  for (let i = 0; i < before.length; i++) {
    const [a, b] = [Number(before[i]), Number(after[i])];
    if (Number.isNaN(a) && Number.isNaN(b)) continue;
    if (a !== b) squares += (b - a) ** 2;
    norm += a * a;
  }
  return squares === 0 ? 0 : Math.sqrt(squares / norm);
}
