/** Annealing: evidence proposes, calibration rows fit, the guard decides. */
import type { Evidence } from '../evidence/evidence.js';
import type { Graph } from '../graph/graph.js';
import { findLayers } from '../graph/layers.js';
import type { CascadeRule } from '../runtime/cascade.js';
import { KerfError } from '../runtime/errors.js';
import type { Feeds, Outputs } from '../runtime/executor.js';
import { type Accuracy, measureAccuracy } from './accuracy.js';
import type { Annealing, Stage } from './annealing.js';
import { type GuardPromise, mostDisagreements, upperBound } from './bounds.js';
import { chooserOf, type Fallback, type Fallen, fallBack, noCascade } from './cascade.js';
import { certify } from './certificate.js';
import { type Comparison, compareOutputs, countGroups } from './comparison.js';
import { type AnnealOptions, throwIfAborted } from './context.js';
import { type Data, prepareData } from './data.js';
import { type Decision, parseDecision } from './decision.js';
import { meanDivergence } from './divergence.js';
import { type Candidate, isInformative, testInSequence } from './guard.js';
import { layerChoices } from './layer-choices.js';
import { hashRows, rowCount } from './rows.js';
import type { WeightFormat } from './small-weights.js';
import { Proposer } from './stages.js';
import { supportOf } from './support.js';

/** Rows that stand for themselves, of which no truth is known. */
const alone = { groups: null, areRepeats: false, labels: null };

/** Runs graphs on rows and compares them with the original, which runs once. */
class Judge {
  #original: Outputs | null = null;

  constructor(
    readonly graph: Graph,
    readonly rows: Feeds,
    readonly decision: Decision,
    readonly options: AnnealOptions,
    readonly calibration: Feeds | null,
    readonly known: Pick<Data, 'groups' | 'areRepeats' | 'labels'> = alone,
  ) {}

  /** @param changed  a candidate; what it is stored as runs, but for a control, which is never kept */
  async compare(changed: Graph, { fallback, isControl = false }: Partial<Candidate<Graph>> = {}): Promise<Judged> {
    throwIfAborted(this.options.signal);
    this.options.onProgress?.({ stage: 'guard' });
    this.#original ??= await this.options.evaluate(this.graph, this.rows);
    const { evaluate, stored } = this.options;
    const isItself = changed === this.graph;
    const candidate = stored && !isControl && !isItself ? await stored.of(changed, this.calibration) : changed;
    const outputs = isItself ? this.#original : await evaluate(candidate, this.rows);
    const fallen = fallback ? fallBack(this.rows, this.#original, outputs, fallback) : null;
    const { groups, areRepeats } = this.known;
    const n = rowCount(this.rows);
    const comparison = compareOutputs(n, this.#original, outputs, this.decision, groups, areRepeats);
    const kl = meanDivergence(this.graph, this.#original, outputs, this.decision);
    return { ...comparison, fallen, kl, accuracy: this.#accuracy(this.#original, outputs, comparison.n) };
  }

  #accuracy(original: Outputs, changed: Outputs, items: number): Accuracy | null {
    const { decision, known, options } = this;
    const { labels } = known;
    const { confidence = 0.95 } = options;
    return labels && measureAccuracy(labels, original, changed, decision, confidence, items);
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

/** Whether a cascade costs less than the original also when as many rows run it as on the guard. */
function pays({ value, fallback }: Candidate<Graph>, { fallen, rows }: Judged, { graph, options }: Judge): boolean {
  if (!fallback || !fallen) return true;
  const whole = options.cost(graph);
  return options.cost(value) + (fallen.rows / rows) * whole < whole;
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
  const { stored } = judge.options;
  if (!isInformative(itself.classes)) {
    if (stored) throw notStored(stored.as, 'a guard that proves nothing: the original gives fewer than two decisions');
    const last = proposer.exactStages().at(-1);
    const comparison = last ? await judge.compare(last.value, last) : itself;
    const { value, fallback = null } = last && pays(last, comparison, judge) ? last : { value: judge.graph };
    const judged = value === judge.graph ? itself : comparison;
    return { graph: value, stages: [], comparison: judged, isProof: false, isExact: true, fallback };
  }
  const comparisons = new Map<Candidate<Graph>, Judged>();
  const count = async (candidate: Candidate<Graph>) => {
    const comparison = await judge.compare(candidate.value, candidate);
    comparisons.set(candidate, comparison);
    if (!candidate.isControl || !calibration) return comparison;
    const { n, seen } = await calibration.compare(candidate.value, candidate);
    return { n: comparison.n + n, seen: comparison.seen + seen };
  };
  const proposed = stored ? withStored(proposer, stored.as) : proposer.stages();
  const { stages, passed } = await testInSequence(proposed, count, promise);
  const kept = passed.findLast((candidate) => pays(candidate, comparisons.get(candidate)!, judge));
  if (stored && !kept) {
    const { seen, n } = stages[stages.length - 1];
    throw notStored(stored.as, `${seen} of ${n} guard items differ`);
  }
  const comparison = kept ? comparisons.get(kept)! : itself;
  const { value = judge.graph, isExact = kept === undefined, fallback = null } = kept ?? {};
  return { graph: value, stages, comparison, isProof: true, isExact, fallback };
}

/** The error of weights that round beside the demand that nothing changes. */
function notExact(format: WeightFormat): KerfError {
  const problem = `they round, and --exact lets nothing change: got ${format}, expected f32. Leave one of the two out.`;
  return new KerfError('OPTION_INVALID', '--weights', problem);
}

/** The error of weights that were demanded and do not hold. */
function notStored(format: WeightFormat, got: string): KerfError {
  return new KerfError(
    'GUARD_FAILED',
    '--weights',
    `${format} weights cannot be held: got ${got}. Use --weights ${format === 'int8' ? 'f16 or f32' : 'f32'}, or allow a larger --max-disagreement.`,
  );
}

/** The proposed stages behind one that removes nothing but exact zeros: the original with the weights that it is stored as. */
async function* withStored(proposer: Proposer, format: WeightFormat): AsyncGenerator<Candidate<Graph>> {
  // A graph of its own: the original itself is never stored otherwise.
  yield { name: `${format} weights`, macs: proposer.options.cost(proposer.trimmed), value: { ...proposer.trimmed } };
  // What is exact before it is rounded is judged by the promise, as everything that rounds.
  for await (const candidate of proposer.stages()) {
    if (candidate.value !== proposer.trimmed) yield { ...candidate, isExact: false };
  }
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
 *   be, for tuning without data, or for weights that round where nothing may change; GUARD_FAILED when a demanded cascade
 *   or demanded weights do not hold; ABORTED
 */
export async function anneal(graph: Graph, evidence: Evidence, options: AnnealOptions): Promise<Annealing> {
  const { maxDisagreement = 0.005, confidence = 0.95, exact = false } = options;
  const promise = { maxDisagreement: exact ? 0 : maxDisagreement, confidence };
  if (exact && options.stored) throw notExact(options.stored.as);
  const decision = parseDecision(options.decision ?? 'auto', graph);
  const data = await prepareData(graph, decision, promise, options);
  const { calibration, guard, groups } = data;
  const hasData = calibration !== null && guard !== null;
  if (options.tune) requireTunable(options.tune, hasData);
  const n = groups ? countGroups(groups) : guard ? rowCount(guard) : 1;
  const limits = { most: promise.maxDisagreement, aim: Math.max(0, mostDisagreements(n, promise)) / n };
  const seen = hasData && options.cascade && options.cascade !== 'off' ? supportOf(graph, calibration) : null;
  const cascades = chooserOf(graph, decision, promise, hasData, options, seen);
  const proposer = new Proposer(graph, evidence, calibration, decision, limits, options, cascades, seen);
  const judgeOf = (rows: Feeds, known?: Data) => new Judge(graph, rows, decision, options, calibration, known);
  const verdict: Verdict = guard
    ? await judgeStages(proposer, judgeOf(guard, data), calibration && judgeOf(calibration), promise)
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
    weights: options.stored?.as ?? 'f32',
    change: options.stored ? 'fitted' : verdict.graph === graph ? 'none' : isExact ? 'exact' : 'fitted',
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
