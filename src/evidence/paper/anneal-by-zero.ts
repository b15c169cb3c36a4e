/** Structural annealing as the paper has it: what is not supported becomes zero, and nothing makes up for it. */
import { canonicalise } from '../../graph/canonicalise.js';
import type { Graph } from '../../graph/graph.js';
import { findLayers, type Layer } from '../../graph/layers.js';
import { Tensor, type TensorData } from '../../runtime/tensor.js';
import type { Block } from '../../runtime/workspace.js';
import { analysisKernels } from '../analysis.js';
import { allocateMarks } from './adjacency.js';
import type { EdgeFamily, PaperEvidence } from './paper-evidence.js';

/** Marks of each matrix of a family: its own, or those of the block's edges spread over both matrices. */
function marksOf({ adjacency, length }: EdgeFamily): Block<'uint32'>[] {
  const { kernels, workspace } = analysisKernels();
  const marks = workspace.copyIn('uint32', adjacency.bits);
  if (length === 1) return [marks];
  const [d, m] = [adjacency.rows, length / 2];
  const up = allocateMarks(m * d, d);
  const down = allocateMarks(d, m * d);
  kernels.mark_sequences(d, m, marks.ptr, up.ptr, down.ptr);
  return [up, down];
}

/** Weights [out, in] with zeros, or initial values, where there is no mark. */
function keep(layer: Layer, marks: Block<'uint32'>, initial: TensorData<'float32'> | null): Float32Array<ArrayBuffer> {
  const { kernels, workspace } = analysisKernels();
  const [rows, columns] = layer.weight.dims;
  return workspace.scope(() => {
    const weights = workspace.copyIn('float32', layer.weight.data);
    const start = initial ? workspace.copyIn('float32', initial).ptr : 0;
    kernels.f32_keep_marked(rows, columns, weights.ptr, marks.ptr, start);
    if (layer.kind === 'linear') return workspace.copyOut(weights);
    // The file's table is [vocabulary, dimension].
    const table = workspace.allocate('float32', weights.length);
    kernels.f32_transpose(rows, columns, weights.ptr, columns, table.ptr, rows);
    return workspace.copyOut(table);
  });
}

/**
 * The canonical graph without its unsupported edges: their weights become zero.
 * @param graph  the one that was analysed
 * @param initial  initial weights [out, in] by tensor name: unsupported weights go back to them instead of to zero
 * @returns a new graph; biases and supported weights as they were
 */
export function annealByZero(graph: Graph, { families }: PaperEvidence, initial?: ReadonlyMap<string, Tensor>): Graph {
  const canonical = canonicalise(graph);
  const layers = new Map(findLayers(canonical).map((layer) => [layer.name, layer]));
  const initializers = new Map(canonical.initializers);
  for (const family of families) {
    analysisKernels().workspace.scope(() => {
      for (const [i, marks] of marksOf(family).entries()) {
        const layer = layers.get(family.layers[i])!;
        const start = initial?.get(layer.tensor)?.data as TensorData<'float32'> | undefined;
        const data = keep(layer, marks, start ?? null);
        const { dims } = canonical.initializers.get(layer.tensor)!;
        initializers.set(layer.tensor, new Tensor('float32', data, dims));
      }
    });
  }
  return { ...canonical, initializers };
}
