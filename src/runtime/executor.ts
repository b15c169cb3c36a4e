import type { Tensor } from './tensor.js';

/** Tensors by value name. */
export type Feeds = Readonly<Record<string, Tensor>>;
export type Outputs = Record<string, Tensor>;

export interface RunOptions {
  /** Read between steps; the run then rejects with ABORTED and the session stays usable. */
  readonly signal?: AbortSignal;
  /** Names of the outputs wanted; all by default. */
  readonly outputs?: readonly string[];
  /** Limit on the run in milliseconds, at least 0, read between steps; TIMEOUT beyond it. */
  readonly timeoutMs?: number;
}

export interface ThreadStats {
  readonly threadId: number;
  /** Parts this thread has run. */
  readonly parts: readonly number[];
  readonly busyMs: number;
}

export interface SessionStats {
  readonly runs: number;
  /** Share of all rows that the original computed. */
  readonly fallbackRate: number;
  /**
   * Of a cascade, the same by reason: outside the support; inside, with a small margin (or when the original runs alone);
   * and how many rows there were.
   */
  readonly fallback?: { readonly rows: number; readonly support: number; readonly margin: number };
  /** Which executor computes: `wasm`, `pool`, or an onnxruntime provider. */
  readonly provider: string;
  readonly threads: readonly ThreadStats[];
}

/** What runs a plan. Feeds are checked by the session; outputs are fresh arrays that the caller owns. */
export interface Executor {
  run(feeds: Feeds, options: RunOptions): Promise<Outputs>;
  /** @throws SYNC_UNSUPPORTED where the executor cannot */
  runSync(feeds: Feeds, options: RunOptions): Outputs;
  /** Starts what is started lazily: threads, compilation. */
  warm(): Promise<void>;
  stats(): SessionStats;
  release(): Promise<void>;
}
