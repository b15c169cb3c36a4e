/**
 * The words that the threads of one session share: a mailbox, and the table of the job's tasks.
 *
 *     control:  | JOB | CLAIM | TASKS | TABLE | REMAINING | STOP | ...            at a fixed address
 *     table:    | task 0: 8 words | task 1 | .. | slices: ptr, bytes | .. | dependencies: task | .. |
 *
 * A job is posted by writing CLAIM, then JOB, then waking as many of the threads that wait on JOB as it needs beside those
 * that look at it already. CLAIM is `job << 12 | next task`: a thread claims by compare-and-swap, so a thread that is late
 * can never claim from a job that has ended. All words are read and written with Atomics, which also orders the kernels' plain accesses.
 */
import { type Schedule, tableWords } from '../runtime/schedule.js';

/** Indexes of the control words. */
export const word = {
  /** Number of the job that was posted last; workers wait on it. */
  job: 0,
  /** `job << 12 | next task`. */
  claim: 1,
  tasks: 2,
  /** Byte address of the table. */
  table: 3,
  /** Tasks that have not ended. */
  remaining: 4,
  /** Number of the job that is to stop, or 0. */
  stop: 5,
  /** Number of the last job whose tasks have all ended; the host waits on it. */
  done: 6,
  /** What failed first: a {@link failure}. */
  failure: 7,
  failedTask: 8,
  failedSlice: 9,
  failedStep: 10,
  /** 1 when workers are to leave. */
  closing: 11,
  /** Workers that hold a lease. */
  parked: 12,
  /** Counts slices that have ended: a job that does not move is stuck. */
  progress: 13,
  /** Workers that ended without being asked to. */
  dead: 14,
  /** Bytes of memory that the job needs, in pages. */
  pages: 15,
  /** Workers that look at JOB, and need not be woken. */
  looking: 16,
  /** Workers that the job can use. */
  helpers: 17,
} as const;

export const failure = { none: 0, data: 1, trap: 2 } as const;

/** Bits of CLAIM that count tasks. */
export const claimBits = 12;

/** Job numbers run from 1 to this, then start again. */
export const maximumJob = 2 ** 19;

/** Words of a task in the table. */
export const taskWords = 8;

/** Indexes in a task's words. */
export const taskWord = {
  firstSlice: 0,
  slices: 1,
  firstAfter: 2,
  afters: 3,
  done: 4,
  threadId: 5,
  busyUs: 6,
} as const;

/** Writes the table of a schedule; `done` words start at 0, which is no job's number. */
export function writeTable(memory: WebAssembly.Memory, { tablePtr, tasks }: Schedule): void {
  const table = new Int32Array(memory.buffer, tablePtr, tableWords(tasks));
  let slice = tasks.length * taskWords;
  let after = slice + 2 * tasks.reduce((sum, { slices }) => sum + slices.length, 0);
  tasks.forEach((task, t) => {
    table.set([slice, task.slices.length, after, task.after.length, 0, 0, 0, 0], t * taskWords);
    for (const { ptr, bytes } of task.slices) {
      table[slice++] = ptr | 0;
      table[slice++] = bytes;
    }
    for (const before of task.after) table[after++] = before;
  });
}
