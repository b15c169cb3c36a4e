/**
 * Cascades of a compressed network and the original: which margin makes the original run, chosen on calibration rows. Rows
 * that light what no calibration row lit run it too.
 *
 *     margin:  0 ───────── tau ────────────────▶      rows left of tau go to the original;
 *              x xx  x . x  │ . x .. . . .. .         of the rows that differ (x), only those right of it remain
 */
import type { Graph } from '../graph/graph.js';
import { KerfError } from '../runtime/errors.js';
import type { Feeds, Outputs } from '../runtime/executor.js';
import { type MarginRule, Margins } from '../runtime/margins.js';
import { plainKernels } from '../runtime/plain-kernels.js';
import { gatherRows, joinRows, scatterRows } from '../runtime/row-sets.js';
import { rowsOutside, type Support } from '../runtime/support.js';
import type { Stage } from './annealing.js';
import type { GuardPromise } from './bounds.js';
import { type AnnealOptions, pricesOf } from './context.js';
import { type Decision, formatDecision } from './decision.js';
import type { Candidate } from './guard.js';
import { priceOfShare } from './prices.js';
import { rowCount } from './rows.js';
import type { SeenSupport } from './support.js';

/** Which rows of a candidate run the original. */
export interface Fallback {
  readonly rule: MarginRule;
  /** Rows with a smaller margin, or none, run the original. */
  readonly tau: number;
  /** Rows outside of it run the original too; absent: every row is inside. */
  readonly support?: Support;
}

/** Rows that ran the original. */
export interface Fallen {
  /** All of them. */
  readonly rows: number;
  /** Those outside the support. */
  readonly outside: number;
}

/** A candidate and how it does on the calibration rows. */
export interface Fitted extends Candidate<Graph> {
  /** What it is compared by; counts the rows that run the original. */
  readonly price: number;
  /** Share of calibration rows whose decision differs; 0 without rows. */
  readonly rate: number;
}

/** Shares of the promise up to which calibration rows may differ, from gentle to aggressive. */
const shares = [1, 2, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16].map((count) => count / 16);

/** The gentlest threshold over the largest margin of a row that differs. */
const slack = 2;

/**
 * The margins by which a decision is taken.
 * @returns null where none are: relative errors, whole-number outputs
 */
export function marginRuleOf(graph: Graph, decision: Decision): MarginRule | null {
  const outputs = graph.outputs.filter(({ dtype }) => dtype === 'float32').map(({ name }) => name);
  if (outputs.length === 0 || decision.kind === 'error') return null;
  return { outputs, decision: decision.kind, at: decision.kind === 'threshold' ? decision.at : 0 };
}

/**
 * Share of new rows outside the support up to which a cascade sends them to the original: beyond, calibration rows are too
 * few to say what the support is.
 */
const mostMissing = 0.02;

/** Of a cascade in which no margin decides. */
export const noMargins: MarginRule = { outputs: [], decision: 'argmax', at: 0 };

/**
 * Makes the outputs of a compressed network those of the cascade.
 * @param inputs  on which both ran
 * @param compressed  changed in place
 */
export function fallBack(
  inputs: Feeds,
  original: Outputs,
  compressed: Outputs,
  { rule, tau, support = [] }: Fallback,
): Fallen {
  const outside = rowsOutside(support, inputs, rowCount(inputs));
  const rows = joinRows(outside, new Margins(rule, plainKernels()).rowsBelow(compressed, tau));
  scatterRows(compressed, gatherRows(original, rows), rows);
  return { rows: rows.length, outside: outside.length };
}

/** The original network, as a cascade's second member. */
interface Whole {
  readonly macs: number;
  /** Of a call. */
  readonly price: number;
  /** What a call costs on average when each row runs it with this probability. */
  readonly priceOfShare: (share: number) => number;
}

/** Offers cascades of compressed networks. */
export class CascadeChooser {
  readonly #seen: SeenSupport | null;

  /**
   * @param whole  the original: its multiply-adds, and what a call costs when a share of the rows runs it
   * @param limit  largest share of rows that may differ
   * @param isDemanded  whether nothing but a cascade will do
   * @param seen  what calibration rows light; null where they light everything
   */
  constructor(
    readonly rule: MarginRule,
    readonly whole: Whole,
    readonly limit: number,
    readonly isDemanded: boolean,
    seen: SeenSupport | null = null,
  ) {
    this.#seen = seen && seen.missing <= mostMissing ? seen : null;
  }

  /**
   * The cascades of one compressed network that are cheaper than the original, from gentle to aggressive. A row counts
   * as differing once more than is seen: tau was chosen so that the next one just falls back.
   * @param outputs  of the compressed network on the calibration rows
   * @param differs  1 for each row whose decision differs
   */
  offers(fitted: Fitted, outputs: Outputs, differs: Uint8Array): readonly Fitted[] {
    const margins = new Margins(this.rule, plainKernels()).of(outputs);
    const n = margins.length;
    const ascending = margins.filter((margin) => !Number.isNaN(margin)).sort();
    const wrong = margins
      .filter((margin, row) => differs[row] === 1 && !Number.isNaN(margin))
      .sort()
      .reverse();
    if (wrong.length === 0) return [];
    const { missing = 0 } = this.#seen ?? {};
    const support = this.#seen && { support: this.#seen.support };
    const offer = (tau: number, rate: number): Fitted => {
      const fallen = n - ascending.length + countBelow(ascending, tau);
      const share = Math.min(1, fallen / n + missing);
      const macs = fitted.macs + share * this.whole.macs;
      const price = fitted.price + this.whole.priceOfShare(share);
      const fallback = { rule: this.rule, tau, ...support };
      return { name: `${fitted.name}, cascade at ${rateName(rate)}`, macs, price, value: fitted.value, rate, fallback };
    };
    const counts = new Set(shares.map((share) => Math.max(0, Math.floor(share * this.limit * n) - 1)));
    const exact = [...counts].flatMap((count) => {
      const tau = count < wrong.length ? ascending[countBelow(ascending, wrong[count], true)] : undefined;
      return tau === undefined ? [] : [offer(tau, (count + 1) / n)];
    });
    return [offer(Math.fround(slack * wrong[0]), 0), ...exact].filter(({ price }) => price < this.whole.price);
  }
}

/**
 * What offers cascades under the options; null where there are none to offer.
 * @throws OPTION_INVALID when a cascade is demanded and cannot be
 */
export function chooserOf(
  graph: Graph,
  decision: Decision,
  { maxDisagreement }: GuardPromise,
  hasData: boolean,
  options: AnnealOptions,
  seen: SeenSupport | null = null,
): CascadeChooser | null {
  const { cascade = 'off', cost } = options;
  if (cascade === 'off') return null;
  const rule = marginRuleOf(graph, decision);
  const isDemanded = cascade === 'on';
  if (rule && hasData) {
    const { rows, ofGraph, ofFallback } = pricesOf(options);
    const price = ofFallback(graph);
    const whole = {
      macs: cost(graph),
      price: ofGraph(graph)(rows),
      priceOfShare: (share: number) => priceOfShare(price, rows, share),
    };
    return new CascadeChooser(rule, whole, maxDisagreement, isDemanded, seen);
  }
  if (!isDemanded) return null;
  const isByScores = decision.kind !== 'error';
  const problem = rule
    ? 'it needs data: got none, expected calibration rows. Give --calibration.'
    : isByScores
      ? 'the outputs have no margin: got no float32 ones, expected scores. Make them outputs, or use --cascade off.'
      : `the decision has no margin: got ${formatDecision(decision)}, expected argmax or threshold:T. Use --cascade off.`;
  throw new KerfError('OPTION_INVALID', '--cascade', problem);
}

/** The error of a cascade that was demanded and does not hold. */
export function noCascade(stages: readonly Stage[], { maxDisagreement }: GuardPromise): KerfError {
  const failed = stages.find(({ passed }) => !passed);
  const got = failed ? `${failed.seen} of ${failed.n} guard items differ` : 'none cheaper than the original';
  return new KerfError(
    'GUARD_FAILED',
    '--cascade',
    `no cascade can be held at ${100 * maxDisagreement} %: got ${got}. Use --cascade auto, or allow a larger --max-disagreement.`,
    { seen: failed?.seen, n: failed?.n },
  );
}

const rateName = (rate: number) => `${Number((100 * rate).toPrecision(2))} %`;

/** Elements of a sorted list that are below a value, or below or equal. */
function countBelow(ascending: Float32Array, value: number, orEqual = false): number {
  let [first, end] = [0, ascending.length];
  while (first < end) {
    const middle = (first + end) >> 1;
    if (ascending[middle] < value || (orEqual && ascending[middle] === value)) first = middle + 1;
    else end = middle;
  }
  return first;
}
