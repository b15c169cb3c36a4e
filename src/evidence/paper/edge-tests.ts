/** Edge tests: which statistics exceed what their null explains, under one error rate. */
import type { Block } from '../../runtime/workspace.js';
import { analysisKernels } from '../analysis.js';
import type { FamilyResult } from '../evidence.js';
import { type Adjacency, allocateMarks } from './adjacency.js';
import type { EdgeControl } from './paper-evidence.js';

/** Statistics of edges [rows, columns] from sources (columns) to targets (rows); larger is further from the null. */
interface Statistics {
  readonly rows: number;
  readonly columns: number;
  /** Value that a statistic exceeds with probability p under the null. */
  cut(p: number): number;
  countAbove(cut: number): number;
  mark(cut: number, bitsPtr: number): number;
}

const controls: Readonly<Record<EdgeControl, FamilyResult['control']>> = {
  alpha: 'per-test',
  bh: 'false-discovery-rate',
  bonferroni: 'family-wise',
};

/** Largest p-value that is still rejected. Benjamini-Hochberg without sorting: the count falls to its fixed point. */
function largestP(statistics: Statistics, control: EdgeControl, level: number): number {
  const n = statistics.rows * statistics.columns;
  if (control === 'alpha') return level;
  if (control === 'bonferroni') return level / n;
  for (let count = n; count > 0; ) {
    const p = (count * level) / n;
    const found = statistics.countAbove(statistics.cut(p));
    if (found >= count) return p;
    count = found;
  }
  return 0;
}

export interface EdgeResult {
  readonly family: FamilyResult;
  readonly adjacency: Adjacency;
}

function collect({ rows, columns, mark }: Statistics, cut: number, control: FamilyResult['control'], level: number) {
  const { workspace } = analysisKernels();
  const marks = allocateMarks(rows, columns);
  const edges = mark(cut, marks.ptr);
  const adjacency = { rows, columns, bits: workspace.copyOut(marks), edges };
  return { family: { tested: rows * columns, supported: edges, control, level }, adjacency };
}

function test(statistics: Statistics, control: EdgeControl, level: number): EdgeResult {
  const p = largestP(statistics, control, level);
  return collect(statistics, p > 0 ? statistics.cut(p) : Number.POSITIVE_INFINITY, controls[control], level);
}

function singles(scores: Block<'float32'>, rows: number, columns: number): Statistics {
  const { kernels } = analysisKernels();
  return {
    rows,
    columns,
    cut: (p) => (p >= 1 ? 0 : kernels.f64_normal_quantile(Math.log(p / 2))),
    countAbove: (cut) => kernels.f32_count_beyond(scores.length, scores.ptr, cut),
    mark: (cut, bitsPtr) => kernels.f32_mark_beyond(rows, columns, scores.ptr, cut, bitsPtr),
  };
}

/** The value that chi-square with `df` degrees of freedom exceeds with probability p, by bisection to f64's limit. */
function chiSquareQuantile(df: number, p: number): number {
  const { kernels, workspace } = analysisKernels();
  const target = Math.log(p);
  return workspace.scope(() => {
    const value = workspace.allocate('float64', 1);
    const logTail = (x: number) => {
      workspace.view(value)[0] = x;
      kernels.f64_chi_square_log_p(1, value.ptr, df, 0, value.ptr);
      return workspace.view(value)[0];
    };
    let [low, high] = [0, df + 1];
    while (logTail(high) > target) high *= 2;
    for (let middle = (low + high) / 2; middle > low && middle < high; middle = (low + high) / 2) {
      if (logTail(middle) > target) low = middle;
      else high = middle;
    }
    return high;
  });
}

/** Sums of squares of the sequences of a d-md-d block; takes a block of the workspace. */
function sequences(up: Block<'float32'>, down: Block<'float32'>, d: number, m: number): Statistics {
  const { kernels, workspace } = analysisKernels();
  const sums = workspace.allocate('float64', d * d);
  kernels.f32_sequence_squares(d, m, up.ptr, down.ptr, sums.ptr);
  return {
    rows: d,
    columns: d,
    cut: (p) => (p >= 1 ? 0 : chiSquareQuantile(2 * m, p)),
    countAbove: (cut) => kernels.f64_count_above(sums.length, sums.ptr, cut),
    mark: (cut, bitsPtr) => kernels.f64_mark_above(d, d, sums.ptr, cut, bitsPtr),
  };
}

/**
 * Tests every weight of a matrix by itself.
 * Null hypothesis: the weight is a draw of its law. Alternative: two-sided. Statistic: |z| of the probability integral
 * transform; exact.
 * @param scores  z [rows, columns]
 */
export function testWeights(
  scores: Block<'float32'>,
  rows: number,
  columns: number,
  control: EdgeControl,
  level: number,
): EdgeResult {
  return test(singles(scores, rows, columns), control, level);
}

/**
 * Tests the sequences of 2m values of a d-md-d block: those of channel c are W1[c d + j, i] and W2[j, c d + i].
 * Null hypothesis: all 2m are draws of their laws. Statistic: the sum of squared scores, chi-square with 2m degrees of
 * freedom, exact; of the group tests tried the most powerful on 8 values, so the procedure is shown at its best.
 * @param up  scores of the first matrix [m d, d]
 * @param down  scores of the second matrix [d, m d]
 */
export function testSequences(
  up: Block<'float32'>,
  down: Block<'float32'>,
  d: number,
  m: number,
  control: EdgeControl,
  level: number,
): EdgeResult {
  return analysisKernels().workspace.scope(() => test(sequences(up, down, d, m), control, level));
}

/** Marks of weights whose initial values are known: any score counts, without error. */
export function markChangedWeights(scores: Block<'float32'>, rows: number, columns: number): EdgeResult {
  return collect(singles(scores, rows, columns), 1, 'per-test', 0);
}

/** The same for sequences: one changed value of the 2m supports the edge. */
export function markChangedSequences(up: Block<'float32'>, down: Block<'float32'>, d: number, m: number): EdgeResult {
  return analysisKernels().workspace.scope(() => collect(sequences(up, down, d, m), 1, 'per-test', 0));
}
