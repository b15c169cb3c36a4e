/** What may be said of the kept function, as data and as one plain sentence. */
import type { Accuracy } from './accuracy.js';
import type { Certificate, CertificateLevel, Stage } from './annealing.js';
import { formatConfidence, type GuardPromise, upperBound } from './bounds.js';
import type { Fallen } from './cascade.js';
import type { Comparison } from './comparison.js';
import { type Decision, formatDecision } from './decision.js';
import { itemsPerClass } from './guard.js';
import type { WeightFormat } from './small-weights.js';
import type { SeenSupport } from './support.js';

export interface CertificateInput {
  readonly decision: Decision;
  readonly promise: GuardPromise;
  readonly stages: readonly Stage[];
  /** Original against result on the guard; null without a guard. */
  readonly comparison: Comparison | null;
  readonly guardHash: string | null;
  /** What was done: nothing, exact trims alone, or more. */
  readonly change: 'none' | 'exact' | 'fitted';
  /** Guard rows that ran the original in a cascade; null without one. */
  readonly fallen: Fallen | null;
  /** The support outside of which rows run the original; null where every input is inside. */
  readonly seen: SeenSupport | null;
  /** Mean divergence of the probabilities on the guard; null where there are none. */
  readonly kl: number | null;
  /** Null without labels. */
  readonly accuracy: Accuracy | null;
  readonly weights: WeightFormat;
  /** Whether the guard could prove anything. */
  readonly isInformative: boolean;
}

const percent = (share: number): string => `${Number((100 * share).toPrecision(3))} %`;

const count = (n: number): string => n.toLocaleString('en-US');

function levelOf({ change, comparison, fallen }: CertificateInput): CertificateLevel {
  if (change !== 'fitted') return 'A';
  if (fallen !== null) return 'D';
  return comparison ? 'C' : 'none';
}

function statementOf(input: CertificateInput, bound: number | null): string {
  const { change, comparison, promise, decision, isInformative } = input;
  if (!isInformative) {
    return (
      `The guard proves nothing: the original gives fewer than two decisions on at least ${itemsPerClass} items each, ` +
      `so nothing was removed on its word. ${change === 'none' ? 'The network is the original.' : exactSentence(input)}`
    );
  }
  if (change === 'none')
    return 'No weight other than zero was removed: the network computes what the original computes, bit for bit.';
  if (change === 'exact') return exactSentence(input);
  if (!comparison || bound === null) {
    return 'Nothing is proved: there were no guard data, and the choices rest on the weights alone.';
  }
  return (
    `With ${formatConfidence(promise.confidence)} confidence the decision (${formatDecision(decision)}) differs from the ` +
    `original's on at most ${percent(bound)} of inputs like the guard's: ${count(comparison.seen)} of ` +
    `${itemsOf(comparison)} differed.${fallbackSentence(input, comparison)}${storedSentence(input)}`
  );
}

/** Items in words: clusters are said to be clusters. */
function itemsOf({ n, rows, areRepeats }: Comparison): string {
  if (n === rows) return count(n);
  return areRepeats
    ? `${count(n)} different items (${count(rows)} with those that equal another)`
    : `${count(n)} clusters (of ${count(rows)} items)`;
}

/** What inputs outside the support do. */
const lights = ({ columns, unlit }: SeenSupport): string =>
  `light one of the ${count(unlit)} of ${count(columns)} input columns that no calibration row lights`;

function fallbackSentence({ fallen, seen }: CertificateInput, { rows }: Comparison): string {
  if (fallen === null) return '';
  const outside = seen ? `, or that ${lights(seen)},` : '';
  const those = seen ? `, ${percent(fallen.outside / rows)} for such a column` : '';
  return ` Inputs of which the annealed network is not sure${outside} run the original: ${percent(fallen.rows / rows)} of the guard's${those}.`;
}

const storedSentence = ({ weights }: CertificateInput): string =>
  weights === 'f32' ? '' : ` That is with the weights of its linear layers stored as ${weights}.`;

function exactSentence({ fallen, seen, comparison }: CertificateInput): string {
  if (!fallen || !seen || !comparison)
    return 'Only weights that are exactly zero were removed: where nothing overflows, the outputs are the original ones, bit for bit.';
  return (
    `Inputs that ${lights(seen)} run the original: ${percent(fallen.rows / comparison.rows)} of the guard's. ` +
    'On all others only terms that are exactly zero were removed: where nothing overflows, the outputs are the original ones, bit for bit.'
  );
}

/** Makes the certificate of a finished annealing. */
export function certify(input: CertificateInput): Certificate {
  const { comparison, promise } = input;
  const bound = comparison && upperBound(comparison.seen, comparison.n, promise.confidence);
  return {
    level: levelOf(input),
    decision: formatDecision(input.decision),
    confidence: promise.confidence,
    maxDisagreement: promise.maxDisagreement,
    bound,
    n: comparison?.n ?? 0,
    seen: comparison?.seen ?? 0,
    agreement: comparison ? 1 - comparison.seen / comparison.n : null,
    rel: comparison?.rel ?? null,
    maxAbs: comparison?.maxAbs ?? null,
    kl: input.kl,
    accuracy: input.accuracy,
    rows: comparison?.rows ?? 0,
    repeats: comparison?.areRepeats ? comparison.rows - comparison.n : 0,
    weights: input.weights,
    fallbackRate: comparison && input.fallen ? input.fallen.rows / comparison.rows : 0,
    support: input.seen && {
      columns: input.seen.columns,
      unlit: input.seen.unlit,
      outside: input.fallen?.outside ?? 0,
    },
    stages: input.stages,
    guardHash: input.guardHash,
    earlierUses: 0,
    classes: (comparison?.classes ?? []).map((entry) => ({ ...entry, proven: entry.n >= itemsPerClass })),
    statement: statementOf(input, bound),
  };
}
