/**
 * The worker's side: a Piscina task is a lease. It waits on the mailbox, takes part in every job, and leaves after a
 * while without one, so that parking costs nothing and the process can end by itself.
 */
import { threadId, workerData } from 'node:worker_threads';
import type { Kernels, RuntimeKernels } from '../runtime/kernels.js';
import { bindKernels } from '../runtime/wasm.js';
import { runClaims, type ThreadView, waitForJob } from './claims.js';
import { word } from './control.js';

/** What the host gives every worker. */
export interface WorkerSetup {
  readonly kernels: Kernels;
  readonly memory: WebAssembly.Memory;
  readonly controlPtr: number;
}

/**
 * A lease ends after this long without a job, in milliseconds. Another one needs a turn of the event loop, so that callers
 * of `runSync` who do other things in between without one would be left alone after a shorter wait.
 */
const leaseMs = 100;

let view: ThreadView | undefined;
let lastJob = 0;

/** Binds the kernels once a worker. The module has no mutable statics, so this disturbs no thread that is computing. */
function threadView(): ThreadView {
  if (view) return view;
  const { memory, controlPtr, ...setup } = workerData as WorkerSetup;
  const { module, tiles } = setup.kernels;
  const { exports: kernels } = bindKernels<RuntimeKernels>(module, memory, tiles);
  view = { kernels, memory, controlPtr, threadId, words: new Int32Array(memory.buffer) };
  const { words } = view;
  process.on('exit', () => {
    if (Atomics.load(words, (controlPtr >> 2) + word.closing) === 1) return;
    Atomics.add(words, (controlPtr >> 2) + word.dead, 1);
    Atomics.notify(words, (controlPtr >> 2) + word.done);
  });
  return view;
}

/** Piscina's task: one lease. */
export default function lease(): void {
  const thread = threadView();
  const control = thread.controlPtr >> 2;
  Atomics.add(thread.words, control + word.parked, 1);
  Atomics.notify(thread.words, control + word.parked);
  for (;;) {
    const job = Atomics.load(thread.words, control + word.job);
    if (job !== lastJob) {
      lastJob = job;
      runClaims(thread, job);
    } else if (Atomics.load(thread.words, control + word.closing) === 1) break;
    else if (!waitForJob(thread, job, leaseMs)) break;
  }
  Atomics.sub(thread.words, control + word.parked, 1);
}
