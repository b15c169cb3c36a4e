/** Tests of groups of scores (rows, columns, units, edge sequences), by name. */
import type { TensorData } from '../runtime/tensor.js';
import type { Block } from '../runtime/workspace.js';
import { analysisKernels } from './analysis.js';
import type { TestResult } from './evidence.js';
import { tensorKey } from './tensor-key.js';

/** Null hypothesis of all of them: the scores of a group are independent standard normals. */
export const groupTests = [
  'chi-square',
  'variance',
  'fisher',
  'higher-criticism',
  'max',
  'mean',
  'ks',
  'anderson-darling',
] as const;
export type GroupTest = (typeof groupTests)[number];

/** Where a test's null distribution comes from. */
export const groupNull: Readonly<Record<GroupTest, TestResult['method']>> = {
  'chi-square': 'exact',
  variance: 'exact',
  fisher: 'exact',
  'higher-criticism': 'exact',
  max: 'exact',
  mean: 'exact',
  ks: 'exact',
  'anderson-darling': 'simulated',
};

/** Groups that the simulated null is made of: no p-value falls below 1 over it. */
const simulatedGroups = 1 << 16;

/** Largest groups for which a test is offered: exact boundaries cost size^2 and more. */
export const largestGroup: Readonly<Partial<Record<GroupTest, number>>> = { 'higher-criticism': 1000, ks: 200 };

/** Anderson-Darling statistics of groups of standard normals, ascending. */
function simulatedNull(size: number): TensorData<'float64'> {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const z = workspace.allocate('float32', simulatedGroups * size);
    const out = workspace.allocate('float64', simulatedGroups);
    const scratch = workspace.allocate('float64', size);
    const key = BigInt.asIntN(64, tensorKey(0, `anderson-darling ${size}`));
    kernels.f32_draw(z.length, 0, 1, key, 0n, z.ptr);
    kernels.f32_anderson_darling(simulatedGroups, size, z.ptr, scratch.ptr, out.ptr);
    kernels.f64_sort(simulatedGroups, out.ptr);
    return workspace.copyOut(out);
  });
}

const nulls = new Map<number, TensorData<'float64'>>();

function simulatedLogP(statistics: Block<'float64'>, size: number): void {
  const { kernels, workspace } = analysisKernels();
  const values = nulls.get(size) ?? simulatedNull(size);
  nulls.set(size, values);
  workspace.scope(() => {
    const block = workspace.copyIn('float64', values);
    kernels.f64_simulated_log_p(statistics.length, statistics.ptr, values.length, block.ptr, statistics.ptr);
  });
}

/**
 * Log p-values of one test on every group.
 * chi-square: variance above 1. variance: either way. fisher: combined two-sided p-values. higher-criticism, max: few
 * large scores. mean: a common shift. ks, anderson-darling: any other law.
 * @param scores  [groups, size], f32
 * @param size  scores per group, up to {@link largestGroup}
 */
export function testGroups(test: GroupTest, scores: Block<'float32'>, size: number): TensorData<'float64'> {
  const { kernels, workspace } = analysisKernels();
  const groups = scores.length / size;
  return workspace.scope(() => {
    const out = workspace.allocate('float64', groups);
    const scratch = workspace.allocate('float64', 3 * size + 2);
    const z = scores.ptr;
    if (test === 'chi-square' || test === 'variance') {
      kernels.f32_row_squares(groups, size, z, 0, out.ptr);
      kernels.f64_chi_square_log_p(groups, out.ptr, size, test === 'variance' ? 2 : 0, out.ptr);
    } else if (test === 'fisher') kernels.f32_fisher_log_p(groups, size, z, out.ptr);
    else if (test === 'max') kernels.f32_max_log_p(groups, size, z, out.ptr);
    else if (test === 'mean') kernels.f32_mean_log_p(groups, size, z, out.ptr);
    else if (test === 'higher-criticism') {
      kernels.f32_higher_criticism_log_p(groups, size, z, scratch.ptr, out.ptr);
    } else if (test === 'ks') kernels.f32_group_ks_log_p(groups, size, z, scratch.ptr, out.ptr);
    else {
      kernels.f32_anderson_darling(groups, size, z, scratch.ptr, out.ptr);
      simulatedLogP(out, size);
    }
    return workspace.copyOut(out);
  });
}

/**
 * Scale of the null from sums of squared scores, most of which are null: the ratio of their lower tenth to their median
 * (a share of larger sums cancels out of it).
 * @param df  squares in each sum
 * @returns sigma over the one that the scores were made with; NaN when the sums have no such ratio
 */
export function refitScale(sums: TensorData<'float64'>, df: number): number {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const sorted = workspace.copyIn('float64', sums);
    kernels.f64_sort(sums.length, sorted.ptr);
    return kernels.f64_quantile_ratio_scale(sums.length, sorted.ptr, df);
  });
}
