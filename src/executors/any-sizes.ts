/**
 * Runs one plan for all sizes, and where the sizes of a run are not those that it was made for (a name of the model may
 * stand for two sizes, a table may be too short for what is taken of it), plans for the inputs of that run.
 */

import type { Executor, Feeds, Outputs, RunOptions, SessionStats } from '../runtime/executor.js';
import { FeedShapes } from '../runtime/feeds.js';
import type { Plan } from '../runtime/plan.js';
import { takesSizes } from '../runtime/takes-sizes.js';

/**
 * @param executor  runs the plan
 * @param createOther  called once, when sizes do not fit the plan
 */
export function createAnySizesExecutor(plan: Plan, executor: Executor, createOther: () => Executor): Executor {
  return new AnySizesExecutor(plan, executor, createOther);
}

class AnySizesExecutor implements Executor {
  readonly #plan: Plan;
  readonly #executor: Executor;
  readonly #createOther: () => Executor;
  readonly #fitting: FeedShapes;
  readonly #unfit: FeedShapes;
  #other: Executor | null = null;

  constructor(plan: Plan, executor: Executor, createOther: () => Executor) {
    this.#plan = plan;
    this.#executor = executor;
    this.#createOther = createOther;
    this.#fitting = new FeedShapes(plan.inputs);
    this.#unfit = new FeedShapes(plan.inputs);
  }

  async run(feeds: Feeds, options: RunOptions): Promise<Outputs> {
    return this.#executorOf(feeds).run(feeds, options);
  }

  runSync(feeds: Feeds, options: RunOptions): Outputs {
    return this.#executorOf(feeds).runSync(feeds, options);
  }

  async warm(): Promise<void> {
    await this.#executor.warm();
  }

  stats(): SessionStats {
    const [first, second] = [this.#executor.stats(), this.#other?.stats()];
    if (!second) return first;
    return { ...first, runs: first.runs + second.runs, threads: [...first.threads, ...second.threads] };
  }

  async release(): Promise<void> {
    await Promise.all([this.#executor.release(), this.#other?.release()]);
  }

  #executorOf(feeds: Feeds): Executor {
    if (this.#fits(feeds)) return this.#executor;
    this.#other ??= this.#createOther();
    return this.#other;
  }

  /** Whether the plan has inputs of these shapes and steps for their sizes. */
  #fits(feeds: Feeds): boolean {
    if (this.#fitting.has(feeds)) return true;
    if (this.#unfit.has(feeds)) return false;
    const isFitting = takesSizes(this.#plan, feeds);
    (isFitting ? this.#fitting : this.#unfit).remember(feeds);
    return isFitting;
  }
}
