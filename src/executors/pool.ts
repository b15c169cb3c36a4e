/** Runs a plan on worker threads that share one memory. */

import { threadId } from 'node:worker_threads';
import { base64 } from '#wasm/plain-shared';
import type { KerfError } from '../runtime/errors.js';
import type { Executor, Feeds, Outputs, RunOptions, SessionStats } from '../runtime/executor.js';
import { bindingsOf } from '../runtime/feeds.js';
import { InThread } from '../runtime/in-thread.js';
import { compileKernels } from '../runtime/kernels.js';
import { dataInvalid, kernelTrap, Machine } from '../runtime/machine.js';
import type { Plan } from '../runtime/plan.js';
import { refuseReferences } from '../runtime/reference.js';
import { RunGuard } from '../runtime/run-guard.js';
import type { Schedule } from '../runtime/schedule.js';
import { defaultMemoryBytes } from '../runtime/wasm-executor.js';
import { allowedCores } from '../threads/allowed-cores.js';
import { taskWord, taskWords, writeTable } from '../threads/control.js';
import { ThreadHost } from '../threads/host.js';

/** Multiply-adds below which waking threads costs more than it saves: about 100 us. */
export const payingWork = 1_500_000;

/** Multiply-adds of a step above which rows are cut, so that a signal is read soon. */
const stepWork = 64_000_000;

export interface PoolExecutorOptions {
  /** Worker threads, at least 1; default all allowed cores. `runSync` uses one fewer, and the calling thread. */
  readonly threads?: number;
  /** Runs of less work stay on the calling thread; default 0. */
  readonly minimumWork?: number;
  /** Limit on the shared WASM memory; default 2 GiB. */
  readonly memoryBytes?: number;
}

let sharedModule: WebAssembly.Module | undefined;

/**
 * An executor on worker threads; they start at the first run, or by `warm`.
 * @throws REFERENCE_STEP when the plan has steps without a kernel, which no thread may run; MEMORY_LIMIT
 */
export function createPoolExecutor(plan: Plan, options: PoolExecutorOptions = {}): Executor {
  return new PoolExecutor(plan, options);
}

class PoolExecutor implements Executor {
  readonly #machine: Machine;
  readonly #host: ThreadHost;
  readonly #inThread: InThread;
  readonly #minimumWork: number;
  readonly #threads = new Map<number, { parts: Set<number>; busyMs: number }>();
  #runs = 0;

  constructor(plan: Plan, options: PoolExecutorOptions) {
    refuseReferences(plan.steps);
    sharedModule ??= compileKernels(base64);
    this.#machine = new Machine(plan, {
      module: sharedModule,
      isShared: true,
      limitBytes: options.memoryBytes ?? defaultMemoryBytes,
      onLoad: (schedule) => writeTable(this.#machine.memory, schedule),
    });
    this.#host = new ThreadHost(this.#machine, options.threads ?? allowedCores());
    this.#inThread = new InThread(this.#machine);
    this.#minimumWork = options.minimumWork ?? 0;
  }

  async run(feeds: Feeds, options: RunOptions): Promise<Outputs> {
    const guard = new RunGuard(options);
    guard.check();
    const schedule = this.#start(feeds);
    if (!schedule) return this.#inThread.run(feeds, options);
    const stop = () => this.#host.stop();
    options.signal?.addEventListener('abort', stop, { once: true });
    try {
      await this.#host.run(schedule, () => guard.isOver);
    } finally {
      options.signal?.removeEventListener('abort', stop);
    }
    return this.#end(schedule, guard, options);
  }

  runSync(feeds: Feeds, options: RunOptions): Outputs {
    const guard = new RunGuard(options);
    guard.check();
    const schedule = this.#start(feeds);
    if (!schedule) return this.#inThread.runSync(feeds, options);
    this.#host.runSync(schedule, () => guard.isOver);
    return this.#end(schedule, guard, options);
  }

  async warm(): Promise<void> {
    await this.#host.warm();
  }

  stats(): SessionStats {
    const threads = new Map(this.#threads);
    const { runs, busyMs } = this.#inThread;
    if (runs > 0) {
      const parts = new Set([...(threads.get(threadId)?.parts ?? []), ...this.#machine.plan.parts.map(({ id }) => id)]);
      threads.set(threadId, { parts, busyMs: busyMs + (threads.get(threadId)?.busyMs ?? 0) });
    }
    return {
      runs: this.#runs + runs,
      fallbackRate: 0,
      provider: 'pool',
      threads: [...threads].map(([id, thread]) => ({
        threadId: id,
        parts: [...thread.parts].sort((a, b) => a - b),
        busyMs: thread.busyMs,
      })),
    };
  }

  async release(): Promise<void> {
    await this.#host.close();
  }

  /** The loaded schedule with the feeds copied in; null where the run does not pay for threads. */
  #start(feeds: Feeds): Schedule | null {
    const bindings = bindingsOf(this.#machine.plan.inputs, feeds);
    const schedule = this.#machine.schedule(bindings, { threads: this.#host.threads, stepWork });
    if (schedule.work < this.#minimumWork) return null;
    this.#machine.load(schedule);
    this.#machine.writeInputs(schedule, feeds);
    return schedule;
  }

  #end(schedule: Schedule, guard: RunGuard, options: RunOptions): Outputs {
    this.#count(schedule);
    const failure = this.#host.failure();
    if (failure) throw this.#failed(schedule, failure);
    guard.check();
    this.#runs++;
    return this.#machine.readOutputs(schedule, options.outputs);
  }

  #failed(schedule: Schedule, failure: NonNullable<ReturnType<ThreadHost['failure']>>): KerfError {
    if (!failure.isTrap) return dataInvalid(schedule.tasks[failure.task].slices[failure.slice], failure.step);
    this.#host.restore();
    return kernelTrap('unreachable code or an address outside the memory');
  }

  /** Adds to the statistics what the table says of the last job. */
  #count({ tasks, tablePtr }: Schedule): void {
    const table = new Int32Array(this.#machine.memory.buffer, tablePtr, tasks.length * taskWords);
    tasks.forEach(({ parts }, t) => {
      const id = table[t * taskWords + taskWord.threadId];
      const thread = this.#threads.get(id) ?? { parts: new Set<number>(), busyMs: 0 };
      this.#threads.set(id, thread);
      for (const part of parts) thread.parts.add(part);
      thread.busyMs += table[t * taskWords + taskWord.busyUs] / 1000;
    });
  }
}
