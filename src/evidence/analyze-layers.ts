/** Evidence on the layers of a network: laws, then every tensor, then the hidden units between layers. */
import type { Quantization } from '../graph/graph.js';
import type { Layer } from '../graph/layers.js';
import { KerfError } from '../runtime/errors.js';
import type { Checkpoint } from './against-checkpoint.js';
import { analyzeTensors } from './analyze-tensors.js';
import type { Evidence, FamilyResult, TensorEvidence } from './evidence.js';
import { momentsOf } from './moments.js';
import { nullsOf } from './nulls.js';
import { testBlockPaths } from './paths.js';
import { undoRescaling } from './rescaling.js';
import { checkSignal, takeTurn } from './take-turn.js';
import { type TensorInput, tensorsOf } from './tensor-input.js';
import { testUnits } from './units.js';

/** More threads than any machine it was tried on has. */
const mostThreads = 256;

export interface AnalyzeOptions {
  /** A law by name, `auto` to infer it, or the initial weights by tensor name. Default `auto`. */
  readonly init?: string | Checkpoint;
  /** False discovery rate within each family of tests. Default 0.05. */
  readonly fdr?: number;
  /** Seed of the dithering of quantised weights. Default 0. */
  readonly seed?: number;
  /** Layers behind which the output is normalised, by name, with what normalises it. */
  readonly scaleFree?: ReadonlyMap<string, string>;
  /** Quantisation of the biases, by tensor name. */
  readonly quantization?: ReadonlyMap<string, Quantization>;
  /**
   * Most threads that test tensors side by side: as many of them as memory allows, three times the largest tensor and
   * 200 MiB. The evidence does not depend on it. Default `auto`: the cores.
   */
  readonly threads?: number | 'auto';
  /** Whether to draw {@link TensorEvidence.pictures}, for reports. Default false. */
  readonly pictures?: boolean;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number; readonly name: string }) => void;
  readonly signal?: AbortSignal;
}

function checkRate(fdr: number): void {
  if (fdr > 0 && fdr < 1) return;
  throw new KerfError('OPTION_INVALID', 'option "fdr"', `out of range: got ${fdr}, expected 0 < fdr < 1.`, {
    got: fdr,
  });
}

function checkThreads(threads: number | 'auto'): void {
  if (threads === 'auto') return;
  if (Number.isInteger(threads) && threads >= 1 && threads <= mostThreads) return;
  const problem = `out of range: got ${threads}, expected auto or a whole number from 1 to ${mostThreads}.`;
  throw new KerfError('OPTION_INVALID', 'option "threads"', problem, { got: threads });
}

/**
 * Tests every weight tensor of the layers against its initialisation law.
 * @throws LAW_INVALID when `init` is unknown; MODEL_INVALID when it is a checkpoint that shares no tensor with the network;
 *   WEIGHT_NOT_FINITE when a tensor holds NaN or infinity; OPTION_INVALID when `fdr` is not between 0 and 1, or
 *   `threads` is no count; ABORTED when `signal` fires
 * @example  (await analyzeLayers(layers, { init: 'torch-linear' })).tensors[0].verdict === 'moved'
 */
export async function analyzeLayers(layers: readonly Layer[], options: AnalyzeOptions = {}): Promise<Evidence> {
  return analyzeInputs(tensorsOf(layers, options.quantization), layers, options);
}

/**
 * Tests tensors, then the hidden units of the layers that they belong to.
 * @throws as {@link analyzeLayers}
 */
export async function analyzeInputs(
  inputs: readonly TensorInput[],
  layers: readonly Layer[],
  options: AnalyzeOptions = {},
): Promise<Evidence> {
  const { init = 'auto', fdr = 0.05, seed = 0, threads = 'auto', onProgress, signal } = options;
  checkRate(fdr);
  checkThreads(threads);
  checkSignal(signal);
  for (const input of inputs) {
    momentsOf(input);
    await takeTurn(signal);
  }
  const rescaling = undoRescaling(layers, inputs, await nullsOf(inputs, init, layers, signal));
  const pictures = options.pictures ?? false;
  const jobs = rescaling.inputs.map((input, i) => {
    const scaleFree = options.scaleFree?.get(input.layer ?? '');
    const balanced = rescaling.balanced.has(input.name);
    return { input, given: rescaling.nulls[i], options: { fdr, seed, scaleFree, balanced, pictures } };
  });
  const onStart = (job: number, done: number) => onProgress?.({ done, total: inputs.length, name: inputs[job].name });
  const outcomes = await analyzeTensors(jobs, { threads, onStart, signal });
  const byName = new Map(inputs.map(({ name }, i) => [name, outcomes[i]]));
  const units = testUnits(layers, byName, rescaling.unitLogP, fdr);
  const unitFamily = new Map<string | null, FamilyResult>(units.map(({ layer, family }) => [layer, family]));
  const tensors = outcomes.map(({ evidence }, i): TensorEvidence => {
    const isMatrix = inputs[i].kind !== 'bias';
    return { ...evidence, units: isMatrix ? (unitFamily.get(inputs[i].layer) ?? null) : null };
  });
  onProgress?.({ done: inputs.length, total: inputs.length, name: '' });
  const paths = testBlockPaths(layers, rescaling.inputs, rescaling.nulls, fdr);
  return { tensors, units: units.map(({ evidence }) => evidence), paths, fdr, seed };
}
