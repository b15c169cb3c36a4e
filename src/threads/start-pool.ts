import { Piscina } from 'piscina';

/**
 * A Piscina pool of exactly `threads` workers; they start at once and do not keep the process alive.
 * @param entry  URL of the ES module whose default export runs the tasks
 * @param data  what the module finds in `workerData`
 */
export function startPool<Task, Result>(entry: URL, threads: number, data: object): Piscina<Task, Result> {
  const pool = new Piscina<Task, Result>({
    filename: new URL('./enter.cjs', import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
    recordTiming: false,
    workerData: { ...data, entry: entry.href },
  });
  // A death outside a task harms nobody: Piscina replaces the worker.
  pool.on('error', () => undefined);
  return pool;
}
