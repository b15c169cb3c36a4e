/** The options of `decompose`, and checks of those that a caller without types can get wrong and no stage checks on its own. */
import type { Progress } from './annealing/context.js';
import type { WeightFormat } from './annealing/small-weights.js';
import type { AnalyzeOptions } from './evidence/analyze-layers.js';
import type { CostTable } from './plan/cost-model.js';
import type { EarlierPackage } from './provenance.js';
import { KerfError } from './runtime/errors.js';
import type { Feeds } from './runtime/executor.js';

export interface DecomposeOptions {
  /** Initialisation law by name, `auto`, or the initial weights. */
  readonly init?: AnalyzeOptions['init'];
  /** False discovery rate of the tests; default 0.05. */
  readonly fdr?: number;
  /** Unlabelled inputs for the fits. */
  readonly calibration?: Feeds | null;
  /** Unseen inputs that decide; a part of the calibration rows by default. */
  readonly guard?: Feeds | null;
  /**
   * The cluster of each guard item, where items of one are not independent; of each calibration row when no guard is given.
   * Clusters are then counted instead of items: one differs if any of its items does.
   */
  readonly groups?: ArrayLike<string | number | bigint> | null;
  /**
   * The truth of each guard item's decision, of each calibration row when no guard is given: the certificate then tells
   * right answers before and after. Nothing is chosen by it.
   */
  readonly labels?: ArrayLike<number | bigint> | null;
  readonly maxDisagreement?: number;
  /** Whether only what gives the original's bits may be done: level A. Default false. */
  readonly exact?: boolean;
  readonly confidence?: number;
  readonly decision?: string;
  /** `auto` takes what is there, and what domains of the inputs suggest; a number demands that many parts side by side. */
  readonly parts?: 'auto' | number;
  /** Numbers that demanded parts may exchange in each layer; `auto` (default): as few as hold. */
  readonly bus?: 'auto' | number;
  /**
   * Whether the package carries the original for inputs of which the decomposed network is not sure: `auto` (default),
   * where that lowers the work at the same promise; `on`, demanded; `off`.
   */
  readonly cascade?: 'auto' | 'on' | 'off';
  /**
   * Steps of Adam by which every fitted network is tuned against the original's scores, on unlabelled calibration rows of
   * which a tenth is set aside to say when to stop. Default 0: none.
   */
  readonly tune?: number;
  /**
   * How linear layers are stored: `f32` (default); `f16`, half the bytes; `int8`, a quarter, and faster. Demanded: the guard
   * judges the network as it is stored.
   */
  readonly weights?: WeightFormat;
  readonly seed?: number;
  /**
   * What structures cost: `work` (default), multiply-adds; `time`, by the table that ships with kerf; or by another table.
   * The summary tells multiply-adds in any case.
   */
  readonly costs?: CostTable | 'time' | 'work';
  /** Rows of the calls whose time is estimated from the table; default 64. */
  readonly batch?: number;
  /** A package made before: that its guard is used again is then counted in the certificate. */
  readonly earlier?: EarlierPackage | null;
  readonly signal?: AbortSignal;
  /** Whether the evidence holds what a report draws. Default false. */
  readonly pictures?: boolean;
  readonly onProgress?: (progress: Progress) => void;
}

interface Rule {
  readonly holds: (value: unknown) => boolean;
  readonly expected: string;
}

const oneOf = (...values: readonly unknown[]): Rule => ({
  holds: (value) => values.includes(value),
  expected: values.join(', '),
});

const wholeNumber = (least: number, most = Number.MAX_SAFE_INTEGER): Rule => ({
  holds: (value) => Number.isSafeInteger(value) && least <= (value as number) && (value as number) <= most,
  expected: most === Number.MAX_SAFE_INTEGER ? `a whole number >= ${least}` : `a whole number from ${least} to ${most}`,
});

const either = (one: Rule, other: Rule): Rule => ({
  holds: (value) => one.holds(value) || other.holds(value),
  expected: `${one.expected} or ${other.expected}`,
});

const initialWeights: Rule = {
  holds: (value) => typeof value === 'string' || value instanceof Map,
  expected: 'the name of a law, auto, or a Map of initial weights',
};

const costTable: Rule = {
  holds: (value) => Array.isArray((value as { tiles?: unknown } | null)?.tiles),
  expected: 'a table of costs',
};

const rules: Readonly<Partial<Record<keyof DecomposeOptions, Rule>>> = {
  init: initialWeights,
  exact: oneOf(true, false),
  parts: either(oneOf('auto'), wholeNumber(1)),
  bus: either(oneOf('auto'), wholeNumber(0)),
  cascade: oneOf('auto', 'on', 'off'),
  weights: oneOf('f32', 'f16', 'int8'),
  seed: wholeNumber(0, 2 ** 32 - 1),
  costs: either(oneOf('work', 'time'), costTable),
  batch: wholeNumber(1, 65_536),
};

/** @throws OPTION_INVALID naming the first option whose value is none of its own */
export function checkDecomposeOptions(options: DecomposeOptions): void {
  for (const [name, { holds, expected }] of Object.entries(rules)) {
    const value = options[name as keyof DecomposeOptions];
    if (value === undefined || holds(value)) continue;
    const problem = `invalid value: got ${String(value)}, expected ${expected}. Leave it out for the default.`;
    throw new KerfError('OPTION_INVALID', `option "${name}"`, problem, { got: value });
  }
}
