/** Tensors one by one on this thread, or side by side on others: the outcomes have the same bits. */
import { setImmediate } from 'node:timers/promises';
import { KerfError } from '../runtime/errors.js';
import { Tensor, type TensorData } from '../runtime/tensor.js';
import { startPool } from '../threads/index.js';
import { analyzeTensor, type Null, type TensorOptions, type TensorOutcome } from './analyze-tensor.js';
import type { TensorInput } from './tensor-input.js';
import type { TensorReply, TensorTask } from './tensor-worker.js';

/** One tensor, its null and its options. */
export interface TensorJob {
  readonly input: TensorInput;
  readonly given: Null;
  readonly options: TensorOptions;
}

/** A task whose arrays are copies: a file's array is used again by its next read, and a graph keeps its own. */
function taskOf({ input, given, options }: TensorJob): { readonly task: TensorTask; readonly transfer: ArrayBuffer[] } {
  const { name, layer, kind, rows, columns, fans, step } = input;
  const values = input.values.slice();
  const transfer = [values.buffer];
  let posted = given;
  if (given.initial) {
    const data = given.initial.data.slice() as TensorData;
    transfer.push(data.buffer as ArrayBuffer);
    posted = { ...given, initial: new Tensor(given.initial.type, data, given.initial.dims) };
  }
  return {
    task: { input: { name, layer, kind, rows, columns, fans, step, values }, given: posted, options },
    transfer,
  };
}

async function onOneThread(jobs: readonly TensorJob[], before: (job: number) => void): Promise<TensorOutcome[]> {
  const outcomes: TensorOutcome[] = [];
  for (const [i, { input, given, options }] of jobs.entries()) {
    before(i);
    outcomes.push(analyzeTensor(input, given, options));
    await setImmediate();
  }
  return outcomes;
}

async function onThreads(
  jobs: readonly TensorJob[],
  before: (job: number) => void,
  threads: number,
): Promise<TensorOutcome[]> {
  const pool = startPool<TensorTask, TensorReply>(new URL('./tensor-worker.js', import.meta.url), threads, {});
  const outcomes: TensorOutcome[] = [];
  let next = 0;
  const feed = async () => {
    // A tensor is read when a thread is free for it, so no more than `threads` of them are in memory.
    while (next < jobs.length) {
      const i = next++;
      before(i);
      const { task, transfer } = taskOf(jobs[i]);
      const reply = await pool.run(task, { transferList: transfer });
      if ('failure' in reply) throw rebuilt(reply.failure);
      outcomes[i] = reply;
    }
  };
  try {
    await Promise.all(Array.from({ length: threads }, feed));
    return outcomes;
  } finally {
    await pool.destroy();
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
 * Tests tensors, each against its own null.
 * @param before  called when a tensor's turn comes; what it throws ends the run
 * @param threads  1 stays on the calling thread; each thread has a tensor and its scratch in memory
 * @returns the outcomes in the order of the jobs, whatever the threads
 */
export function analyzeTensors(
  jobs: readonly TensorJob[],
  before: (job: number) => void,
  threads: number,
): Promise<TensorOutcome[]> {
  const count = Math.min(threads, jobs.length);
  return count > 1 ? onThreads(jobs, before, count) : onOneThread(jobs, before);
}
