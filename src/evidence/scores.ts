/** PIT scores of a tensor under a law: the one transform that every test of it reads. */
import type { Block } from '../runtime/workspace.js';
import { type Analysis, analysisKernels } from './analysis.js';
import type { Law, LawFamily } from './laws.js';

/** Numbers of the families in assembly/statistics/law.ts. */
const familyCode: Partial<Record<LawFamily, number>> = { normal: 0, 'truncated-normal': 1, uniform: 2 };

const filled = new WeakSet<object>();

/** The tables of the bounded laws. They serve every scale of their family, so they are made once per thread. */
function filledTables(): Analysis['tables'] {
  const { kernels, tables } = analysisKernels();
  if (!filled.has(tables)) {
    kernels.f64_pit_table(1, tables.truncated.ptr);
    kernels.f64_pit_table(2, tables.uniform.ptr);
    filled.add(tables);
  }
  return tables;
}

/** Where dithering takes its numbers from; absent when the weights are exact. */
export interface Dither {
  /** Quantisation step of the stored weights. */
  readonly step: number;
  readonly key: bigint;
}

/** Levels of 16-bit weights; weights with more levels than elements gain nothing from a table. */
const mostLevels = 1 << 16;

function scoreDithered(weights: Block<'float32'>, law: Law, { step, key }: Dither, scores: Block<'float32'>): void {
  const { kernels, workspace } = analysisKernels();
  const { uniform } = filledTables();
  workspace.scope(() => {
    const n = weights.length;
    const most = Math.max(1, Math.min(n, mostLevels));
    const levels = workspace.allocate('float64', 2 * most); // a cell's ends for each level
    kernels.f32_pit_dithered(
      n,
      weights.ptr,
      familyCode[law.family]!,
      law.scale,
      step,
      BigInt.asIntN(64, key),
      0n,
      uniform.ptr,
      levels.ptr,
      most,
      scores.ptr,
    );
  });
}

/**
 * Writes z = +-Phi^-1(min(F(w), 1 - F(w))) of every weight.
 * @param law  one for which {@link hasScores} holds
 * @param scores  block of the weights' length; may be the weights' own
 */
export function score(weights: Block<'float32'>, law: Law, dither: Dither | null, scores: Block<'float32'>): void {
  const { kernels } = analysisKernels();
  const { truncated, uniform } = filledTables();
  const family = familyCode[law.family]!;
  if (dither) {
    scoreDithered(weights, law, dither, scores);
    return;
  }
  const table = law.family === 'truncated-normal' ? truncated : uniform;
  kernels.f32_pit(weights.length, weights.ptr, family, law.scale, table.ptr, scores.ptr);
}

/**
 * Fills a block with independent draws of a law.
 * @param law  one for which {@link hasScores} holds
 * @param key  stream of the counter-based generator
 */
export function draw(law: Law, key: bigint, weights: Block<'float32'>): void {
  const { kernels } = analysisKernels();
  const family = familyCode[law.family]!;
  kernels.f32_draw(weights.length, family, law.scale, BigInt.asIntN(64, key), 0n, weights.ptr);
}
