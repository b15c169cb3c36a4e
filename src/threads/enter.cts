/**
 * What Piscina loads in every worker. It is CommonJS on purpose: Piscina tries `require` first, and Node 20 aborts the
 * process when a worker is ended in the middle of requiring an ES module.
 */
import threads = require('node:worker_threads');

/** Names the ES module whose default export runs the tasks. */
interface EntryData {
  readonly entry: string;
}

let entry: Promise<{ default(task: unknown): unknown }> | undefined;

async function enter(task: unknown): Promise<unknown> {
  entry ??= import((threads.workerData as EntryData).entry);
  return (await entry).default(task);
}

export = enter;
