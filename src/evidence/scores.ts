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
    const { step, key } = dither;
    kernels.f32_pit_dithered(
      weights.length,
      weights.ptr,
      family,
      law.scale,
      step,
      BigInt.asIntN(64, key),
      0n,
      uniform.ptr,
      scores.ptr,
    );
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
