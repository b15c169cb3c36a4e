/** Evidence on one tensor under one law. */
import type { Tensor } from '../runtime/tensor.js';
import type { Block } from '../runtime/workspace.js';
import { analyzeAgainstCheckpoint } from './against-checkpoint.js';
import { analysisKernels } from './analysis.js';
import type { Touched } from './checkpoint.js';
import { columnBlocks } from './column-blocks.js';
import type { FamilyResult, SpectrumResult, TensorEvidence } from './evidence.js';
import { shapeAtFreeScale } from './free-scale.js';
import { hasScores, type Law } from './laws.js';
import { loadValues } from './load-values.js';
import { measureMoments } from './moments.js';
import { looksOrthogonal } from './orthogonal.js';
import { asksForRowScales, hasRowScales } from './row-scales.js';
import type { Dither } from './scores.js';
import { measureSpectrum } from './spectrum.js';
import type { TensorInput } from './tensor-input.js';
import { tensorKey } from './tensor-key.js';
import { sortScratch, type TensorTests, testTensor } from './tensor-tests.js';
import { decide } from './verdict.js';

export interface Null {
  readonly law: Law | null;
  readonly source: 'given' | 'inferred' | 'none';
  /** Values at initialisation; then there is no law. */
  readonly initial?: Tensor;
  /** Why there is neither. */
  readonly noNull?: string;
}

export interface TensorOptions {
  readonly fdr: number;
  readonly seed: number;
  /** What normalises the layer's output, if anything does. */
  readonly scaleFree?: string | undefined;
  /** Whether the input stands balanced, other than in the file. */
  readonly balanced?: boolean;
  /** Whether to draw pictures for a report. */
  readonly pictures?: boolean;
}

/** What is kept of a tensor: its evidence, and what units are tested with, if there is a null. */
export interface TensorOutcome {
  readonly evidence: TensorEvidence;
  /** Sums of squared scores, under a law. */
  readonly tests?: TensorTests;
  /** Counts of touched weights, under a checkpoint. */
  readonly touched?: Touched;
}

function none(control: FamilyResult['control'], level: number): FamilyResult {
  return { tested: 0, supported: 0, control, level };
}

/** Fields that do not depend on the kind of law. */
function base(input: TensorInput, { law, source }: Null) {
  return {
    name: input.name,
    layer: input.layer,
    law: law?.name ?? null,
    lawSource: source,
    units: null,
    blocks: null,
  } as const;
}

/** No scores: no law, or one like `orthogonal` whose entries depend on each other. */
function withoutNull(input: TensorInput, given: Null, scaleRatio: number, fdr: number, noNull: string): TensorOutcome {
  const family = none('false-discovery-rate', fdr);
  const { verdict, reason } = decide({
    law: null,
    noNull,
    count: input.rows * input.columns,
    ks: Number.NaN,
    scaleRatio,
    weights: family,
    spectrum: null,
  });
  const evidence: TensorEvidence = {
    ...base(input, given),
    scaleRatio,
    fit: { ks: Number.NaN, pValue: Number.NaN },
    verdict,
    reason,
    weights: family,
    columns: family,
    rows: family,
    spectrum: null,
  };
  return { evidence };
}

/** A point law, `zeros` or `ones`: any change is movement, so every changed weight is supported, without error. */
function underPoint(input: TensorInput, given: Null, law: Law, weights: Block<'float32'>): TensorOutcome {
  const { kernels } = analysisKernels();
  const n = weights.length;
  const changed =
    input.step > 0 && law.scale === 0
      ? kernels.f32_count_beyond(n, weights.ptr, 0.5 * input.step)
      : kernels.f32_count_other(n, weights.ptr, law.scale);
  const family: FamilyResult = { tested: n, supported: changed, control: 'per-test', level: 0 };
  const share = n > 0 ? changed / n : 0;
  let verdict: TensorEvidence['verdict'] = share >= 0.5 ? 'moved' : 'partly';
  if (changed === 0) verdict = 'initialisation';
  const evidence: TensorEvidence = {
    ...base(input, given),
    scaleRatio: changed === 0 ? 1 : Number.POSITIVE_INFINITY,
    fit: { ks: share, pValue: changed === 0 ? 1 : 0 },
    verdict,
    reason: `${changed} of ${n} weights differ from ${law.name}.`,
    weights: family,
    columns: none('per-test', 0),
    rows: none('per-test', 0),
    spectrum: null,
  };
  return { evidence };
}

function spectrumOf(input: TensorInput, law: Law, weights: Block<'float32'>): SpectrumResult | null {
  const { rows, columns } = input;
  return input.kind === 'bias' || Math.min(rows, columns) < 2
    ? null
    : measureSpectrum(weights, rows, columns, law.std, law.family);
}

function underLaw(
  input: TensorInput,
  given: Null,
  law: Law,
  weights: Block<'float32'>,
  scaleRatio: number,
  options: TensorOptions,
): TensorOutcome {
  const { rows, columns, step } = input;
  const dither: Dither | null = step > 0 ? { step, key: tensorKey(options.seed, input.name) } : null;
  const spectrum = spectrumOf(input, law, weights);
  if (spectrum && looksOrthogonal(weights, spectrum, scaleRatio * law.std)) {
    const reason = 'its singular values are more equal than those of independent entries, as under orthogonal';
    return withoutNull(input, given, scaleRatio, options.fdr, reason);
  }
  const blocks = input.kind === 'bias' ? null : columnBlocks(weights, rows, columns, options.seed);
  const draw = options.pictures ? { blocks: blocks?.labels ?? null } : undefined;
  const tests = testTensor(weights, rows, columns, law, dither, options.fdr, draw);
  if (input.kind !== 'bias' && asksForRowScales(rows, columns, tests.ks)) {
    // The tests used the weights as scratch.
    loadValues(input, weights);
    if (hasRowScales(weights, rows, columns, law, tests.ks)) {
      const reason = `every row has the shape of ${law.name} at a scale of its own, as after folding a normalisation in`;
      return withoutNull(input, given, scaleRatio, options.fdr, reason);
    }
  }
  const decision = decide({
    law,
    count: weights.length,
    ks: tests.ks,
    scaleRatio,
    weights: tests.weights,
    spectrum,
  });
  const { scaleFree } = options;
  if (scaleFree && input.kind !== 'bias') {
    const isInferred = given.source === 'inferred';
    const shape = shapeAtFreeScale(input, law, isInferred, weights, scaleFree, { dither, level: options.fdr });
    if (shape) {
      const reason = `its output is normalised by ${scaleFree}, so its scale is free, and its shape is that of ${shape}`;
      return withoutNull(input, given, scaleRatio, options.fdr, reason);
    }
  }
  const free =
    scaleFree && input.kind !== 'bias'
      ? ` Its output is normalised by ${scaleFree}: this is by its shape, whatever its scale.`
      : '';
  const note = options.balanced ? `${free} Tested with its hidden units balanced.` : free;
  const evidence: TensorEvidence = {
    ...base(input, given),
    scaleRatio,
    fit: { ks: tests.ks, pValue: tests.ksPValue },
    verdict: decision.verdict,
    reason: decision.reason + note,
    weights: tests.weights,
    columns: input.kind === 'bias' ? none('false-discovery-rate', options.fdr) : tests.columns,
    rows: input.kind === 'bias' ? none('false-discovery-rate', options.fdr) : tests.rows,
    spectrum,
    blocks: blocks && { k: blocks.k },
    ...(tests.pictures && { pictures: tests.pictures }),
  };
  return { evidence, tests };
}

/** Tests one tensor against its law. */
export function analyzeTensor(input: TensorInput, given: Null, options: TensorOptions): TensorOutcome {
  const { workspace } = analysisKernels();
  return workspace.scope(() => {
    const n = input.rows * input.columns;
    const { ptr } = workspace.allocate('float32', n + sortScratch);
    const weights: Block<'float32'> = { dtype: 'float32', ptr, length: n };
    loadValues(input, weights);
    if (given.initial) return analyzeAgainstCheckpoint(input, given.initial, weights);
    const { law } = given;
    if (!law) return withoutNull(input, given, Number.NaN, options.fdr, given.noNull ?? 'no known law fits');
    if (law.family === 'point') return underPoint(input, given, law, weights);
    if (!hasScores(law)) {
      return withoutNull(input, given, Number.NaN, options.fdr, `entries under ${law.name} depend on each other`);
    }
    // One weight has no spread.
    const scaleRatio = n > 1 ? measureMoments(input.name, weights).std / law.std : Number.NaN;
    return underLaw(input, given, law, weights, scaleRatio, options);
  });
}
