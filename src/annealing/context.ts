/** What annealing is given, and what it passes around. */
import type { Graph } from '../graph/graph.js';
import { KerfError } from '../runtime/errors.js';
import type { Feeds, Outputs } from '../runtime/executor.js';
import type { Tensor } from '../runtime/tensor.js';
import type { Labels } from './accuracy.js';
import type { Groups } from './comparison.js';
import type { Samples } from './matrix.js';
import { type Prices, workPrices } from './prices.js';
import type { WeightFormat } from './small-weights.js';

/**
 * Runs a graph on rows.
 * @param values  names of the values to return; the graph's outputs by default
 */
export type Evaluate = (graph: Graph, rows: Feeds, values?: readonly string[]) => Promise<Outputs>;

/** A graph that is planned once and run often; every run may have another number of samples. */
export interface Compiled {
  run(feeds: Feeds): Promise<Outputs>;
  release(): Promise<void>;
}

/** Where a long computation stands. */
export interface Progress {
  readonly stage: string;
  readonly done?: number;
  readonly total?: number;
}

export interface AnnealOptions {
  /** Unlabelled inputs that the fits may see; null without data. */
  readonly calibration: Feeds | null;
  /** Unseen inputs that decide; null when nothing shall be proved. With calibration alone, a part of it is set aside. */
  readonly guard?: Feeds | null;
  readonly evaluate: Evaluate;
  /** Plans a graph; what tuning runs its steps with. */
  readonly compile?: (graph: Graph) => Compiled;
  /** Multiply-adds per sample of a graph. */
  readonly cost: (graph: Graph) => number;
  /** What structures are compared by; multiply-adds by default. */
  readonly prices?: Prices;
  /**
   * The cluster of each guard item (of each calibration row when the guard is set aside from them): items of one file, clip
   * or person are not independent, so clusters are counted, and one differs if any of its items does.
   */
  readonly groups?: Groups | null;
  /** The truth of each guard item (of each calibration row when the guard is set aside from them); reported alone. */
  readonly labels?: Labels | null;
  /** Default 0.005. */
  readonly maxDisagreement?: number;
  /** Whether only what gives the original's bits may be done; `maxDisagreement` is then 0. Default false. */
  readonly exact?: boolean;
  /** One-sided; default 0.95. */
  readonly confidence?: number;
  /** `auto`, `argmax`, `threshold:T` or `error:R`; default `auto`. */
  readonly decision?: string;
  /**
   * `auto` (default) proposes blocks beside ranks where calibration rows show domains; a number proposes that many blocks
   * alone, with a bus where they need one; `kept` proposes neither, so that the parts that are there stay apart.
   */
  readonly parts?: 'auto' | 'kept' | number;
  /** Width of the bus between demanded parts; `auto` (default): of several. */
  readonly bus?: 'auto' | number;
  /**
   * Whether rows of which the annealed network is not sure, or that light what calibration never lit, may run the original: `auto`, where it is cheaper at the same
   * promise; `on`, demanded; `off` (default).
   */
  readonly cascade?: 'auto' | 'on' | 'off';
  /**
   * Steps of Adam that every fitted network is tuned by, against the original's scores; a tenth of the calibration rows is
   * then set aside, and says when to stop. Default 0: none.
   */
  readonly tune?: number;
  /**
   * Weights of fewer bytes: `as` names them, `of` gives the graph that a candidate is stored as, from the calibration rows
   * without the guard's. The guard judges that graph. They are demanded: the original with such weights is the first
   * stage, and its failure an error.
   */
  readonly stored?: {
    readonly as: WeightFormat;
    readonly of: (graph: Graph, calibration: Feeds | null) => Promise<Graph>;
  } | null;
  /** Default 0. */
  readonly seed?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** What structures are compared by under the options. */
export const pricesOf = ({ prices, cost }: Pick<AnnealOptions, 'prices' | 'cost'>): Prices =>
  prices ?? workPrices(cost);

/** @throws ABORTED once the signal is raised */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new KerfError('ABORTED', 'anneal', 'cancelled by the caller.', {}, { cause: signal.reason });
}

/**
 * A value over samples as rows along its last axis: [n, ..., c] becomes [n ..., c].
 * @param weights  one weight per sample, which all its rows get
 */
export function asSamples(tensor: Tensor, weights: Float64Array<ArrayBuffer> | null = null): Samples {
  const columns = tensor.dims.at(-1) ?? 1;
  const rows = tensor.size / columns;
  const samples = { rows, columns, data: tensor.data as Float32Array<ArrayBuffer> };
  if (!weights) return samples;
  const perSample = rows / weights.length;
  return { ...samples, weights: perSample === 1 ? weights : repeatEach(weights, perSample) };
}

function repeatEach(values: Float64Array, times: number): Float64Array<ArrayBuffer> {
  const repeated = new Float64Array(values.length * times);
  for (let i = 0; i < values.length; i++) repeated.fill(values[i], i * times, (i + 1) * times);
  return repeated;
}
