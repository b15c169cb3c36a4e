/** Compares a package with the model it was made from, on new data. */
import type { Certificate } from './annealing/annealing.js';
import { lowerBound } from './annealing/bounds.js';
import { compareOutputs, countGroups, type Groups } from './annealing/comparison.js';
import { parseDecision } from './annealing/decision.js';
import { requireRowByRow } from './annealing/independence.js';
import { readCertificate } from './annealing/read-certificate.js';
import { keysOfRepeats, requireInputs, rowCount } from './annealing/rows.js';
import { createEvaluate, runRows } from './evaluate-graph.js';
import type { Model } from './graph/graph.js';
import { KerfError } from './runtime/errors.js';
import type { Feeds, Outputs } from './runtime/executor.js';
import type { Session } from './runtime/session.js';
import { settleSizes } from './settle-sizes.js';

export interface VerifyOptions {
  /** The cluster of each sample: clusters are then counted, and one differs if any of its samples does. */
  readonly groups?: Groups | null;
}

/** Confidence at which a broken promise is called broken. */
const confidence = 0.95;

export interface Verification {
  /** Samples, those that equal each other once, or clusters of them where the certificate counts clusters. */
  readonly n: number;
  /** Those whose decision differs. */
  readonly seen: number;
  /** Samples. */
  readonly rows: number;
  /** Samples outside the package's support, which the original computed. */
  readonly outside: number;
  readonly maxAbs: number;
  /** ||package - model|| / ||model|| over all outputs. */
  readonly rel: number;
  /** 1 - seen / n. */
  readonly agreement: number;
  /**
   * False iff the one-sided lower 95 % bound of the disagreement exceeds the certificate's bound or, at level A, a
   * sample differs in any bit: inside the support the decomposed network's, outside the original's.
   */
  readonly passed: boolean;
}

/**
 * Runs a package and its model on the same data.
 * @param session  of the package
 * @param model  what the package was made from
 * @param data  arrays named like the model's inputs, first axis is the sample
 * @param groups  the cluster of each sample; needed where the certificate counts clusters
 * @throws INPUT_MISSING, INPUT_UNKNOWN, DATA_INVALID when data or clusters do not fit the model and the certificate;
 *   SHAPE_UNSUPPORTED where rows cannot be counted; OUTPUT_UNKNOWN, DTYPE_MISMATCH, SHAPE_MISMATCH when the outputs are not those of the model
 */
export async function verify(
  session: Session,
  model: Model,
  data: Feeds,
  { groups = null }: VerifyOptions = {},
): Promise<Verification> {
  const { graph } = settleSizes(model.graph, data);
  requireInputs(graph, data, 'data');
  const rows = rowCount(data);
  const evaluate = createEvaluate();
  await requireRowByRow(graph, data, evaluate);
  const original = await evaluate(graph, data);
  const before = countOutside(session);
  const changed = await runRows((feeds) => session.run(feeds), session.inputs, data, true);
  requireOutputs(original, changed);
  const certificate = readCertificate(session.certificate);
  requireClusters(groups, rows, certificate);
  const decision = parseDecision(certificate?.decision ?? 'auto', graph);
  const clusters = groups ?? keysOfRepeats(data);
  const areRepeats = !groups && clusters !== null;
  const { n, seen, maxAbs, rel, unequal } = compareOutputs(rows, original, changed, decision, clusters, areRepeats);
  const isBroken = certificate?.bound != null && lowerBound(seen, n, confidence) > certificate.bound;
  const isInexact = certificate?.level === 'A' && unequal > 0;
  const outside = countOutside(session) - before;
  return { n, seen, rows, outside, maxAbs, rel, agreement: 1 - seen / n, passed: !isBroken && !isInexact };
}

/** Rows outside the support that a session has met. */
function countOutside(session: Session): number {
  const { rows, support } = session.stats().fallback ?? { rows: 0, support: 0 };
  return Math.round(rows * support);
}

/** Refuses a package whose outputs cannot be those of the model. */
function requireOutputs(original: Outputs, changed: Outputs): void {
  const remedy = 'Give the model that the package was made from.';
  const [expected, got] = [original, changed].map((outputs) => Object.keys(outputs).sort().join(', '));
  if (got !== expected) {
    throw new KerfError('OUTPUT_UNKNOWN', 'package', `its outputs differ: got ${got}, expected ${expected}. ${remedy}`);
  }
  for (const [name, { type, dims }] of Object.entries(original)) {
    const other = changed[name];
    const where = `output "${name}"`;
    if (other.type !== type) {
      throw new KerfError('DTYPE_MISMATCH', where, `dtypes differ: got ${other.type}, expected ${type}. ${remedy}`);
    }
    if (other.dims.join() !== dims.join()) {
      const problem = `shapes differ: got [${other.dims}], expected [${dims}]. ${remedy}`;
      throw new KerfError('SHAPE_MISMATCH', where, problem);
    }
  }
}

/** A bound on clusters says nothing of single samples, of which fewer differ; nor one on samples of clusters. */
function requireClusters(groups: Groups | null, rows: number, certificate: Certificate | null): void {
  if (groups && groups.length !== rows) {
    const problem = `one cluster per sample is needed: got ${groups.length}, expected ${rows}. Give one name or number for each.`;
    throw new KerfError('DATA_INVALID', '--groups', problem, { got: groups.length, expected: rows });
  }
  if (!certificate || certificate.bound === null) return;
  const countsClusters = certificate.rows > certificate.n + certificate.repeats;
  if (groups ? countsClusters || countGroups(groups) === rows : !countsClusters) return;
  const problem = countsClusters
    ? `the certificate counts clusters: got samples without any, expected the cluster of each (of its guard: ${certificate.n} in ${certificate.rows} samples). Give --groups; independent samples are clusters of one.`
    : 'the certificate counts samples: got clusters of them, expected none. Leave --groups out, or decompose with --groups.';
  throw new KerfError('DATA_INVALID', '--groups', problem);
}
