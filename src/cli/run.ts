/** `kerf run`: reads inputs, runs a session, prints or writes the outputs. */
import { extname } from 'node:path';
import { runRows } from '../evaluate-graph.js';
import { InferenceSession } from '../index.js';
import { type ArrayFormat, encodeArrays } from '../model/index.js';
import { writeOutputFile } from '../model/output-file.js';
import { formatOutputs } from '../report/outputs.js';
import type { Feeds, Outputs } from '../runtime/executor.js';
import { timeLeft } from '../runtime/run-guard.js';
import type { Session } from '../runtime/session.js';
import type { RunArgs } from './commands/run.js';
import { pathOrStdin } from './input-files.js';
import { pathOf, readInputs } from './inputs.js';
import { usageError } from './options.js';
import { checkOutputPaths } from './output-paths.js';
import { print } from './print.js';

const outputFormats = new Map<string, Exclude<ArrayFormat, 'csv' | 'jsonl'>>([
  ['.npy', 'npy'],
  ['.npz', 'npz'],
  ['.json', 'json'],
]);

function outputFormat(path: string) {
  const format = path === '-' ? 'json' : outputFormats.get(extname(path).toLowerCase());
  if (format) return format;
  throw usageError('--output', `got "${path}", expected a name ending in ${[...outputFormats.keys()].join(', ')}.`);
}

function deliver(outputs: Outputs, { output, json }: RunArgs): void {
  const arrays = new Map(Object.entries(outputs));
  if (output !== undefined && outputFormat(output) === 'npy' && arrays.size !== 1) {
    const problem = `an npy file holds one array: got ${arrays.size} outputs, expected 1. Name an npz or json file.`;
    throw usageError('--output', problem);
  }
  if (output !== undefined) writeOutputFile(output, encodeArrays(arrays, outputFormat(output)));
  else if (json) writeOutputFile('-', encodeArrays(arrays, 'json'));
  else print(formatOutputs(outputs));
}

/** One run; a network whose first axis is fixed at 1 takes more samples one by one, in the time of all. */
function runSamples(session: Session, feeds: Feeds, timeoutMs: number | undefined): Promise<Outputs> {
  const start = performance.now();
  const { inputs } = session;
  const isMore = (name: string) => (feeds[name]?.dims[0] ?? 1) > 1;
  const isOneByOne = inputs.length > 0 && inputs.every(({ name, shape }) => shape[0] === 1 && isMore(name));
  if (timeoutMs === undefined)
    return isOneByOne ? runRows((row) => session.run(row), inputs, feeds) : session.run(feeds);
  if (!isOneByOne) return session.run(feeds, { timeoutMs });
  return runRows((row) => session.run(row, { timeoutMs: timeLeft(timeoutMs, start) }), inputs, feeds);
}

export async function runRun(args: RunArgs): Promise<void> {
  if (args.output !== undefined) outputFormat(args.output);
  const inputs = (args.input ?? []).map((word) => [`--input ${word}`, pathOf(word)] as const);
  checkOutputPaths({ '--output': args.output }, { FILE: args.file, ...Object.fromEntries(inputs) });
  const session = await InferenceSession.create(pathOrStdin(args.file), {
    threads: args.threads,
    revectorize: args.revectorize,
    ...(args.executor !== 'auto' && { executor: args.executor }),
  });
  try {
    const feeds = await readInputs(session.inputs, args.input ?? []);
    deliver(await runSamples(session, feeds, args.timeoutMs), args);
  } finally {
    await session.release();
  }
}
