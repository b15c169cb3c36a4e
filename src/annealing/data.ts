/** Calibration and guard: checked, split and kept apart. */
import type { Graph } from '../graph/graph.js';
import { KerfError } from '../runtime/errors.js';
import type { Feeds } from '../runtime/executor.js';
import type { Labels } from './accuracy.js';
import { formatConfidence, type GuardPromise, itemsNeeded } from './bounds.js';
import { countGroups, decisionKeys, type Groups } from './comparison.js';
import type { AnnealOptions } from './context.js';
import type { Decision } from './decision.js';
import { requireRowByRow } from './independence.js';
import { keysOfRepeats, refuseOverlap, requireInputs, rowCount } from './rows.js';
import { splitRows } from './split.js';

export interface Data {
  /** Rows that fits may see. */
  readonly calibration: Feeds | null;
  /** Rows that decide. */
  readonly guard: Feeds | null;
  /** The cluster of each guard row; null where each row stands for itself. */
  readonly groups: Groups | null;
  /** Whether the clusters are rows that equal each other, since none were given. */
  readonly areRepeats: boolean;
  /** The truth of each guard row's decisions; null where it is not known. */
  readonly labels: Labels | null;
}

/** Share of the calibration rows that becomes the guard when none is given. */
const guardShare = 1 / 5;

/**
 * Checks the guard, or sets aside a stratified part of the calibration rows as one.
 * @throws OPTION_INVALID, GUARD_TOO_SMALL, DATA_INVALID; SHAPE_UNSUPPORTED where rows cannot be counted
 */
export async function prepareData(
  graph: Graph,
  decision: Decision,
  promise: GuardPromise,
  { calibration, guard, groups = null, labels = null, evaluate, exact = false, seed = 0 }: AnnealOptions,
): Promise<Data> {
  requirePromise(promise, exact);
  if (calibration) requireInputs(graph, calibration, 'calibration');
  if (guard) requireInputs(graph, guard, 'guard');
  const judged = guard ?? calibration;
  if (!judged) return { calibration: null, guard: null, groups: null, areRepeats: false, labels: null };
  if (groups) requireGroups(groups, judged);
  await requireRowByRow(graph, judged, evaluate);
  // Copies of a row say no more than the row does.
  const clusters = groups ?? keysOfRepeats(judged);
  const areRepeats = !groups && clusters !== null;
  const n = rowCount(judged);
  const items = clusters ? countGroups(clusters) : n;
  if (guard) {
    requireSize(items, promise, areRepeats);
    if (calibration) refuseOverlap(calibration, guard);
    return { calibration, guard, groups: clusters, areRepeats, labels };
  }
  const wanted = Math.ceil((n / items) * Math.max(Math.ceil(items * guardShare), itemsNeeded(promise)));
  // At least one item stays for calibration.
  requireSize(items - 1, promise, areRepeats);
  const keys = decisionKeys(n, await evaluate(graph, judged), decision);
  const { guardRows, ...split } = splitRows(judged, keys, wanted, seed, clusters);
  const guardGroups = clusters && guardRows.map((row) => clusters[row]);
  requireSize(guardGroups ? countGroups(guardGroups) : guardRows.length, promise, areRepeats);
  return { ...split, groups: guardGroups, areRepeats, labels: labels && labelsAt(labels, guardRows, n) };
}

/** The labels of the rows that became the guard; as many positions a row as there are. */
function labelsAt(labels: Labels, guardRows: readonly number[], n: number): Labels {
  const positions = labels.length / n;
  // Another number of labels than decisions is refused when there are outputs to count them by.
  if (!Number.isInteger(positions)) return labels;
  return guardRows.flatMap((row) => Array.from({ length: positions }, (_, p) => Number(labels[row * positions + p])));
}

function requireGroups(groups: Groups, rows: Feeds): void {
  const n = rowCount(rows);
  if (groups.length === n) return;
  throw new KerfError(
    'DATA_INVALID',
    '--groups',
    `one cluster per guard item is needed: got ${groups.length}, expected ${n}. Give one name or number for each.`,
    { got: groups.length, expected: n },
  );
}

function requirePromise({ maxDisagreement, confidence }: GuardPromise, exact: boolean): void {
  for (const [name, value] of [
    ['--max-disagreement', maxDisagreement],
    ['--confidence', confidence],
  ] as const) {
    if ((value > 0 && value < 1) || (exact && name === '--max-disagreement')) continue;
    throw new KerfError('OPTION_INVALID', name, `out of range: got ${value}, expected a share above 0 and below 1.`);
  }
}

function requireSize(n: number, promise: GuardPromise, areRepeats: boolean): void {
  const needed = itemsNeeded(promise);
  if (n >= needed) return;
  const repeats = areRepeats
    ? ' Rows that equal each other count once; where inputs do repeat so, --groups with a name for each row says it.'
    : '';
  throw new KerfError(
    'GUARD_TOO_SMALL',
    'guard',
    `too few items for ${100 * promise.maxDisagreement} % at ${formatConfidence(promise.confidence)} confidence: got ${n}, expected at least ${needed}. Give more guard rows, or allow a larger --max-disagreement.${repeats}`,
    { got: n, needed },
  );
}
