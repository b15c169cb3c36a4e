/**
 * Blocks of a layer whose inputs are in no order of their own: outputs and inputs choose each other. Each block reads the
 * inputs from which its outputs are best told, beside what the bus tells them; an input may be read by several blocks or
 * by none.
 */
import { analysisKernels } from '../evidence/analysis.js';
import { type BlockForm, fitBlocks } from './blocks.js';
import { type Affine, type Moments, metricOf } from './least-squares.js';
import { addScaled, type Matrix, multiply } from './matrix.js';
import { cutOut, pickBoth, pickRows } from './matrix-parts.js';
import { assignRows, dealOut, inverse, type Partition } from './partition.js';

/** Most inputs that are chosen among; of more, each block gets every k-th. */
const mostInputs = 1024;

/** Rounds of choosing; more change little. */
const rounds = 3;

/** Turns of the first bus, which only has to say what it will leave. */
const firstTurns = 4;

export interface CoClusters {
  /** Outputs of each block. */
  readonly rows: Partition;
  /** Inputs that each block reads. */
  readonly columns: readonly Int32Array<ArrayBuffer>[];
}

/**
 * The columns on which least squares for the rows of W leaves the least error in the metric M, chosen one by one.
 * @returns at most `count` columns, ascending
 * @complexity O(count in (in + out))
 */
export function chooseColumns(weight: Matrix, metric: Matrix, count: number): Int32Array<ArrayBuffer> {
  const { kernels, workspace } = analysisKernels();
  const { rows, columns: n } = weight;
  const product = multiply(weight, metric);
  return workspace.scope(() => {
    const s = workspace.copyIn('float64', metric.data);
    const r = workspace.copyIn('float64', product.data);
    const chosen = workspace.allocate('int32', count);
    const scratch = workspace.allocate('float64', 3 * n);
    const found = kernels.f64_choose_columns(n, rows, s.ptr, r.ptr, count, chosen.ptr, scratch.ptr);
    return workspace.copyOut(chosen).slice(0, found).sort();
  });
}

/** W less U V, its rows in the order of blocks. */
function besideBus(
  ordered: Affine,
  moments: Moments,
  outputs: Matrix | null,
  { rows, columns }: CoClusters,
  bus: number,
): Matrix {
  if (bus === 0) return ordered.weight;
  const fit = fitBlocks(ordered, moments, outputs, { rows: rows.blocks, columns }, bus, firstTurns);
  return addScaled(ordered.weight, -1, multiply(fit.bus.outer, fit.bus.inner));
}

/**
 * @param target  the layer as least squares gives it
 * @param moments  of its inputs
 * @param outputs  importance of its outputs; null where all count alike
 */
export function coCluster(target: Affine, moments: Moments, outputs: Matrix | null, { k, bus }: BlockForm): CoClusters {
  const metric = metricOf(moments);
  let columns = dealOut(moments, k);
  let rows = assignRows(target.weight, metric, columns, 1);
  const inputs = target.weight.columns;
  if (inputs > mostInputs) return { rows, columns };
  const count = Math.ceil(inputs / k);
  let rest = target.weight;
  for (let round = 0; round < rounds; round++) {
    if (round > 0) rows = assignRows(rest, metric, columns, 1);
    const { order } = rows;
    const ordered = { weight: pickRows(target.weight, order), bias: target.bias.map((_, i) => target.bias[order[i]]) };
    const left = besideBus(ordered, moments, outputs && pickBoth(outputs, order), { rows, columns }, bus);
    columns = rows.blocks.map((span) => chooseColumns(cutOut(left, span, [0, inputs]), metric, count));
    rest = pickRows(left, inverse(order));
  }
  return { rows, columns };
}
