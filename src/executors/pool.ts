/** Runs a plan on worker threads that share one memory. */

import { threadId } from 'node:worker_threads';
import { latin1, sharedAt } from '#wasm/plain';
import type { KerfError } from '../runtime/errors.js';
import type { Executor, Feeds, Outputs, RunOptions, SessionStats } from '../runtime/executor.js';
import { bindingsOf } from '../runtime/feeds.js';
import { InThread } from '../runtime/in-thread.js';
import { compileKernels, type Kernels, kernelsOf } from '../runtime/kernels.js';
import { dataInvalid, kernelTrap, Machine } from '../runtime/machine.js';
import type { Plan } from '../runtime/plan.js';
import { refuseReferences } from '../runtime/reference.js';
import { RunGuard } from '../runtime/run-guard.js';
import type { Schedule } from '../runtime/schedule.js';
import { defaultMemoryBytes } from '../runtime/wasm-executor.js';
import { allowedCores } from '../threads/allowed-cores.js';
import { taskWord, taskWords, writeTable } from '../threads/control.js';
import { ThreadHost } from '../threads/host.js';
import { splitSteps } from '../threads/split-steps.js';
import { ThreadChoice, type Threads } from './thread-choice.js';

/** Multiply-adds below which waking threads costs more than it saves: about 40 us. */
export const payingWork = 1_000_000;

/** Multiply-adds from which `run` leaves the calling thread, whichever is faster: about 5 ms. */
const blockingWork = 40_000_000;

/** Multiply-adds of a step above which rows are cut, so that a signal is read soon. */
const stepWork = 64_000_000;

export interface PoolExecutorOptions {
  /** Worker threads, at least 1; default all allowed cores. `runSync` uses one fewer, and the calling thread. */
  readonly threads?: number;
  /** `auto`: runs stay on the calling thread where that is faster; `always` (default): never. */
  readonly pooling?: 'auto' | 'always';
  /** A build for shared memory; default: the plain one. */
  readonly kernels?: Kernels;
  /** Limit on the shared WASM memory; default 2 GiB. */
  readonly memoryBytes?: number;
}

/** The answer for runs that cannot use threads. */
const stayOnThread = { choose: () => 'one' as const, record: () => undefined };

let sharedPlain: Kernels | undefined;

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
  readonly #isAuto: boolean;
  readonly #choices = new WeakMap<Schedule, ThreadChoice>();
  readonly #threads = new Map<number, { parts: Set<number>; busyMs: number }>();
  #runs = 0;

  constructor(plan: Plan, options: PoolExecutorOptions) {
    refuseReferences(plan.steps, 'Run it on the calling thread: executor "wasm".');
    sharedPlain ??= kernelsOf(compileKernels(latin1, sharedAt));
    this.#machine = new Machine(plan, {
      kernels: options.kernels ?? sharedPlain,
      isShared: true,
      limitBytes: options.memoryBytes ?? defaultMemoryBytes,
      onLoad: (schedule) => writeTable(this.#machine.memory, schedule),
      split: splitSteps,
    });
    this.#host = new ThreadHost(this.#machine, options.threads ?? allowedCores());
    this.#inThread = new InThread(this.#machine);
    this.#isAuto = options.pooling === 'auto';
  }

  async run(feeds: Feeds, options: RunOptions): Promise<Outputs> {
    const guard = new RunGuard(options);
    guard.check();
    const start = performance.now();
    const schedule = this.#schedule(feeds);
    const choice = schedule.work < blockingWork ? this.#choiceFor(schedule) : null;
    const threads = choice?.choose() ?? 'all';
    const isTold = this.#isTold(threads);
    const outputs = await (threads === 'one'
      ? this.#inThread.run(feeds, options)
      : this.#pooled(schedule, feeds, guard, options));
    if (isTold) choice?.record(threads, performance.now() - start);
    return outputs;
  }

  async #pooled(schedule: Schedule, feeds: Feeds, guard: RunGuard, options: RunOptions): Promise<Outputs> {
    this.#load(schedule, feeds);
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
    const start = performance.now();
    const schedule = this.#schedule(feeds);
    const choice = this.#choiceFor(schedule);
    const threads = choice?.choose() ?? 'all';
    const isTold = this.#isTold(threads);
    const outputs =
      threads === 'one' ? this.#inThread.runSync(feeds, options) : this.#pooledSync(schedule, feeds, guard, options);
    if (isTold) choice?.record(threads, performance.now() - start);
    return outputs;
  }

  /** Whether a run tells how fast a choice is: one on all threads does not while these are starting. */
  #isTold(threads: Threads): boolean {
    return threads === 'one' || this.#host.parked > 0;
  }

  #pooledSync(schedule: Schedule, feeds: Feeds, guard: RunGuard, options: RunOptions): Outputs {
    this.#load(schedule, feeds);
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

  #schedule(feeds: Feeds): Schedule {
    const bindings = bindingsOf(this.#machine.plan.inputs, feeds);
    return this.#machine.schedule(bindings, { threads: this.#host.threads, stepWork });
  }

  #load(schedule: Schedule, feeds: Feeds): void {
    this.#machine.load(schedule);
    this.#machine.writeInputs(schedule, feeds);
  }

  /** What was measured for a schedule; null where threads are always taken, a fixed answer where they cannot pay. */
  #choiceFor(schedule: Schedule): Pick<ThreadChoice, 'choose' | 'record'> | null {
    if (!this.#isAuto) return null;
    if (schedule.work < payingWork || schedule.tasks.length < 2) return stayOnThread;
    let choice = this.#choices.get(schedule);
    if (!choice) {
      choice = new ThreadChoice();
      this.#choices.set(schedule, choice);
    }
    return choice;
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
