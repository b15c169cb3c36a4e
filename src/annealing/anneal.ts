/** Annealing: evidence proposes, calibration rows fit, the guard decides. */
import type { Evidence } from '../evidence/evidence.js';
import type { Graph } from '../graph/graph.js';
import { findLayers } from '../graph/layers.js';
import type { Feeds, Outputs } from '../runtime/executor.js';
import type { Annealing, Stage } from './annealing.js';
import type { GuardPromise } from './bounds.js';
import { certify } from './certificate.js';
import { type Comparison, compareOutputs } from './comparison.js';
import { type AnnealOptions, throwIfAborted } from './context.js';
import { prepareData } from './data.js';
import { type Decision, parseDecision } from './decision.js';
import { type Candidate, isInformative, testInSequence } from './guard.js';
import { layerChoices } from './layer-choices.js';
import { hashRows, rowCount } from './rows.js';
import { Proposer } from './stages.js';

/** Runs graphs on rows and compares them with the original, which runs once. */
class Judge {
  #original: Outputs | null = null;

  constructor(
    readonly graph: Graph,
    readonly rows: Feeds,
    readonly decision: Decision,
    readonly options: AnnealOptions,
  ) {}

  async compare(changed: Graph): Promise<Comparison> {
    throwIfAborted(this.options.signal);
    this.options.onProgress?.({ stage: 'guard' });
    this.#original ??= await this.options.evaluate(this.graph, this.rows);
    const outputs = changed === this.graph ? this.#original : await this.options.evaluate(changed, this.rows);
    return compareOutputs(rowCount(this.rows), this.#original, outputs, this.decision);
  }
}

interface Verdict {
  readonly graph: Graph;
  readonly stages: readonly Stage[];
  readonly comparison: Comparison | null;
  readonly isProof: boolean;
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
    return { graph: proposer.trimmed, stages: [], comparison: await judge.compare(proposer.trimmed), isProof: false };
  }
  const comparisons = new Map([[judge.graph, itself]]);
  const count = async ({ value, isControl }: Candidate<Graph>) => {
    const comparison = await judge.compare(value);
    comparisons.set(value, comparison);
    if (!isControl || !calibration) return comparison;
    const { n, seen } = await calibration.compare(value);
    return { n: comparison.n + n, seen: comparison.seen + seen };
  };
  const { stages, kept } = await testInSequence(proposer.stages(), count, promise);
  const graph = kept?.value ?? judge.graph;
  return { graph, stages, comparison: comparisons.get(graph) ?? null, isProof: true };
}

/**
 * Removes what evidence does not support, as far as the guard allows.
 *
 * Stages, gentle to aggressive: exact trims; unsupported branches become constants; units and ranks, refitted. Their
 * order and content come from evidence and calibration rows alone; the guard is looked at once, stage by stage, and the
 * first failure stops. Without a guard, only choices from the weights alone are made and the certificate says so.
 *
 * @param graph  canonical
 * @returns the annealed graph, with the inputs and outputs of `graph`
 * @throws GUARD_TOO_SMALL when the guard cannot prove the promise even without any disagreement; DATA_INVALID when guard
 *   and calibration share rows; OPTION_INVALID for an unknown decision or a promise out of range; ABORTED
 */
export async function anneal(graph: Graph, evidence: Evidence, options: AnnealOptions): Promise<Annealing> {
  const promise = { maxDisagreement: options.maxDisagreement ?? 0.005, confidence: options.confidence ?? 0.95 };
  const decision = parseDecision(options.decision ?? 'auto', graph);
  const { calibration, guard } = await prepareData(graph, decision, promise, options);
  const proposer = new Proposer(graph, evidence, calibration, decision, promise, options);
  const judgeOf = (rows: Feeds) => new Judge(graph, rows, decision, options);
  const verdict: Verdict = guard
    ? await judgeStages(proposer, judgeOf(guard), calibration && judgeOf(calibration), promise)
    : { graph: await proposer.withoutData(), stages: [], comparison: null, isProof: true };
  const { trimmed, branches } = proposer;
  const isExact = verdict.graph === trimmed;
  const certificate = certify({
    ...verdict,
    decision,
    promise,
    guardHash: guard && hashRows(guard),
    change: verdict.graph === graph ? 'none' : isExact ? 'exact' : 'fitted',
    isInformative: verdict.isProof,
  });
  return {
    graph: verdict.graph,
    layers: layerChoices(findLayers(graph), verdict.graph, trimmed, branches),
    certificate,
    withoutGradients: [...proposer.blocked].map(([layer, operator]) => ({ layer, operator })),
  };
}
