/** The host's side of the threads of one session: arms workers, posts jobs, waits for them, and restores after a death. */
import { threadId, type Worker } from 'node:worker_threads';
import { KerfError } from '../runtime/errors.js';
import type { Machine } from '../runtime/machine.js';
import type { Schedule } from '../runtime/schedule.js';
import { refreshWords, runClaims, type ThreadView, waitForDone, waitMs } from './claims.js';
import { claimBits, failure, maximumJob, word } from './control.js';
import { Workers } from './workers.js';

/** A job without progress for this long is lost, in milliseconds. No step takes as long. */
const stallMs = 120_000;

/** What the first failing step of a job was. */
export interface JobFailure {
  readonly isTrap: boolean;
  readonly task: number;
  readonly slice: number;
  readonly step: number;
}

type WaitAsync = (
  words: Int32Array,
  index: number,
  value: number,
  timeoutMs: number,
) => { async: false } | { async: true; value: Promise<string> };

export class ThreadHost {
  readonly #workers: Workers;
  #view: ThreadView | null = null;
  #job = 0;
  #isPosted = false;
  /** Ends the running wait. */
  #wake: () => void = () => undefined;
  /** Why the memory was thrown away last. */
  #lost: KerfError | null = null;

  /**
   * @param machine  the session's shared memory
   * @param threads  workers
   */
  constructor(
    readonly machine: Machine,
    readonly threads: number,
  ) {
    this.#workers = new Workers(machine, threads, {
      hasJob: () => this.#isPosted,
      workerDied: (cause) => void this.#lose('a worker ended', cause),
    });
  }

  /** Starts the workers and waits until each has its kernels and holds a lease. */
  async warm(): Promise<void> {
    const { words, control, view } = this.#words();
    const giveUp = performance.now() + stallMs;
    for (;;) {
      this.#checkAlive(view);
      const parked = Atomics.load(words, control + word.parked);
      if (parked >= this.threads) return;
      this.#workers.arm(this.threads);
      await this.#waitOn(control + word.parked, parked);
      if (performance.now() > giveUp) throw this.#lose('the workers did not start');
    }
  }

  /**
   * Posts a job, and resolves when all of its tasks have ended; the event loop stays free.
   * @param isOver  asked while waiting; true ends the job early
   * @throws WORKER_FAILED when a worker died or the job got stuck; the threads are restored before it rejects
   */
  async run(schedule: Schedule, isOver: () => boolean): Promise<void> {
    const { words, control, view } = this.#words();
    const job = this.#post(schedule, this.threads);
    this.#workers.arm(this.threads);
    let seen = { progress: -1, atMs: 0 };
    for (;;) {
      this.#checkAlive(view);
      const done = Atomics.load(words, control + word.done);
      if (done === job) break;
      if (isOver()) Atomics.store(words, control + word.stop, job);
      seen = this.#checkMoving(seen);
      await this.#waitOn(control + word.done, done);
    }
    this.#isPosted = false;
  }

  /** Posts a job and takes part in it; returns when all of its tasks have ended. @throws as {@link run} */
  runSync(schedule: Schedule, isOver: () => boolean): void {
    const { words, control, view } = this.#words();
    const job = this.#post(schedule, this.threads - 1);
    this.#workers.arm(this.threads - 1);
    runClaims(view, job, isOver);
    let seen = { progress: -1, atMs: 0 };
    for (;;) {
      const done = Atomics.load(words, control + word.done);
      if (done === job) break;
      if (isOver()) Atomics.store(words, control + word.stop, job);
      seen = this.#checkMoving(seen);
      if (Atomics.load(words, control + word.dead) > 0) throw this.#lose('a worker ended');
      waitForDone(view, done);
    }
    this.#isPosted = false;
  }

  /** The workers, for tests and diagnosis. */
  get workers(): readonly Worker[] {
    return this.#workers.threads;
  }

  /** Workers that hold a lease now: those that a job finds ready. */
  get parked(): number {
    const { words, control } = this.#words();
    return Atomics.load(words, control + word.parked);
  }

  /** Asks the running job to stop; its wait then ends within one slice. */
  stop(): void {
    const { words, control } = this.#words();
    Atomics.store(words, control + word.stop, this.#job);
  }

  /** The first failure of the last job, or null. */
  failure(): JobFailure | null {
    const { words, control } = this.#words();
    const reason = Atomics.load(words, control + word.failure);
    if (reason === failure.none) return null;
    const at = (name: 'failedTask' | 'failedSlice' | 'failedStep') => words[control + word[name]];
    return {
      isTrap: reason === failure.trap,
      task: at('failedTask'),
      slice: at('failedSlice'),
      step: at('failedStep'),
    };
  }

  /** Ends the workers; a later run starts new ones. */
  async close(): Promise<void> {
    const { words, control } = this.#words();
    Atomics.store(words, control + word.closing, 1);
    Atomics.notify(words, control + word.job);
    await this.#workers.end();
    Atomics.store(words, control + word.closing, 0);
  }

  /** Throws threads and memory away and makes the memory anew; the next run starts new workers. */
  restore(): void {
    void this.close();
    this.#view = null;
    this.#isPosted = false;
    this.machine.renew();
  }

  #words(): { words: Int32Array; control: number; view: ThreadView } {
    const { memory, kernels, controlPtr } = this.machine;
    if (this.#view?.memory !== memory) {
      this.#view = { kernels, memory, controlPtr, threadId, words: new Int32Array(memory.buffer) };
    }
    if (this.#view.words.byteLength !== memory.buffer.byteLength) this.#view.words = new Int32Array(memory.buffer);
    return { words: this.#view.words, control: controlPtr >> 2, view: this.#view };
  }

  #post({ tasks, tablePtr }: Schedule, helpers: number): number {
    const { words, control, view } = this.#words();
    this.#job = (this.#job % maximumJob) + 1;
    const values = {
      tasks: tasks.length,
      table: tablePtr | 0,
      remaining: tasks.length,
      stop: 0,
      failure: failure.none,
      helpers,
    };
    for (const [name, value] of Object.entries(values)) {
      Atomics.store(words, control + word[name as keyof typeof values], value);
    }
    Atomics.store(words, control + word.pages, view.memory.buffer.byteLength / 65536);
    refreshWords(view);
    Atomics.store(words, control + word.claim, this.#job << claimBits);
    Atomics.store(words, control + word.job, this.#job);
    const asleep = helpers - Atomics.load(words, control + word.looking);
    if (asleep > 0) Atomics.notify(words, control + word.job, asleep);
    this.#isPosted = true;
    return this.#job;
  }

  /** Restores, and returns the error to throw. */
  #lose(problem: string, cause?: unknown): KerfError {
    this.restore();
    const advice = 'The threads were started again; run again.';
    this.#lost = new KerfError('WORKER_FAILED', 'pool', `${problem} before the run did. ${advice}`, {}, { cause });
    this.#wake();
    return this.#lost;
  }

  /** @throws WORKER_FAILED when the memory that `view` shows was thrown away */
  #checkAlive(view: ThreadView): void {
    if (view.memory !== this.machine.memory) throw this.#lost;
  }

  #checkMoving(seen: { progress: number; atMs: number }): { progress: number; atMs: number } {
    const { words, control } = this.#words();
    const progress = Atomics.load(words, control + word.progress);
    const now = performance.now();
    if (progress !== seen.progress) return { progress, atMs: now };
    if (now - seen.atMs > stallMs) throw this.#lose('the job did not move');
    return seen;
  }

  /** Resolves when a control word changes, a worker dies, or a short time has passed. */
  #waitOn(index: number, value: number): Promise<void> {
    const { words } = this.#words();
    return new Promise((resolve) => {
      // The timer also keeps the process alive, which a wait on memory does not.
      const timer = setTimeout(() => this.#wake(), waitMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      const wake = this.#wake;
      const waiting = (Atomics as unknown as { waitAsync: WaitAsync }).waitAsync(words, index, value, waitMs);
      if (waiting.async) waiting.value.then(wake);
      else wake();
    });
  }
}
