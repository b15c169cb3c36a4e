/** Families of hypotheses: which are rejected under one error rate. */
import type { TensorData } from '../runtime/tensor.js';
import type { Block } from '../runtime/workspace.js';
import { analysisKernels } from './analysis.js';
import type { FamilyResult } from './evidence.js';

const methods = { bonferroni: 0, holm: 1, 'benjamini-hochberg': 2, storey: 3 } as const;
export type Method = keyof typeof methods;

export interface Rejections {
  readonly family: FamilyResult;
  /** 1 where the null is rejected, one per hypothesis. */
  readonly flags: Uint8Array;
}

/** Rejects hypotheses by their log p-values under a family-wise or false discovery rate. */
export function reject(logP: TensorData<'float64'>, level: number, method: Method = 'benjamini-hochberg'): Rejections {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const n = logP.length;
    const values = workspace.copyIn('float64', logP);
    const sorted = workspace.allocate('float64', n);
    const flags = workspace.allocate('uint8', n);
    const supported = kernels.f64_reject(n, values.ptr, sorted.ptr, methods[method], level, flags.ptr);
    const control = method === 'benjamini-hochberg' || method === 'storey' ? 'false-discovery-rate' : 'family-wise';
    return { family: { tested: n, supported, control, level }, flags: workspace.copyOut(flags) };
  });
}

/** Log p-values of chi-square statistics with `df` degrees of freedom each. */
export function chiSquareLogP(
  statistics: TensorData<'float64'>,
  df: number,
  alternative: 'greater' | 'less' | 'two-sided' = 'greater',
): TensorData<'float64'> {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const values = workspace.copyIn('float64', statistics);
    const tail = { greater: 0, less: 1, 'two-sided': 2 }[alternative];
    kernels.f64_chi_square_log_p(statistics.length, values.ptr, df, tail, values.ptr);
    return workspace.copyOut(values);
  });
}

/**
 * Benjamini-Hochberg over single weights, two-sided p = 2 Phi(-|z|), without sorting: the number of rejections is the
 * largest k with at least k scores beyond the cut of p = k level / n, and the iteration k -> that count falls to it.
 * @param scratch  room for as many elements as scores; undefined afterwards
 */
export function rejectScores(scores: Block<'float32'>, level: number, scratch: Block<'float32'>): FamilyResult {
  const { kernels } = analysisKernels();
  const n = scores.length;
  const cutOf = (count: number) => kernels.f64_normal_quantile(Math.log((count * level) / (2 * n)));
  // The cut only grows, so those under the first one are not looked at again.
  const near = n > 0 ? kernels.f32_gather_beyond(n, scores.ptr, cutOf(n), scratch.ptr) : 0;
  let supported = near;
  for (let count = n; supported < count; ) {
    count = supported;
    supported = count > 0 ? kernels.f32_count_beyond(near, scratch.ptr, cutOf(count)) : 0;
  }
  return { tested: n, supported, control: 'false-discovery-rate', level };
}
