/** Compares a package with the model it was made from, on new data. */
import type { Certificate } from './annealing/annealing.js';
import { lowerBound } from './annealing/bounds.js';
import { compareOutputs } from './annealing/comparison.js';
import { parseDecision } from './annealing/decision.js';
import { requireInputs, rowCount } from './annealing/rows.js';
import { createEvaluate, runRows } from './evaluate-graph.js';
import { canonicalise } from './graph/canonicalise.js';
import type { Model } from './graph/graph.js';
import type { Feeds } from './runtime/executor.js';
import type { Session } from './runtime/session.js';

/** Confidence at which a broken promise is called broken. */
const confidence = 0.95;

export interface Verification {
  /** Samples. */
  readonly n: number;
  /** Samples whose decision differs. */
  readonly seen: number;
  readonly maxAbs: number;
  /** ||package - model|| / ||model|| over all outputs. */
  readonly rel: number;
  /** 1 - seen / n. */
  readonly agreement: number;
  /**
   * False iff the one-sided lower 95 % bound of the disagreement exceeds the certificate's bound or, at level A, a
   * sample differs in any bit.
   */
  readonly passed: boolean;
}

/**
 * Runs a package and its model on the same data.
 * @param session  of the package
 * @param model  what the package was made from
 * @param data  arrays named like the model's inputs, first axis is the sample
 * @throws INPUT_MISSING, INPUT_UNKNOWN, DATA_INVALID when the data do not fit the model
 */
export async function verify(session: Session, model: Model, data: Feeds): Promise<Verification> {
  const graph = canonicalise(model.graph);
  requireInputs(graph, data, 'data');
  const n = rowCount(data);
  const original = await createEvaluate()(graph, data);
  const changed = await runRows((feeds) => session.run(feeds), session.inputs, data);
  const certificate = session.certificate as Certificate | null;
  const decision = parseDecision(certificate?.decision ?? 'auto', graph);
  const { seen, maxAbs, rel, unequal } = compareOutputs(n, original, changed, decision);
  const isBroken = certificate?.bound != null && lowerBound(seen, n, confidence) > certificate.bound;
  const isInexact = certificate?.level === 'A' && unequal > 0;
  return { n, seen, maxAbs, rel, agreement: 1 - seen / n, passed: !isBroken && !isInexact };
}
