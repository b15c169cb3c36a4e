/** A file of named arrays as a model: weights without a network. */
import { createHash } from 'node:crypto';
import type { Model, ModelFormat } from '../graph/graph.js';
import type { Tensor } from '../runtime/tensor.js';

/** A model whose graph has initializers and nothing else; `bytes` are the file's. */
export function weightsModel(format: ModelFormat, initializers: ReadonlyMap<string, Tensor>, bytes: Uint8Array): Model {
  const graph = { name: '', opset: 0, inputs: [], outputs: [], nodes: [], initializers, quantization: new Map() };
  return { format, graph, unsupported: [], sha256: createHash('sha256').update(bytes).digest('hex') };
}
