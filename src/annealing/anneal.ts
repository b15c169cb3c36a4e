/** Annealing: evidence proposes, calibration rows fit, the guard decides. */
import type { Evidence } from '../evidence/evidence.js';
import type { Graph } from '../graph/graph.js';
import { findLayers } from '../graph/layers.js';
import type { CascadeRule } from '../runtime/cascade.js';
import { KerfError } from '../runtime/errors.js';
import type { Feeds, Outputs } from '../runtime/executor.js';
import { type Accuracy, type Labels, measureAccuracy } from './accuracy.js';
import type { Annealing, Stage } from './annealing.js';
import { type GuardPromise, mostDisagreements, upperBound } from './bounds.js';
import { chooserOf, type Fallback, type Fallen, fallBack, noCascade } from './cascade.js';
import { certify } from './certificate.js';
import { type Comparison, compareOutputs, countGroups, type Groups } from './comparison.js';
import { type AnnealOptions, throwIfAborted } from './context.js';
import { prepareData } from './data.js';
import { type Decision, parseDecision } from './decision.js';
import { meanDivergence } from './divergence.js';
import { type Candidate, isInformative, testInSequence } from './guard.js';
import { layerChoices } from './layer-choices.js';
import { hashRows, rowCount } from './rows.js';
import { Proposer } from './stages.js';
import { supportOf } from './support.js';

/** Runs graphs on rows and compares them with the original, which runs once. */
class Judge {
  #original: Outputs | null = null;

  constructor(
    readonly graph: Graph,
    readonly rows: Feeds,
    readonly decision: Decision,
    readonly options: AnnealOptions,
    readonly groups: Groups | null = null,
    readonly labels: Labels | null = null,
  ) {}

  async compare(changed: Graph, fallback?: Fallback): Promise<Judged> {
    throwIfAborted(this.options.signal);
    this.options.onProgress?.({ stage: 'guard' });
    this.#original ??= await this.options.evaluate(this.graph, this.rows);
    const outputs = changed === this.graph ? this.#original : await this.options.evaluate(changed, this.rows);
    const fallen = fallback ? fallBack(this.rows, this.#original, outputs, fallback) : null;
    const comparison = compareOutputs(rowCount(this.rows), this.#original, outputs, this.decision, this.groups);
    const kl = meanDivergence(this.graph, this.#original, outputs, this.decision);
    return { ...comparison, fallen, kl, accuracy: this.#accuracy(this.#original, outputs) };
  }

  #accuracy(original: Outputs, changed: Outputs): Accuracy | null {
    const { labels, decision, groups, options } = this;
    const { confidence = 0.95 } = options;
    return labels && measureAccuracy(labels, original, changed, decision, confidence, groups !== null);
  }
}

/** A comparison, and the guard rows that ran the original in a cascade. */
interface Judged extends Comparison {
  readonly fallen: Fallen | null;
  /** Mean divergence of the probabilities; null where there are none. */
  readonly kl: number | null;
  /** Null without labels. */
  readonly accuracy: Accuracy | null;
}

interface Verdict {
  readonly graph: Graph;
  readonly stages: readonly Stage[];
  readonly comparison: Judged | null;
  readonly isProof: boolean;
  /** Whether it gives the original's bits by construction. */
  readonly isExact: boolean;
  readonly fallback: Fallback | null;
}

/**
 * Tests the proposed stages in order; a guard that proves nothing tests none, and only exact trims remain.
 * A control is fitted to nothing, so the calibration rows count for it too.
 */
async function judgeStages(
  proposer: Proposer,
  judge: Judge,
  calibration: Judge | null,
  promise: GuardPromise,
): Promise<Verdict> {
  const itself = await judge.compare(judge.graph);
  if (!isInformative(itself.classes)) {
    const last: Pick<Candidate<Graph>, 'value' | 'fallback'> = proposer.exactStages().at(-1) ?? { value: judge.graph };
    const comparison = await judge.compare(last.value, last.fallback);
    return {
      graph: last.value,
      stages: [],
      comparison,
      isProof: false,
      isExact: true,
      fallback: last.fallback ?? null,
    };
  }
  const comparisons = new Map<Candidate<Graph>, Judged>();
  const count = async (candidate: Candidate<Graph>) => {
    const comparison = await judge.compare(candidate.value, candidate.fallback);
    comparisons.set(candidate, comparison);
    if (!candidate.isControl || !calibration) return comparison;
    const { n, seen } = await calibration.compare(candidate.value);
    return { n: comparison.n + n, seen: comparison.seen + seen };
  };
  const { stages, kept } = await testInSequence(proposer.stages(), count, promise);
  const comparison = kept ? (comparisons.get(kept) ?? null) : itself;
  const { value = judge.graph, isExact = kept === null, fallback = null } = kept ?? {};
  return { graph: value, stages, comparison, isProof: true, isExact, fallback };
}

/**
 * Removes what evidence does not support, as far as the guard allows.
 *
 * Stages, gentle to aggressive: exact trims; columns that calibration never lights, where the original may run on rows that
 * light one; unsupported branches become constants; units and ranks, refitted. Where nothing may change (`exact`) the
 * exact ones alone. Their order and content come from evidence and calibration rows alone; the guard is looked at once, stage by stage, and the
 * first failure stops. Without a guard, only choices from the weights alone are made and the certificate says so.
 *
 * @param graph  canonical
 * @returns the annealed graph, with the inputs and outputs of `graph`
 * @throws GUARD_TOO_SMALL when the guard cannot prove the promise even without any disagreement; DATA_INVALID when guard
 *   and calibration share rows; OPTION_INVALID for an unknown decision, a promise out of range or a cascade that cannot
 *   be, or for tuning without data; GUARD_FAILED when a demanded cascade does not hold; ABORTED
 */
export async function anneal(graph: Graph, evidence: Evidence, options: AnnealOptions): Promise<Annealing> {
  const { maxDisagreement = 0.005, confidence = 0.95, exact = false } = options;
  const promise = { maxDisagreement: exact ? 0 : maxDisagreement, confidence };
  const decision = parseDecision(options.decision ?? 'auto', graph);
  const { calibration, guard, groups, labels } = await prepareData(graph, decision, promise, options);
  const hasData = calibration !== null && guard !== null;
  if (options.tune) requireTunable(options.tune, hasData);
  const n = groups ? countGroups(groups) : guard ? rowCount(guard) : 1;
  const limits = { most: promise.maxDisagreement, aim: Math.max(0, mostDisagreements(n, promise)) / n };
  const seen = hasData && options.cascade && options.cascade !== 'off' ? supportOf(graph, calibration) : null;
  const cascades = chooserOf(graph, decision, promise, hasData, options, seen);
  const proposer = new Proposer(graph, evidence, calibration, decision, limits, options, cascades, seen);
  const judgeOf = (rows: Feeds, ...beside: [Groups | null, Labels | null] | []) =>
    new Judge(graph, rows, decision, options, ...beside);
  const verdict: Verdict = guard
    ? await judgeStages(proposer, judgeOf(guard, groups, labels), calibration && judgeOf(calibration), promise)
    : {
        graph: exact ? proposer.trimmed : await proposer.withoutData(),
        stages: [],
        comparison: null,
        isProof: true,
        isExact: false,
        fallback: null,
      };
  if (cascades?.isDemanded && !verdict.fallback) throw noCascade(verdict.stages, promise);
  const { trimmed, branches } = proposer;
  const isExact = verdict.isExact || verdict.graph === trimmed;
  const certificate = certify({
    ...verdict,
    fallen: verdict.comparison?.fallen ?? null,
    kl: verdict.comparison?.kl ?? null,
    accuracy: verdict.comparison?.accuracy ?? null,
    seen: verdict.fallback?.support ? seen : null,
    decision,
    promise,
    guardHash: guard && hashRows(guard),
    change: verdict.graph === graph ? 'none' : isExact ? 'exact' : 'fitted',
    isInformative: verdict.isProof,
  });
  return {
    graph: verdict.graph,
    layers: layerChoices(findLayers(graph), verdict.graph, isExact ? verdict.graph : trimmed, branches),
    certificate,
    withoutGradients: [...proposer.blocked].map(([layer, operator]) => ({ layer, operator })),
    cascade: verdict.fallback && ruleOf(verdict.fallback, verdict.comparison, promise),
  };
}

/** @throws OPTION_INVALID without calibration rows, or for a number of steps that is none */
function requireTunable(steps: number, hasData: boolean): void {
  const where = '--tune';
  if (!Number.isSafeInteger(steps) || steps < 0)
    throw new KerfError('OPTION_INVALID', where, `got ${steps}, expected a whole number of steps, or 0 for none.`);
  if (!hasData)
    throw new KerfError(
      'OPTION_INVALID',
      where,
      'it needs data: got none, expected calibration rows. Give --calibration.',
    );
}

/** The rule for the runtime: the rate of fallback is certified as the disagreement is. */
function ruleOf({ rule, ...rest }: Fallback, judged: Judged | null, { confidence }: GuardPromise): CascadeRule {
  const { fallen, rows, n } = judged ?? { fallen: null, rows: 0, n: 0 };
  // Clusters say no more of a rate than as many rows would.
  const share = rows === 0 ? 0 : (fallen?.rows ?? 0) / rows;
  return { ...rule, ...rest, maxFallbackRate: upperBound(Math.ceil(share * n), n, confidence) };
}
