/** Runs the model with onnxruntime-node, where it is installed, inside a worker, since its `run` blocks its thread. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { Piscina } from 'piscina';
import { KerfError } from '../runtime/errors.js';
import type { Executor, Feeds, Outputs, RunOptions, SessionStats } from '../runtime/executor.js';
import { RunGuard } from '../runtime/run-guard.js';
import { Tensor } from '../runtime/tensor.js';
import { startPool } from '../threads/start-pool.js';
import type { OrtSetup, OrtTask, PlainTensor } from './ort-worker.js';

export interface OrtExecutorOptions {
  /** Threads inside onnxruntime; its own choice by default. */
  readonly threads?: number;
  /** File or folder from which `onnxruntime-node` is looked up besides kerf itself; default the working directory. */
  readonly resolveFrom?: string;
}

/** Longest that a timer can wait, in milliseconds. */
const longestTimerMs = 2 ** 31 - 1;

/** The file of onnxruntime-node. @throws EXECUTOR_MISSING */
function findOrt(resolveFrom: string): string {
  for (const from of [import.meta.url, resolveFrom]) {
    try {
      return createRequire(from).resolve('onnxruntime-node');
    } catch {
      // Not visible from there.
    }
  }
  throw new KerfError(
    'EXECUTOR_MISSING',
    'executor "ort"',
    'onnxruntime-node is not installed. Install it with: npm install onnxruntime-node --ignore-scripts',
  );
}

/**
 * An executor over onnxruntime-node.
 * @param model  bytes of an ONNX model
 * @throws EXECUTOR_MISSING when onnxruntime-node is not installed
 */
export function createOrtExecutor(model: Uint8Array, options: OrtExecutorOptions = {}): Executor {
  const { resolveFrom = `${process.cwd()}/package.json`, threads } = options;
  const ortUrl = pathToFileURL(findOrt(resolveFrom)).href;
  return new OrtExecutor({ ortUrl, model, ...(threads === undefined ? {} : { threads }) });
}

class OrtExecutor implements Executor {
  readonly #pool: Piscina<OrtTask, Record<string, PlainTensor>>;
  #runs = 0;

  constructor(setup: OrtSetup) {
    this.#pool = startPool(new URL('./ort-worker.js', import.meta.url), 1, setup);
  }

  async run(feeds: Feeds, options: RunOptions): Promise<Outputs> {
    const copies = Object.fromEntries(
      Object.entries(feeds).map(([name, { type, data, dims }]) => [name, { type, data: data.slice(), dims }]),
    );
    const task = { feeds: copies, outputs: options.outputs ?? null };
    const results = await inTime(() => this.#pool.run(task), options).catch((cause) => {
      if (cause instanceof KerfError) throw cause;
      throw new KerfError('WORKER_FAILED', 'executor "ort"', `onnxruntime failed: got "${cause}". Check the model.`);
    });
    this.#runs++;
    return Object.fromEntries(
      Object.entries(results).map(([name, { type, data, dims }]) => [name, new Tensor(type, data, dims)]),
    );
  }

  runSync(): never {
    throw new KerfError('SYNC_UNSUPPORTED', 'executor "ort"', 'it runs in a worker only. Use run.');
  }

  async warm(): Promise<void> {
    await this.#pool.run({ feeds: null, outputs: null });
  }

  stats(): SessionStats {
    return { runs: this.#runs, fallbackRate: 0, provider: 'onnxruntime-node', threads: [] };
  }

  async release(): Promise<void> {
    await this.#pool.destroy();
  }
}

/** onnxruntime cannot be interrupted: the caller is told at once, and the worker's result is dropped. */
async function inTime<T>(run: () => Promise<T>, options: RunOptions): Promise<T> {
  const guard = RunGuard.of(options);
  if (guard.isIdle) return run();
  guard.check();
  const { signal, timeoutMs } = options;
  const { promise, reject } = rejectable();
  const stop = () => {
    try {
      guard.check();
    } catch (error) {
      reject(error);
    }
  };
  // A millisecond more: timers may be early.
  const timer = timeoutMs === undefined ? undefined : setTimeout(stop, Math.min(timeoutMs + 1, longestTimerMs));
  signal?.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([run(), promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

/** A promise that is only ever rejected. */
function rejectable(): { promise: Promise<never>; reject: (cause: unknown) => void } {
  let reject: (cause: unknown) => void = () => undefined;
  const promise = new Promise<never>((_, fail) => {
    reject = fail;
  });
  return { promise, reject };
}
