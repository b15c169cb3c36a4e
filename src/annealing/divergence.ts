/** How far the probabilities of a changed network are from the original's. */
import { analysisKernels } from '../evidence/analysis.js';
import type { Graph } from '../graph/graph.js';
import type { Outputs } from '../runtime/executor.js';
import type { Tensor } from '../runtime/tensor.js';
import type { Decision } from './decision.js';

/** The divergence of each row along the last axis. */
function divergences(original: Tensor, changed: Tensor, areProbabilities: boolean): Float64Array {
  const columns = original.dims.at(-1) as number;
  const rows = columns === 0 ? 0 : original.size / columns;
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const a = workspace.copyIn('float32', original.data as Float32Array<ArrayBuffer>);
    const b = workspace.copyIn('float32', changed.data as Float32Array<ArrayBuffer>);
    const out = workspace.allocate('float64', rows);
    kernels.f32_row_divergences(areProbabilities ? 1 : 0, rows, columns, a.ptr, b.ptr, out.ptr);
    return workspace.copyOut(out);
  });
}

/**
 * Mean over samples (and positions, and outputs) of KL(p || q), p the softmax of the original's outputs, q of the changed
 * network's, in nats; an output that a Softmax makes is p itself.
 * @returns null where an argmax does not decide, no output is float32, or a number is not finite
 */
export function meanDivergence(graph: Graph, original: Outputs, changed: Outputs, decision: Decision): number | null {
  if (decision.kind !== 'argmax') return null;
  const all = graph.outputs.flatMap(({ name }) => {
    const tensor = original[name];
    if (tensor?.type !== 'float32' || tensor.dims.length < 2) return [];
    const last = graph.nodes.find(({ outputs }) => outputs.includes(name));
    return [divergences(tensor, changed[name], last?.op === 'Softmax')];
  });
  const count = all.reduce((sum, { length }) => sum + length, 0);
  if (count === 0) return null;
  const mean = all.reduce((sum, part) => sum + part.reduce((own, value) => own + value, 0), 0) / count;
  // Rounding may take a divergence of nothing below zero.
  return Number.isFinite(mean) ? Math.max(0, mean) : null;
}
