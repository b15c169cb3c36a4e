/** Paths through d-m-d blocks: an edge test that no permutation or rescaling of hidden units can change. */
import type { Layer } from '../graph/layers.js';
import type { TensorData } from '../runtime/tensor.js';
import { analysisKernels } from './analysis.js';
import type { Null } from './analyze-tensor.js';
import type { PathEvidence } from './evidence.js';
import { hasScores, type Law } from './laws.js';
import { loadValues } from './load-values.js';
import { rejectScores } from './multiple-testing.js';
import type { TensorInput } from './tensor-input.js';
import { kolmogorovSmirnov, sortScratch } from './tensor-tests.js';

interface Subject {
  readonly input: TensorInput;
  readonly law: Law;
}

/** Multiply-adds spent on one block; of larger ones, evenly spaced outputs are tested. */
const mostWork = 2 ** 31;

/** Outputs of a block that are tested. */
function testedRows(d: number, m: number): number[] {
  const count = Math.max(1, Math.min(d, Math.floor(mostWork / (d * m))));
  return Array.from({ length: count }, (_, i) => Math.floor((i * d) / count));
}

/**
 * z_ij = (W2 W1)_ij / (s1 s2 sqrt(m)) for the tested outputs i and all inputs j.
 * Null hypothesis: the weights are independent draws of their laws, of standard deviations s1 and s2. Then every z has
 * mean 0 and variance 1, any two are uncorrelated, and each is normal as m grows.
 */
export function pathScores(first: Subject, second: Subject, rows: readonly number[]): TensorData<'float32'> {
  const { kernels, workspace } = analysisKernels();
  const { rows: m, columns: d } = first.input;
  return workspace.scope(() => {
    const up = workspace.allocate('float32', m * d);
    const down = workspace.allocate('float32', rows.length * m);
    const scratch = workspace.allocate('float64', d);
    const scores = workspace.allocate('float32', rows.length * d);
    loadValues(first.input, up);
    const values = second.input.values;
    const view = workspace.view(down);
    for (const [to, from] of rows.entries()) view.set(values.subarray(from * m, (from + 1) * m), to * m);
    const factor = 1 / (first.law.std * second.law.std * Math.sqrt(m));
    kernels.f32_path_scores(rows.length, m, d, down.ptr, up.ptr, factor, scratch.ptr, scores.ptr);
    return workspace.copyOut(scores);
  });
}

/** The tests of a block's scores. */
function testPaths(scores: TensorData<'float32'>, level: number) {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const block = workspace.copyIn('float32', scores);
    const scratch = workspace.allocate('float32', block.length + sortScratch);
    const paths = rejectScores(block, level, scratch);
    const beyond = kernels.f32_count_beyond(block.length, block.ptr, kernels.f64_normal_quantile(Math.log(0.025)));
    const { ks } = kolmogorovSmirnov(block, scratch);
    return { paths, ks, shareAt05: beyond / block.length };
  });
}

/** Blocks d-m-d: a layer and its only follower, back to the width that it came from. */
function blocksOf(layers: readonly Layer[]): (readonly [Layer, Layer])[] {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  return layers.flatMap((first) => {
    const second = first.next.length === 1 ? byName.get(first.next[0]) : undefined;
    if (first.kind !== 'linear' || second?.kind !== 'linear') return [];
    const [m, d] = first.weight.dims;
    const isBlock = second.weight.dims[0] === d && second.weight.dims[1] === m;
    return isBlock ? [[first, second] as const] : [];
  });
}

/**
 * Tests the paths of every d-m-d block whose two matrices have laws with scores. Described, never pruned by: paths of
 * trained blocks are supported by the third or more, and stay one strong component.
 * @param inputs  tensors as they are tested, units balanced
 * @complexity O(d m d) multiply-adds a block, at most 2^31
 */
export function testBlockPaths(
  layers: readonly Layer[],
  inputs: readonly TensorInput[],
  nulls: readonly Null[],
  level: number,
): PathEvidence[] {
  const subjects = new Map<string, Subject>();
  for (const [i, input] of inputs.entries()) {
    const { law } = nulls[i];
    if (law && hasScores(law)) subjects.set(input.name, { input, law });
  }
  return blocksOf(layers).flatMap(([first, second]) => {
    const [a, b] = [subjects.get(first.tensor), subjects.get(second.tensor)];
    if (!a || !b) return [];
    const rows = testedRows(a.input.columns, a.input.rows);
    return [{ layers: [first.name, second.name], ...testPaths(pathScores(a, b, rows), level) }];
  });
}
