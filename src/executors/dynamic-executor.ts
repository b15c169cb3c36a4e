/** Runs networks whose plan depends on the inputs of each run: a bounded number of executors, one a plan. */
import type { Executor, Feeds, Outputs, RunOptions, SessionStats } from '../runtime/executor.js';
import { timeLeft } from '../runtime/run-guard.js';

/** Plans that are kept ready; the one used longest ago is released first. */
const capacity = 8;

/** What runs these feeds and those that share the key. */
export interface Prepared {
  readonly key: string;
  /** What the executor is fed. */
  readonly feeds: Feeds;
  /** Called unless an executor is kept under the key. */
  create(): Executor;
}

/** Finds the plan for the feeds of one run; `isKept` tells for which keys none is needed. */
export type Prepare = (feeds: Feeds, isKept: (key: string) => boolean) => Prepared;

export function createDynamicExecutor(prepare: Prepare): Executor {
  return new DynamicExecutor(prepare);
}

/** The options of a run behind the making of its plan, which takes of its time. */
function leftOf(options: RunOptions, startMs: number): RunOptions {
  const { timeoutMs } = options;
  return timeoutMs === undefined ? options : { ...options, timeoutMs: timeLeft(timeoutMs, startMs) };
}

class DynamicExecutor implements Executor {
  /** By key, the one used longest ago first. */
  readonly #executors = new Map<string, Executor>();
  readonly #prepare: Prepare;
  #runs = 0;
  #busyMs = 0;

  constructor(prepare: Prepare) {
    this.#prepare = prepare;
  }

  async run(feeds: Feeds, options: RunOptions): Promise<Outputs> {
    const start = performance.now();
    const { executor, rest } = this.#find(feeds);
    const outputs = await executor.run(rest, leftOf(options, start));
    this.#runs++;
    return outputs;
  }

  runSync(feeds: Feeds, options: RunOptions): Outputs {
    const start = performance.now();
    const { executor, rest } = this.#find(feeds);
    const outputs = executor.runSync(rest, leftOf(options, start));
    this.#runs++;
    return outputs;
  }

  async warm(): Promise<void> {}

  stats(): SessionStats {
    const all = [...this.#executors.values()].map((executor) => executor.stats());
    const busyMs = all.flatMap(({ threads }) => threads).reduce((sum, thread) => sum + thread.busyMs, this.#busyMs);
    const threads = [{ threadId: 0, parts: this.#runs ? [0] : [], busyMs }];
    return { runs: this.#runs, fallbackRate: 0, provider: 'wasm', threads };
  }

  async release(): Promise<void> {
    const all = [...this.#executors.values()];
    this.#executors.clear();
    await Promise.all(all.map((executor) => executor.release()));
  }

  #find(feeds: Feeds): { executor: Executor; rest: Feeds } {
    const { key, feeds: rest, create } = this.#prepare(feeds, (kept) => this.#executors.has(kept));
    const executor = this.#executors.get(key) ?? create();
    this.#executors.delete(key);
    this.#executors.set(key, executor);
    if (this.#executors.size > capacity) this.#evict();
    return { executor, rest };
  }

  #evict(): void {
    const [key, oldest] = this.#executors.entries().next().value!;
    this.#executors.delete(key);
    this.#busyMs += oldest.stats().threads.reduce((sum, thread) => sum + thread.busyMs, 0);
    // Nothing runs on it: a session runs one call at a time.
    oldest.release().catch(() => undefined);
  }
}
