/** Demo (b): a small net that reads handwritten digits, decomposed with images it was never told the answers of. */
import type { Certificate, LayerChoice } from '../annealing/annealing.js';
import { InferenceSession } from '../inference-session.js';
import { loadModel } from '../model/load.js';
import { encodePackage } from '../package/kerf-writer.js';
import { decompose } from '../pipeline.js';
import type { Tensor } from '../runtime/tensor.js';
import { type AnswerComparison, compareAnswers } from './compare.js';
import type { DemoOptions } from './demo.js';
import { type DigitSet, findDigits, readDigits } from './digits.js';
import { moduleFolders, readDigitsModel } from './places.js';
import { timeInTurns } from './time-in-turns.js';

const maxDisagreement = 0.01;

export interface ImageSet {
  readonly images: number;
  readonly hash: string;
}

/** One network on one way of running it, for all test images. */
export interface Timing {
  readonly network: 'before' | 'after';
  readonly executor: 'wasm' | 'pool';
  /** Threads that took part. */
  readonly threads: number;
  readonly medianMs: number;
}

export interface DigitsResult {
  readonly maxDisagreement: number;
  readonly sets: { readonly calibration: ImageSet; readonly guard: ImageSet; readonly test: ImageSet };
  readonly layers: readonly LayerChoice[];
  readonly parts: number;
  readonly parameters: { readonly before: number; readonly after: number };
  readonly macs: { readonly before: number; readonly after: number };
  readonly certificate: Certificate;
  readonly test: AnswerComparison;
  readonly timings: readonly Timing[];
  /** Whether one thread and the pool gave the same bits. */
  readonly bitEqual: boolean;
}

const summaryOf = ({ labels, sha256 }: DigitSet): ImageSet => ({ images: labels.length, hash: sha256 });

interface Contender {
  readonly network: Timing['network'];
  readonly executor: Timing['executor'];
  readonly session: InferenceSession;
  logits?: Tensor;
}

async function createContenders(model: Uint8Array, packed: Uint8Array): Promise<Contender[]> {
  const contenders: Contender[] = [];
  for (const executor of ['wasm', 'pool'] as const) {
    contenders.push({ network: 'before', executor, session: await InferenceSession.create(model, { executor }) });
    contenders.push({ network: 'after', executor, session: await InferenceSession.create(packed, { executor }) });
  }
  return contenders;
}

/** Runs every contender on the test images, in turns. */
async function runContenders(contenders: readonly Contender[], x: Tensor): Promise<Timing[]> {
  const calls = contenders.map((contender) => async () => {
    contender.logits = (await contender.session.run({ x }))['logits'];
  });
  const medians = await timeInTurns(calls);
  return contenders.map(({ network, executor, session }, i) => ({
    network,
    executor,
    threads: session.stats().threads.length,
    medianMs: medians[i],
  }));
}

function isBitEqual(a: Tensor, b: Tensor): boolean {
  const bits = ({ data }: Tensor) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return bits(a).equals(bits(b));
}

/**
 * Runs the case.
 * @returns null when the images are not installed
 */
export async function runDigitsCase({ seed, onProgress }: DemoOptions): Promise<DigitsResult | null> {
  const folder = findDigits(moduleFolders());
  if (folder === undefined) return null;
  const model = readDigitsModel();
  const { calibration, guard, test } = readDigits(folder, { seed });
  const decomposition = await decompose(await loadModel(model), {
    calibration: { x: calibration.x },
    guard: { x: guard.x },
    maxDisagreement,
    // What stands on its own is easier to see through than what asks the original.
    cascade: 'off',
    seed,
    onProgress,
  });
  const contenders = await createContenders(model, encodePackage(decomposition.package));
  try {
    onProgress?.({ stage: 'compare before and after' });
    const timings = await runContenders(contenders, test.x);
    const [before, after, , afterOnPool] = contenders.map(({ logits }) => logits!);
    const { layers, parts, parameters, macs, certificate } = decomposition.summary;
    return {
      maxDisagreement,
      sets: { calibration: summaryOf(calibration), guard: summaryOf(guard), test: summaryOf(test) },
      layers,
      parts: parts.length,
      parameters,
      macs,
      certificate,
      test: compareAnswers(before, after, test.labels),
      timings,
      bitEqual: isBitEqual(after, afterOnPool),
    };
  } finally {
    await Promise.all(contenders.map(({ session }) => session.release()));
  }
}
