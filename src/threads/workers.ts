import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import type { Piscina } from 'piscina';
import type { Machine } from '../runtime/machine.js';
import type { WorkerSetup } from './lease.js';
import { startPool } from './start-pool.js';

/** What the owner of the workers is asked and told. */
export interface WorkersOwner {
  /** Whether a lease that ends is to be followed by another. */
  hasJob(): boolean;
  /** A worker ended in the middle of a lease. */
  workerDied(cause: unknown): void;
}

/**
 * Workers that were asked to leave are ended after this long, in milliseconds, even if they hold a lease. One that still
 * imports its modules is best let finish: Node 20 leaves the files open that a worker reads when it is ended.
 */
const leaveMs = 1000;

/** The workers of one memory: starts them when they are first needed and keeps leases running while there are jobs. */
export class Workers {
  #pool: Piscina<undefined, void> | null = null;
  /** The memory that the workers of {@link #pool} are bound to. */
  #memory: WebAssembly.Memory | null = null;
  /** Leases of {@link #pool} that have not ended. */
  #leases = new Set<Promise<void>>();

  constructor(
    readonly machine: Machine,
    readonly count: number,
    readonly owner: WorkersOwner,
  ) {}

  get threads(): readonly Worker[] {
    return this.#pool?.threads ?? [];
  }

  /** Sees to it that `workers` of them hold a lease. */
  arm(workers: number): void {
    if (workers === 0) return;
    if (this.#memory !== this.machine.memory) void this.end();
    this.#pool ??= this.#start();
    const pool = this.#pool;
    while (this.#leases.size < workers) {
      const lease: Promise<void> = pool.run(undefined).then(
        () => this.#endLease(lease, pool),
        (cause) => this.#endLease(lease, pool, cause),
      );
      this.#leases.add(lease);
    }
  }

  /** Ends the workers, which were asked to leave; {@link arm} starts new ones. */
  async end(): Promise<void> {
    const [pool, leases] = [this.#pool, this.#leases];
    this.#pool = null;
    this.#leases = new Set();
    const patience = new AbortController();
    await Promise.race([
      Promise.all(leases),
      delay(leaveMs, undefined, { signal: patience.signal }).catch(() => undefined),
    ]);
    patience.abort();
    await pool?.destroy();
  }

  #start(): Piscina<undefined, void> {
    const { memory, controlPtr, options } = this.machine;
    const setup: WorkerSetup = { kernels: options.kernels, memory, controlPtr };
    this.#memory = memory;
    return startPool(new URL('./lease.js', import.meta.url), this.count, setup);
  }

  #endLease(lease: Promise<void>, pool: Piscina<undefined, void>, cause?: unknown): void {
    if (pool !== this.#pool) return;
    this.#leases.delete(lease);
    if (cause !== undefined) this.owner.workerDied(cause);
    else if (this.owner.hasJob()) this.arm(this.count);
  }
}
