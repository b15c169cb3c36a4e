/** One contender's process: loads the model, then answers each message with the times of its calls. */
import { createRequire } from 'node:module';
import { InferenceSession } from '../../index.js';
import type { Feeds } from '../../runtime/executor.js';
import { version } from '../../version.js';
import { type InputPort, readRows } from '../inputs.js';
import { makeInputs } from './inputs.js';
import { versionAbove } from './peers.js';
import type { Load, Reply, Round } from './protocol.js';

type Call = (turn: number) => Promise<Iterable<number>> | Iterable<number>;

function firstOf(outputs: Record<string, { data: unknown }>): Iterable<number> {
  return Object.values(outputs)[0].data as Iterable<number>;
}

async function loadKerf(load: Load, inputs: readonly Feeds[]): Promise<Call> {
  const executor = load.threads === 1 ? 'wasm' : 'pool';
  const { threads, revectorize } = load;
  const session = await InferenceSession.create(load.path, { threads, executor, revectorize });
  return (turn) => firstOf(session.runSync(inputs[turn % inputs.length]));
}

interface OnnxRuntime {
  env: { wasm: { numThreads: number } };
  Tensor: new (dtype: string, data: unknown, dims: readonly number[]) => unknown;
  InferenceSession: {
    create(path: string, options: object): Promise<{ run(feeds: object): Promise<Record<string, { data: unknown }>> }>;
  };
}

async function loadPeer(load: Load, inputs: readonly Feeds[]): Promise<Call> {
  const ort = createRequire(import.meta.url)(load.module!) as OnnxRuntime;
  ort.env.wasm.numThreads = load.threads;
  const options = { intraOpNumThreads: load.threads, interOpNumThreads: 1, logSeverityLevel: 3 };
  const session = await ort.InferenceSession.create(load.path, options);
  const feeds = inputs.map((input) =>
    Object.fromEntries(
      Object.entries(input).map(([name, { type, data, dims }]) => [name, new ort.Tensor(type, data, dims)]),
    ),
  );
  return async (turn) => firstOf(await session.run(feeds[turn % feeds.length]));
}

let call: Call;
let turn = 0;

async function start(load: Load): Promise<Reply> {
  const inputs = makeInputs(
    load,
    load.data === null ? null : await readRows(load.data, load.inputs as readonly InputPort[]),
  );
  call = await (load.module === null ? loadKerf(load, inputs) : loadPeer(load, inputs));
  const firstOutput = Array.from(await call(turn++), Number);
  for (const end = performance.now() + 200; performance.now() < end; ) await call(turn++);
  return { ready: true, version: load.module === null ? version() : versionAbove(load.module), firstOutput };
}

async function round({ roundMs }: Round): Promise<Reply> {
  const samplesMs: number[] = [];
  const end = performance.now() + roundMs;
  do {
    const begin = performance.now();
    await call(turn++);
    samplesMs.push(performance.now() - begin);
  } while (performance.now() < end);
  return { samplesMs };
}

process.on('message', async (message: Load | Round) => {
  try {
    process.send!(await ('roundMs' in message ? round(message) : start(message)));
  } catch (error) {
    process.send!({ error: (error as Error).message } satisfies Reply);
  }
});
process.on('disconnect', () => process.exit());
