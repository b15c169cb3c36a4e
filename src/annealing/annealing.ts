/** What is removed and what stands for it: one choice per layer, the stages that were tried, and what was proved. */
import type { Graph } from '../graph/graph.js';
import type { CascadeRule } from '../runtime/cascade.js';
import type { Accuracy } from './accuracy.js';
import type { WeightFormat } from './small-weights.js';

export type ChoiceName = 'dense' | 'trim' | 'units' | 'rank' | 'blocks' | 'constant' | 'removed';

/** What annealing does to one layer. */
export interface LayerChoice {
  /** Weight tensor's name in the file. */
  readonly name: string;
  readonly layer: string;
  readonly choice: ChoiceName;
  /** Independent blocks; 1 when the layer stays whole. */
  readonly k: number;
  /** Inner rank; the width of the bus between blocks; null for other choices. */
  readonly rank: number | null;
  /** Parameters, biases included. */
  readonly before: number;
  readonly after: number;
}

/** One stage of the fixed sequence, gentle to aggressive. */
export interface Stage {
  readonly name: string;
  readonly macs: number;
  readonly n: number;
  readonly seen: number;
  /** One-sided Clopper-Pearson upper bound at the stated confidence. */
  readonly bound: number;
  readonly passed: boolean;
}

export type CertificateLevel = 'A' | 'B' | 'C' | 'D' | 'none';

/** What may be said of the kept function; stored in the package. */
export interface Certificate {
  readonly level: CertificateLevel;
  /** What counts as one disagreement. */
  readonly decision: string;
  readonly confidence: number;
  readonly maxDisagreement: number;
  /** Upper bound reached on the disagreement; null without a guard. */
  readonly bound: number | null;
  /** Independent guard items: rows, those that equal each other once, or clusters of them where groups were given. */
  readonly n: number;
  /** Guard rows. */
  readonly rows: number;
  /** Guard rows that equal another and were not counted again; 0 where groups were given. */
  readonly repeats: number;
  /** Disagreements seen among them. */
  readonly seen: number;
  /** 1 - seen / n; null without a guard. */
  readonly agreement: number | null;
  /** ||outputs' - outputs|| / ||outputs|| over the guard; null without a guard. */
  readonly rel: number | null;
  /** Largest change of any output element over the guard; null without a guard. */
  readonly maxAbs: number | null;
  /**
   * Mean divergence KL(p || q) in nats of the result's probabilities q (softmax of the outputs) from the original's over the
   * guard; null where an argmax does not decide, or without a guard.
   */
  readonly kl: number | null;
  /** Right answers on the guard before and after; null without labels. */
  readonly accuracy: Accuracy | null;
  /** How the linear layers are stored; what the guard judged. */
  readonly weights: WeightFormat;
  /** Share of the guard rows that ran the original. */
  readonly fallbackRate: number;
  /**
   * The inputs on which the annealed network answers: those that light none of the `unlit` of all `columns` that no
   * calibration row lights; `outside` guard rows did. The package lists the columns. Null where every input is inside.
   */
  readonly support: { readonly columns: number; readonly unlit: number; readonly outside: number } | null;
  readonly stages: readonly Stage[];
  /** Hex SHA-256 of the guard arrays; null without a guard. */
  readonly guardHash: string | null;
  /** How often this guard is known to have been used before, for other choices. */
  readonly earlierUses: number;
  /** Disagreement by the original's decision; `proven` is false for a class with fewer than 3 items. */
  readonly classes: readonly {
    readonly decision: string;
    readonly n: number;
    readonly seen: number;
    readonly proven: boolean;
  }[];
  /** The same in one plain sentence. */
  readonly statement: string;
}

export interface Annealing {
  /** The annealed graph: same inputs and outputs as the model's. */
  readonly graph: Graph;
  readonly layers: readonly LayerChoice[];
  readonly certificate: Certificate;
  /** Layers fitted without gradients of the outputs: the operator behind each that has no reverse rule. */
  readonly withoutGradients: readonly { readonly layer: string; readonly operator: string }[];
  /** When the original runs instead of the annealed graph; null for never. */
  readonly cascade: CascadeRule | null;
}
