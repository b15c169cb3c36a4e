import { plainKernels } from '#plain-kernels';
import type { Executor, Feeds, Outputs, RunOptions, SessionStats } from './executor.js';
import { InThread } from './in-thread.js';
import type { Kernels } from './kernels.js';
import { Machine } from './machine.js';
import type { Plan } from './plan.js';
import { type RunReference, refuseReferences } from './reference.js';

/** Default memory budget in bytes. */
export const defaultMemoryBytes = 2 ** 31;

export interface WasmExecutorOptions {
  /** Default: the plain build. */
  readonly kernels?: Kernels;
  /** Limit on the WASM memory of the session; default 2 GiB. */
  readonly memoryBytes?: number;
  /** Runs the reference steps; without it a plan that has any is refused. */
  readonly runReference?: RunReference;
}

/**
 * An executor on the calling thread.
 * @throws REFERENCE_STEP when the plan needs steps that only the tool has; MEMORY_LIMIT when the weights do not fit
 */
export function createWasmExecutor(plan: Plan, options: WasmExecutorOptions = {}): Executor {
  return new WasmExecutor(plan, options);
}

class WasmExecutor implements Executor {
  readonly #thread: InThread;

  constructor(plan: Plan, options: WasmExecutorOptions) {
    if (!options.runReference) refuseReferences(plan.steps);
    const machine = new Machine(plan, {
      kernels: options.kernels ?? plainKernels(),
      limitBytes: options.memoryBytes ?? defaultMemoryBytes,
    });
    this.#thread = new InThread(machine, options.runReference);
  }

  run(feeds: Feeds, options: RunOptions): Promise<Outputs> {
    return this.#thread.run(feeds, options);
  }

  runSync(feeds: Feeds, options: RunOptions): Outputs {
    return this.#thread.runSync(feeds, options);
  }

  async warm(): Promise<void> {}

  stats(): SessionStats {
    const { runs, busyMs, machine } = this.#thread;
    const parts = runs ? machine.plan.parts.map(({ id }) => id) : [];
    return { runs, fallbackRate: 0, provider: 'wasm', threads: [{ threadId: 0, parts, busyMs }] };
  }

  async release(): Promise<void> {}
}
