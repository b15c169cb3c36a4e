/** Tensors one by one on this thread, or side by side on others: the outcomes have the same bits. */
import { once } from 'node:events';
import { KerfError } from '../runtime/errors.js';
import { Tensor, type TensorData } from '../runtime/tensor.js';
import { allowedCores, startPool } from '../threads/index.js';
import { analyzeTensor, type Null, type TensorOptions, type TensorOutcome } from './analyze-tensor.js';
import { checkSignal, takeTurn } from './take-turn.js';
import type { TensorInput } from './tensor-input.js';
import { bytesToTest, largestBytes, shareMemory } from './tensor-memory.js';
import type { TensorReply, TensorTask } from './tensor-worker.js';

/** One tensor, its null and its options. */
export interface TensorJob {
  readonly input: TensorInput;
  readonly given: Null;
  readonly options: TensorOptions;
}

export interface RunOptions {
  /** Most threads; `auto`: the cores, if there is a large tensor. */
  readonly threads: number | 'auto';
  /** Called when a tensor's turn comes, with the number of those begun before it. */
  readonly onStart: (job: number, done: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Elements from which a tensor is tested on another thread, so that this one can still be interrupted. */
const large = 1 << 20;

/** A task whose arrays are copies: a file's array is used again by its next read, and a graph keeps its own. */
function taskOf({ input, given, options }: TensorJob): { readonly task: TensorTask; readonly transfer: ArrayBuffer[] } {
  const { name, layer, kind, rows, columns, fans, step, stored } = input;
  const values = stored ? new Float32Array(0) : input.values.slice();
  const transfer = [values.buffer];
  let posted = given;
  if (given.initial) {
    const data = given.initial.data.slice() as TensorData;
    transfer.push(data.buffer as ArrayBuffer);
    posted = { ...given, initial: new Tensor(given.initial.type, data, given.initial.dims) };
  }
  const where = stored && { stored };
  return {
    task: { input: { name, layer, kind, rows, columns, fans, step, values, ...where }, given: posted, options },
    transfer,
  };
}

async function onThisThread(jobs: readonly TensorJob[], { onStart, signal }: RunOptions): Promise<TensorOutcome[]> {
  const outcomes: TensorOutcome[] = [];
  for (const [i, { input, given, options }] of jobs.entries()) {
    onStart(i, i);
    outcomes.push(analyzeTensor(input, given, options));
    await takeTurn(signal);
  }
  return outcomes;
}

/** Jobs that wait, handed out by what a thread has memory for. */
class Queue {
  readonly #waiting: Set<number>;
  started = 0;

  constructor(readonly needs: readonly number[]) {
    this.#waiting = new Set(needs.keys());
  }

  /** The first job between the limits, else the first under `most`; undefined when there is none. */
  take(most: number, least: number): number | undefined {
    const fitting = [...this.#waiting].filter((i) => this.needs[i] <= most);
    const job = fitting.find((i) => this.needs[i] > least) ?? fitting[0];
    if (job !== undefined) this.#waiting.delete(job);
    return job;
  }
}

/** What `work` gives, unless the signal fires before. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  const end = new AbortController();
  const firing = once(signal, 'abort', { signal: end.signal }).then(
    () => checkSignal(signal),
    () => undefined,
  );
  try {
    return await Promise.race([work, firing.then(() => work)]);
  } finally {
    end.abort();
  }
}

async function onThreads(
  jobs: readonly TensorJob[],
  { threads, onStart, signal }: RunOptions,
): Promise<TensorOutcome[]> {
  const inputs = jobs.map(({ input }) => input);
  const needs = jobs.map(({ input, given }) => bytesToTest(input, given.initial !== undefined));
  // What was read whole is not counted; from a file, what this process holds already is.
  const held = inputs.some(({ stored }) => stored) ? process.memoryUsage.rss() : 0;
  const limits = shareMemory(needs, largestBytes(inputs), held, threads === 'auto' ? allowedCores() : threads);
  const queue = new Queue(needs);
  const outcomes: TensorOutcome[] = [];
  const pools: ReturnType<typeof startPool<TensorTask, TensorReply>>[] = [];
  const feed = async (limit: number) => {
    const pool = startPool<TensorTask, TensorReply>(new URL('./tensor-worker.js', import.meta.url), 1, {});
    pools.push(pool);
    // The thread without a limit begins with what the others have no memory for.
    const leftToOthers = Number.isFinite(limit) ? 0 : (limits[1] ?? 0);
    for (let i = queue.take(limit, leftToOthers); i !== undefined; i = queue.take(limit, leftToOthers)) {
      onStart(i, queue.started++);
      const { task, transfer } = taskOf(jobs[i]);
      const reply = await pool.run(task, { transferList: transfer });
      if ('failure' in reply) throw rebuilt(reply.failure);
      outcomes[i] = reply;
    }
  };
  try {
    checkSignal(signal);
    await unlessAborted(Promise.all(limits.map(feed)), signal);
    return outcomes;
  } finally {
    await Promise.all(pools.map((pool) => pool.destroy()));
  }
}

function rebuilt({
  code,
  where,
  message,
  details,
}: Pick<KerfError, 'code' | 'where' | 'message' | 'details'>): KerfError {
  return new KerfError(code, where, message.slice(where.length + 2), details);
}

/**
 * Tests tensors, each against its own null. A few small ones are tested on this thread; where one is large, or several
 * threads are asked for, all go to others, each with its own memory, and this thread stays free.
 * @returns the outcomes in the order of the jobs, whatever the threads
 * @throws ABORTED when the signal fires: on other threads at once, on this one between two tensors
 */
export function analyzeTensors(jobs: readonly TensorJob[], options: RunOptions): Promise<TensorOutcome[]> {
  const { threads } = options;
  const hasLarge = jobs.some(({ input }) => input.rows * input.columns >= large);
  const isAsked = threads !== 'auto' && threads > 1 && jobs.length > 1;
  return hasLarge || isAsked ? onThreads(jobs, options) : onThisThread(jobs, options);
}
