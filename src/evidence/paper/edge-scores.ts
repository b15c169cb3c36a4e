/** Scores of one tensor under its null, for edge tests. */
import type { Block } from '../../runtime/workspace.js';
import { oriented } from '../against-checkpoint.js';
import { analysisKernels } from '../analysis.js';
import type { Null } from '../analyze-tensor.js';
import { hasScores } from '../laws.js';
import { score } from '../scores.js';
import type { TensorInput } from '../tensor-input.js';
import { tensorKey } from '../tensor-key.js';

/** Size of the score of a weight that differs from a known initial value: beyond every cut. */
export const changedScore = 38.5;

/** What a tensor can be tested by: a law with an error rate, or its initial values, exactly. */
export type ScoreKind = 'law' | 'change';

/** How a null lets single weights be tested; null with the reason when it does not. */
export function scoreKind({ law, initial, noNull }: Null): { kind: ScoreKind | null; noNull: string | null } {
  if (initial || law?.family === 'point') return { kind: 'change', noNull: null };
  if (law && hasScores(law)) return { kind: 'law', noNull: null };
  const reason = law ? `entries under ${law.name} depend on each other` : (noNull ?? 'no known law fits');
  return { kind: null, noNull: reason };
}

/** Name of a null for a table. */
export function nullName({ law, initial }: Null): string | null {
  return initial ? 'checkpoint' : (law?.name ?? null);
}

/**
 * Scores of the weights [rows, columns] in the workspace: standard normal under a law; 0 or {@link changedScore} where
 * the initial values are known (bit-equality; decay is not taken out, since the procedure does not).
 */
export function scoresOf(input: TensorInput, given: Null, seed: number): Block<'float32'> {
  const { kernels, workspace } = analysisKernels();
  const weights = workspace.copyIn('float32', input.values);
  const { law, initial } = given;
  const isPoint = law?.family === 'point';
  if (!initial && !isPoint) {
    const dither = input.step > 0 ? { step: input.step, key: tensorKey(seed, input.name) } : null;
    score(weights, law!, dither, weights);
    return weights;
  }
  // Taken first: orienting may grow the memory, which would leave an earlier view behind.
  const values = initial ? oriented(input, initial, weights) : new Float32Array(weights.length).fill(law!.scale);
  const start = workspace.copyIn('float32', values);
  const tolerance = isPoint ? input.step / 2 : 0;
  kernels.f32_difference_scores(weights.length, weights.ptr, start.ptr, tolerance, changedScore, weights.ptr);
  return weights;
}
