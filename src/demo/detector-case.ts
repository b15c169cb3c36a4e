/** Demo (a): VS Code's language detector, and a twin of it that has lost its knowledge. */
import type { Certificate, LayerChoice } from '../annealing/annealing.js';
import { hashRows } from '../annealing/rows.js';
import { runRows } from '../evaluate-graph.js';
import { InferenceSession } from '../inference-session.js';
import { loadModel } from '../model/load.js';
import { encodePackage } from '../package/kerf-writer.js';
import { type DecomposeOptions, type Decomposition, decompose } from '../pipeline.js';
import { KerfError } from '../runtime/errors.js';
import type { Feeds } from '../runtime/executor.js';
import type { Tensor } from '../runtime/tensor.js';
import { type AnswerComparison, compareAnswers } from './compare.js';
import type { DemoOptions } from './demo.js';
import { bucketIdsTensor } from './language-detector.js';
import { findModuleFile, moduleFolders } from './places.js';
import { shuffledTwin } from './shuffled-twin.js';
import { findSourceFiles, type SourceFile } from './source-files.js';

/** Tells the detector's package and how to get it. */
export const detectorPackage = '@vscode/vscode-languagedetection';

const maxDisagreement = 0.02;

export interface FileSet {
  readonly files: number;
  readonly packages: number;
  readonly hash: string;
}

export interface DetectorResult {
  readonly maxDisagreement: number;
  readonly sets: { readonly calibration: FileSet; readonly guard: FileSet; readonly test: FileSet };
  readonly languages: number;
  readonly evidence: Decomposition['evidence'];
  readonly layers: readonly LayerChoice[];
  readonly parameters: { readonly before: number; readonly after: number };
  readonly macs: { readonly before: number; readonly after: number };
  readonly certificate: Certificate;
  readonly test: AnswerComparison;
  readonly twin: { readonly refused: boolean; readonly reason: string; readonly certificate: Certificate };
}

/** Files of ten packages in turn: two packages to calibration, five to the guard, three to the test. */
const shares = ['calibration', 'calibration', ...Array(5).fill('guard'), ...Array(3).fill('test')] as const;

type SetName = 'calibration' | 'guard' | 'test';

interface Rows {
  readonly feeds: Feeds;
  readonly files: readonly SourceFile[];
  readonly summary: FileSet;
}

/** Whole packages go to one set, so that the sets do not share a package's style. */
function splitByPackage(files: readonly SourceFile[]): Record<SetName, Rows> {
  const packages = [...new Set(files.map((file) => file.package))];
  const setOf = new Map(packages.map((name, i) => [name, shares[i % shares.length] as SetName]));
  const rowsOf = (set: SetName): Rows => {
    const chosen = files.filter((file) => setOf.get(file.package) === set);
    const feeds = { bucket_ids: bucketIdsTensor(chosen.map(({ text }) => text)) };
    const count = new Set(chosen.map((file) => file.package)).size;
    return { feeds, files: chosen, summary: { files: chosen.length, packages: count, hash: hashRows(feeds) } };
  };
  return { calibration: rowsOf('calibration'), guard: rowsOf('guard'), test: rowsOf('test') };
}

async function probabilities(session: InferenceSession, feeds: Feeds): Promise<Tensor> {
  try {
    return (await runRows((part) => session.run(part), session.inputs, feeds))['probabilities'];
  } finally {
    await session.release();
  }
}

/** What the guard said of the twin, in a sentence. */
function judgeTwin({ summary }: Decomposition): DetectorResult['twin'] {
  const { certificate, layers } = summary;
  const refused = layers.every(({ choice }) => choice === 'dense');
  const failed = certificate.stages.find(({ passed }) => !passed);
  const reason = failed
    ? `stage "${failed.name}" changed ${failed.seen} of ${failed.n} answers: up to ${(100 * failed.bound).toFixed(2)} % with ${100 * certificate.confidence} % confidence, over the ${100 * maxDisagreement} % allowed`
    : 'no stage failed';
  return { refused, reason, certificate };
}

/**
 * Runs the case.
 * @returns null when the detector is not installed
 */
export async function runDetectorCase({ seed, onProgress }: DemoOptions): Promise<DetectorResult | null> {
  const path = findModuleFile(`${detectorPackage}/model/model.json`);
  if (path === undefined) return null;
  const model = await loadModel(path);
  const files = findSourceFiles(moduleFolders());
  const { calibration, guard, test } = splitByPackage(files);
  const options: DecomposeOptions = {
    calibration: calibration.feeds,
    guard: guard.feeds,
    maxDisagreement,
    seed,
    onProgress,
  };
  const decomposition = await decompose(model, options);
  const labels = model.labels;
  if (!labels) throw new KerfError('MODEL_INVALID', 'language detector', 'it names no languages. Install it again.');
  const before = await probabilities(await InferenceSession.create(path), test.feeds);
  const after = await probabilities(await InferenceSession.create(encodePackage(decomposition.package)), test.feeds);
  const truth = test.files.map(({ language }) => labels.indexOf(language));
  const twin = await decompose({ ...model, graph: shuffledTwin(model.graph, undefined, seed) }, options);
  const { layers, parameters, macs, certificate } = decomposition.summary;
  return {
    maxDisagreement,
    sets: { calibration: calibration.summary, guard: guard.summary, test: test.summary },
    languages: new Set(files.map(({ language }) => language)).size,
    evidence: decomposition.evidence,
    layers,
    parameters,
    macs,
    certificate,
    test: compareAnswers(before, after, truth),
    twin: judgeTwin(twin),
  };
}
