import { bindPlan } from '../runtime/bind-plan.js';
import type { Executor, Feeds, Outputs, RunOptions, SessionStats } from '../runtime/executor.js';
import { bindingsOf } from '../runtime/feeds.js';
import type { Plan } from '../runtime/plan.js';
import { createWasmExecutor, type WasmExecutorOptions } from '../runtime/wasm-executor.js';
import { createPoolExecutor, type PoolExecutorOptions, payingWork } from './pool.js';

/**
 * An executor that stays on the calling thread until a run is large enough to pay for threads; from then on large runs
 * go to the pool, and small ones stay.
 */
export function createAutoExecutor(
  plan: Plan,
  threads: number,
  options: WasmExecutorOptions,
  pool: PoolExecutorOptions = {},
): Executor {
  return new AutoExecutor(plan, threads, options, pool);
}

class AutoExecutor implements Executor {
  #current: Executor;
  #isPool = false;
  #before: SessionStats | null = null;
  readonly #works = new Map<string, number>();

  constructor(
    readonly plan: Plan,
    readonly threads: number,
    options: WasmExecutorOptions,
    readonly pool: PoolExecutorOptions,
  ) {
    this.#current = createWasmExecutor(plan, options);
  }

  run(feeds: Feeds, options: RunOptions): Promise<Outputs> {
    return this.#choose(feeds).run(feeds, options);
  }

  runSync(feeds: Feeds, options: RunOptions): Outputs {
    return this.#choose(feeds).runSync(feeds, options);
  }

  warm(): Promise<void> {
    return this.#current.warm();
  }

  stats(): SessionStats {
    const stats = this.#current.stats();
    if (!this.#before) return stats;
    return { ...stats, runs: stats.runs + this.#before.runs };
  }

  release(): Promise<void> {
    return this.#current.release();
  }

  /** Switches to the pool at the first run that pays; the weights then lie in shared memory instead. */
  #choose(feeds: Feeds): Executor {
    if (this.#isPool || this.#workOf(feeds) < payingWork) return this.#current;
    this.#before = this.#current.stats();
    this.#isPool = true;
    this.#current = createPoolExecutor(this.plan, { ...this.pool, threads: this.threads, pooling: 'auto' });
    return this.#current;
  }

  /** Multiply-adds of a run on these feeds. */
  #workOf(feeds: Feeds): number {
    const bindings = bindingsOf(this.plan.inputs, feeds);
    const key = [...bindings.values()].join();
    let work = this.#works.get(key);
    if (work === undefined) {
      work = bindPlan(this.plan, bindings).work;
      if (this.#works.size >= 8) this.#works.clear();
      this.#works.set(key, work);
    }
    return work;
  }
}
