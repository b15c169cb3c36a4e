/** What every thread of a job does, workers and the calling thread alike: claim a task, run it, claim the next. */
import type { RuntimeKernels } from '../runtime/kernels.js';
import { claimBits, failure, taskWord, taskWords, word } from './control.js';

/** Longest wait in milliseconds before the state of the job is looked at again. */
export const waitMs = 50;

/**
 * Microseconds that a thread looks at a word before it sleeps: waking a sleeping thread takes about 50, as long as small
 * tasks do. Between calls nothing looks any longer than this.
 */
const lookUs = 60;

/** Loads between two looks at the clock, which costs as much as a few of them. */
const looksPerTime = 64;

/** Looks at a word until it is no longer `value`, for a short time. @returns whether it changed */
function lookForChange(words: Int32Array, index: number, value: number): boolean {
  const end = performance.now() + lookUs / 1000;
  do {
    for (let look = 0; look < looksPerTime; look++) if (Atomics.load(words, index) !== value) return true;
  } while (performance.now() < end);
  return false;
}

/**
 * Waits until a word is no longer `value`, or for `ms` at most.
 * @returns whether it changed
 */
function waitForChange(words: Int32Array, index: number, value: number, ms: number): boolean {
  return lookForChange(words, index, value) || Atomics.wait(words, index, value, ms) !== 'timed-out';
}

/**
 * Waits until the tasks of a job have ended, or for a short time.
 * @param done  number of the job that ended before it
 */
export function waitForDone({ words, controlPtr }: ThreadView, done: number): void {
  waitForChange(words, (controlPtr >> 2) + word.done, done, waitMs);
}

/**
 * A worker's wait for a job behind `job`, for `ms` at most. As many workers look before they sleep as a job can use: more
 * would be in the way of the threads that compute.
 * @returns whether there is one
 */
export function waitForJob({ words, controlPtr }: ThreadView, job: number, ms: number): boolean {
  const control = controlPtr >> 2;
  const others = Atomics.add(words, control + word.looking, 1);
  const looks = others < Atomics.load(words, control + word.helpers);
  const isPosted = looks && lookForChange(words, control + word.job, job);
  Atomics.sub(words, control + word.looking, 1);
  return isPosted || Atomics.wait(words, control + word.job, job, ms) !== 'timed-out';
}

/** One thread's view of the shared memory. */
export interface ThreadView {
  readonly kernels: RuntimeKernels;
  readonly memory: WebAssembly.Memory;
  /** Byte address of the control words. */
  readonly controlPtr: number;
  readonly threadId: number;
  /** All of memory as words; made anew when the memory has grown. */
  words: Int32Array;
}

/** The words of a memory that other threads may have grown. */
export function refreshWords(view: ThreadView): Int32Array {
  const control = view.controlPtr >> 2;
  if (Atomics.load(view.words, control + word.pages) * 65536 > view.words.byteLength) {
    // Growing by nothing makes the host look at the size that another thread gave the memory.
    view.memory.grow(0);
    view.words = new Int32Array(view.memory.buffer);
  }
  return view.words;
}

/**
 * Claims and runs tasks of `job` until none is left.
 * @param isOver  asked between slices; true ends the job early
 */
export function runClaims(view: ThreadView, job: number, isOver: () => boolean = () => false): void {
  const words = refreshWords(view);
  const control = view.controlPtr >> 2;
  for (;;) {
    const claim = Atomics.load(words, control + word.claim);
    const task = claim & ((1 << claimBits) - 1);
    if (claim >>> claimBits !== job || task >= Atomics.load(words, control + word.tasks)) return;
    if (Atomics.compareExchange(words, control + word.claim, claim, claim + 1) !== claim) continue;
    runTask(view, job, task, isOver);
  }
}

function runTask(view: ThreadView, job: number, task: number, isOver: () => boolean): void {
  const { words } = view;
  const control = view.controlPtr >> 2;
  const table = Atomics.load(words, control + word.table) >>> 2;
  const at = table + task * taskWords;
  const isStopped = () => {
    if (isOver()) Atomics.store(words, control + word.stop, job);
    return Atomics.load(words, control + word.stop) === job;
  };
  waitForEarlier(words, table, at, job, isStopped);
  const start = performance.now();
  runSlices(view, table, task, isStopped, job);
  words[at + taskWord.threadId] = view.threadId;
  words[at + taskWord.busyUs] = 1000 * (performance.now() - start);
  Atomics.store(words, at + taskWord.done, job);
  Atomics.notify(words, at + taskWord.done);
  if (Atomics.sub(words, control + word.remaining, 1) !== 1) return;
  Atomics.store(words, control + word.done, job);
  Atomics.notify(words, control + word.done);
}

/** Tasks are claimed in an order in which all earlier ones are claimed already, so these waits cannot lock each other. */
function waitForEarlier(words: Int32Array, table: number, at: number, job: number, isStopped: () => boolean): void {
  const first = table + words[at + taskWord.firstAfter];
  for (let a = first; a < first + words[at + taskWord.afters]; a++) {
    const done = table + words[a] * taskWords + taskWord.done;
    for (let state = Atomics.load(words, done); state !== job; state = Atomics.load(words, done)) {
      if (isStopped()) return;
      waitForChange(words, done, state, waitMs);
    }
  }
}

function runSlices(view: ThreadView, table: number, task: number, isStopped: () => boolean, job: number): void {
  const { words, kernels } = view;
  const control = view.controlPtr >> 2;
  const at = table + task * taskWords;
  const first = table + words[at + taskWord.firstSlice];
  for (let slice = 0; slice < words[at + taskWord.slices] && !isStopped(); slice++) {
    const [ptr, bytes] = [words[first + 2 * slice] >>> 0, words[first + 2 * slice + 1]];
    let failed = 0;
    let reason: number = failure.data;
    try {
      failed = kernels.run_steps(ptr, bytes);
    } catch {
      [failed, reason] = [1, failure.trap];
    }
    Atomics.add(words, control + word.progress, 1);
    if (failed === 0) continue;
    if (Atomics.compareExchange(words, control + word.failure, failure.none, reason) === failure.none) {
      words[control + word.failedTask] = task;
      words[control + word.failedSlice] = slice;
      words[control + word.failedStep] = failed - 1;
    }
    Atomics.store(words, control + word.stop, job);
  }
}
