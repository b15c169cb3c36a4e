/** `kerf bench`: measures kerf and its peers on one model. */
import { InferenceSession } from '../index.js';
import { readSource } from '../model/load.js';
import { short } from '../report/numbers.js';
import { formatTable } from '../report/table.js';
import { formatExtent } from '../runtime/extent.js';
import { isPackage } from '../runtime/format/package-reader.js';
import { type Measurement, measure } from './bench/measure.js';
import { peerNames, resolvePeer } from './bench/peers.js';
import type { InputSpec, Load } from './bench/protocol.js';
import type { BenchArgs } from './commands/bench.js';
import { usageError } from './options.js';
import { printResult, remark } from './print.js';

const rounds = 5;

function batchesOf(words: string): number[] {
  const batches = words.split(',').map(Number);
  const wrong = batches.find((batch) => !Number.isInteger(batch) || batch < 1);
  if (wrong !== undefined) throw usageError('--batch', `got "${words}", expected whole numbers >= 1, as in 1,64.`);
  return batches;
}

function peersOf(words: string | undefined): string[] {
  const names = words ? words.split(',') : [];
  const unknown = names.find((name) => !peerNames.includes(name as never));
  if (unknown !== undefined) {
    throw usageError('--against', `got "${unknown}", expected any of ${peerNames.join(', ')}.`);
  }
  return names;
}

function formatMeasurements(contenders: readonly Measurement[]): string {
  const columns = [
    { head: 'contender' },
    { head: 'version' },
    { head: 'threads', align: 'right' },
    { head: 'batch', align: 'right' },
    { head: 'median ms', align: 'right' },
    { head: 'p99 ms', align: 'right' },
    { head: 'time / kerf', align: 'right' },
    { head: 'difference', align: 'right' },
  ] as const;
  const rows = contenders.map((c) => [
    c.name,
    c.version,
    c.threads,
    c.batch,
    short(c.medianMs),
    short(c.p99Ms),
    short(c.ratio),
    short(c.difference),
  ]);
  return formatTable(columns, rows);
}

const isKerfPackage = async (path: string) => isPackage((await readSource(path)).bytes);

async function inputsOf(file: string): Promise<readonly InputSpec[]> {
  const session = await InferenceSession.create(file, { executor: 'wasm' });
  const inputs = session.inputs.map(({ name, dtype, shape }) => ({
    name,
    dtype,
    shape: shape.map((dim) => (typeof dim === 'number' ? dim : formatExtent(dim))),
  }));
  await session.release();
  return inputs;
}

/**
 * The batch sizes to measure: those asked for, or what the model fixes, which is then the first axis of its first input.
 * @throws USAGE when a model that fixes another number is asked for one
 */
function batchesFor(words: string | undefined, inputs: readonly InputSpec[]): readonly number[] {
  const [first] = inputs.flatMap(({ shape }) => shape.slice(0, 1));
  const isOpen = inputs.some(({ shape }) => typeof shape[0] === 'string');
  const fixed = isOpen || typeof first !== 'number' ? undefined : first;
  if (words === undefined) return [fixed ?? 1];
  const batches = batchesOf(words);
  const other = fixed === undefined ? undefined : batches.find((batch) => batch !== fixed);
  if (other === undefined) return batches;
  const problem = `the model takes ${fixed} at a time: got ${other}, expected ${fixed}. Export it with an open first axis.`;
  throw usageError('--batch', problem);
}

/** What each contender is told: the same inputs, its own file. */
function loadsOf(
  args: BenchArgs,
  inputs: readonly InputSpec[],
  batch: number,
  found: ReadonlyMap<string, string>,
): Load[] {
  const common = {
    threads: args.threads,
    revectorize: args.revectorize,
    batch,
    data: args.data ?? null,
    inputs,
    seed: 0,
  };
  return [
    { ...common, contender: 'kerf', module: null, path: args.file },
    ...[...found].map(([name, module]) => ({ ...common, contender: name, module, path: args.peerModel ?? args.file })),
  ];
}

export async function runBench(args: BenchArgs): Promise<void> {
  // What is no list of sizes is refused before the model is read.
  if (args.batch !== undefined) batchesOf(args.batch);
  const wanted = peersOf(args.against);
  const resolved = wanted.map((name) => [name, resolvePeer(name)] as const);
  const missing = resolved.filter(([, module]) => module === null).map(([name]) => name);
  const found = new Map(resolved.flatMap(([name, module]) => (module === null ? [] : [[name, module] as const])));
  for (const name of missing) remark(`${name} is not installed: npm install ${name} --ignore-scripts`);
  if (found.size > 0 && args.peerModel === undefined && (await isKerfPackage(args.file))) {
    throw usageError('--against', 'peers cannot run a package. Name the ONNX file for them with --peer-model.');
  }
  const inputs = await inputsOf(args.file);
  const contenders: Measurement[] = [];
  for (const batch of batchesFor(args.batch, inputs)) {
    const loads = loadsOf(args, inputs, batch, found);
    contenders.push(...(await measure(loads, rounds, (1000 * args.seconds) / rounds)));
  }
  printResult(args.json, { contenders, missing }, () => formatMeasurements(contenders));
}
