/** Speed of contenders, each in a process of its own, in turns. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { KerfError } from '../../runtime/errors.js';
import type { Load, Reply, Round } from './protocol.js';

export interface Measurement {
  readonly name: string;
  readonly version: string;
  readonly threads: number;
  readonly batch: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  /** This contender's time over kerf's: the median over rounds of the ratio of medians; 1 for kerf. */
  readonly ratio: number;
  /** Largest difference of its first output from kerf's, over the largest output. */
  readonly difference: number;
  readonly samples: number;
}

/** Value at a fraction of the sorted list, nearest rank. */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(fraction * sorted.length) - 1)] ?? Number.NaN;
}

const median = (values: readonly number[]) => quantile(values, 0.5);

class Contender {
  readonly rounds: number[][] = [];
  version = '';
  firstOutput: readonly number[] = [];
  private readonly child: ChildProcess;

  constructor(readonly load: Load) {
    const entry = fileURLToPath(new URL('./contender.js', import.meta.url));
    this.child = fork(entry, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], serialization: 'advanced' });
  }

  async start(): Promise<void> {
    const reply = await this.ask(this.load);
    if (!('ready' in reply)) throw new KerfError('INTERNAL', this.load.contender, 'gave no first output.');
    this.version = reply.version;
    this.firstOutput = reply.firstOutput;
  }

  async round(roundMs: number): Promise<void> {
    const reply = await this.ask({ roundMs });
    if ('samplesMs' in reply) this.rounds.push([...reply.samplesMs]);
  }

  stop(): void {
    this.child.kill();
  }

  private ask(message: Load | Round): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const fail = (problem: string) =>
        reject(new KerfError('WORKER_FAILED', `contender "${this.load.contender}"`, problem));
      const onExit = (code: number | null) => fail(`its process ended with code ${code}.`);
      this.child.once('exit', onExit);
      this.child.once('message', (reply: Reply) => {
        this.child.off('exit', onExit);
        if ('error' in reply) fail(reply.error);
        else resolve(reply);
      });
      this.child.send(message);
    });
  }
}

function relativeDifference(a: readonly number[], b: readonly number[]): number {
  const scale = b.reduce((most, value) => Math.max(most, Math.abs(value)), Number.MIN_VALUE);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0) / scale;
}

function summarise(contender: Contender, kerf: Contender): Measurement {
  const { load, rounds, version } = contender;
  const samples = rounds.flat();
  return {
    name: load.contender,
    version,
    threads: load.threads,
    batch: load.batch,
    medianMs: median(samples),
    p99Ms: quantile(samples, 0.99),
    ratio: median(rounds.map((round, i) => median(round) / median(kerf.rounds[i]))),
    difference: relativeDifference(contender.firstOutput, kerf.firstOutput),
    samples: samples.length,
  };
}

/**
 * Measures contenders in turns; the first is the one the ratios refer to.
 * @param rounds  turns of each contender
 * @param roundMs  length of one turn
 * @throws WORKER_FAILED with the contender's own words when it cannot load or run the model
 */
export async function measure(loads: readonly Load[], rounds: number, roundMs: number): Promise<Measurement[]> {
  const contenders = loads.map((load) => new Contender(load));
  const stop = () => {
    for (const contender of contenders) contender.stop();
  };
  // On a signal, too: a contender in the middle of a round would not notice that its parent is gone.
  process.once('exit', stop);
  try {
    for (const contender of contenders) await contender.start();
    for (let round = 0; round < rounds; round++) {
      // The order turns too, so that nobody always runs behind the same neighbour.
      const first = round % contenders.length;
      for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)])
        await contender.round(roundMs);
    }
    return contenders.map((contender) => summarise(contender, contenders[0]));
  } finally {
    process.off('exit', stop);
    stop();
  }
}
