import type { Model } from '../graph/graph.js';
import { readHeaderBytes } from '../runtime/format/safetensors.js';
import { Tensor, viewOf } from '../runtime/tensor.js';
import { defaultLimits } from './limits.js';
import type { ReadOptions } from './onnx.js';
import { readWeightsHeader, safetensorsRules } from './safetensors-header.js';
import { floatsOf, isFloatType } from './to-float32.js';
import { weightsModel } from './weights-model.js';

/**
 * Reads a safetensors file: weights without a network. Floats of every width become float32.
 * @param bytes  the file; the tensors may be views of it
 * @throws MODEL_INVALID when the header is malformed or does not fit the file; MODEL_LIMIT when a tensor is too large
 */
export function readSafetensors(bytes: Uint8Array, options: ReadOptions = {}): Model {
  const limits = { ...defaultLimits, ...options.limits };
  const start = 8 + readHeaderBytes(bytes.subarray(0, 8), bytes.length, safetensorsRules);
  const payload = bytes.subarray(start) as Uint8Array<ArrayBuffer>;
  const { tensors } = readWeightsHeader(bytes.subarray(8, start), payload.length, limits);
  const initializers = new Map<string, Tensor>();
  for (const [name, { dtype, shape, begin, end }] of tensors) {
    const stored = payload.subarray(begin, end);
    if (isFloatType(dtype)) initializers.set(name, new Tensor('float32', floatsOf(dtype, stored), shape));
    else {
      const { buffer } = new Uint8Array(stored);
      const count = shape.reduce((product, dim) => product * dim, 1);
      initializers.set(name, new Tensor(dtype as never, viewOf(dtype as never, buffer, 0, count), shape));
    }
  }
  return weightsModel('safetensors', initializers, bytes);
}
