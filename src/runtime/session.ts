/** A network ready to run: checks feeds, queues calls, and hands them to its executor. Shaped like onnxruntime's. */
import { KerfError } from './errors.js';
import type { Executor, Feeds, Outputs, RunOptions, SessionStats } from './executor.js';
import { checkFeeds, checkOutputs, FeedShapes } from './feeds.js';
import type { PlanPort } from './plan.js';
import { aborted } from './run-guard.js';
import { Tensor } from './tensor.js';

/** The inputs and outputs of a network. */
export interface SessionPorts {
  readonly inputs: readonly PlanPort[];
  readonly outputs: readonly PlanPort[];
}

/** One for all runs, which then allocate none. */
const noOptions: RunOptions = {};

export class Session {
  readonly inputs: readonly PlanPort[];
  readonly outputs: readonly PlanPort[];
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Null once released, so that the memory goes even while the session is still held. */
  #executor: Executor | null;
  #lastStats: SessionStats | null = null;
  /** Calls that have not ended. */
  #active = 0;
  /** Settles when the last of them has ended. */
  #tail: Promise<unknown> = Promise.resolve();
  #released: Promise<void> | null = null;
  readonly #shapes: FeedShapes;

  /**
   * @param executor  runs the plan; the session owns it from now on
   * @param certificate  what the package's maker claims of it, or null
   */
  constructor(
    ports: SessionPorts,
    executor: Executor,
    readonly certificate: object | null = null,
  ) {
    this.inputs = ports.inputs;
    this.outputs = ports.outputs;
    this.inputNames = ports.inputs.map(({ name }) => name);
    this.outputNames = ports.outputs.map(({ name }) => name);
    this.#executor = executor;
    this.#shapes = new FeedShapes(ports.inputs);
  }

  /**
   * Runs the network; calls that overlap run one after the other.
   * @param feeds  a tensor for each input; read before this returns its promise
   * @returns the outputs by name; the caller owns them
   * @throws INPUT_MISSING, INPUT_UNKNOWN, DTYPE_MISMATCH, SHAPE_MISMATCH, OUTPUT_UNKNOWN when feeds do not fit;
   *   OPTION_INVALID, ABORTED, TIMEOUT by the options; SESSION_RELEASED
   */
  async run(feeds: Feeds, options: RunOptions = noOptions): Promise<Outputs> {
    this.#check(feeds, options);
    const before = this.#tail;
    const result = this.#active === 0 ? this.#executor!.run(feeds, options) : this.#runLater(before, feeds, options);
    this.#active++;
    // A queued call that its caller cancels ends before its turn, so the tail also waits for the calls before it.
    this.#tail = before.then(() => result.catch(() => undefined));
    try {
      return await result;
    } finally {
      this.#active--;
    }
  }

  /** Waits for the calls before this one, with a copy of the feeds. */
  async #runLater(before: Promise<unknown>, feeds: Feeds, options: RunOptions): Promise<Outputs> {
    const copy = Object.fromEntries(
      Object.entries(feeds).map(([name, { type, data, dims }]) => [name, new Tensor(type, data.slice(), dims)]),
    );
    await abortable(before, options.signal);
    return this.#executor!.run(copy, options);
  }

  /**
   * Runs the network on the calling thread and returns when it is done.
   * @throws as {@link run}; SYNC_UNSUPPORTED where the executor cannot, or while a `run` has not ended
   */
  runSync(feeds: Feeds, options: RunOptions = noOptions): Outputs {
    this.#check(feeds, options);
    if (this.#active > 0) {
      throw new KerfError('SYNC_UNSUPPORTED', 'runSync', 'another call of run has not ended. Await it first.');
    }
    return this.#executor!.runSync(feeds, options);
  }

  /** Starts what is started lazily, so that the first run is not slower than the others. */
  async warm(): Promise<void> {
    this.#checkOpen();
    await this.#executor!.warm();
  }

  stats(): SessionStats {
    return this.#executor?.stats() ?? this.#lastStats!;
  }

  /** Gives memory and threads back once the running calls have ended; later calls throw SESSION_RELEASED. */
  release(): Promise<void> {
    this.#released ??= this.#tail.then(() => this.#end());
    return this.#released;
  }

  async #end(): Promise<void> {
    const executor = this.#executor!;
    await executor.release();
    this.#lastStats = executor.stats();
    this.#executor = null;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  #check(feeds: Feeds, { outputs, timeoutMs = 0 }: RunOptions): void {
    this.#checkOpen();
    if (!(timeoutMs >= 0)) {
      throw new KerfError('OPTION_INVALID', 'run', `timeoutMs: got ${timeoutMs}, expected at least 0.`);
    }
    if (!this.#shapes.has(feeds)) {
      checkFeeds(this.inputs, feeds);
      this.#shapes.remember(feeds);
    }
    if (outputs) checkOutputs(this.outputs, outputs);
  }

  #checkOpen(): void {
    if (this.#released) throw new KerfError('SESSION_RELEASED', 'session', 'it was released. Create a new one.');
  }
}

/** Waits for `before`, but no longer than `signal` allows. */
function abortable(before: Promise<unknown>, signal: AbortSignal | undefined): Promise<unknown> {
  if (!signal) return before;
  return new Promise((resolve, reject) => {
    const stop = () => reject(aborted(signal));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    before.then(resolve).finally(() => signal.removeEventListener('abort', stop));
  });
}
