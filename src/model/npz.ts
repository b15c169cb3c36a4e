import type { Model } from '../graph/graph.js';
import { Tensor } from '../runtime/tensor.js';
import { defaultDataLimits } from './data/limits.js';
import { decodeNpz } from './data/npz.js';
import type { ReadOptions } from './onnx.js';
import { floatsOf, isFloatType } from './to-float32.js';
import { weightsModel } from './weights-model.js';

function asFloat32(tensor: Tensor): Tensor {
  if (!isFloatType(tensor.type)) return tensor;
  const { buffer, byteOffset } = tensor.data;
  const bytes = new Uint8Array(buffer as ArrayBuffer, byteOffset, tensor.sizeBytes);
  return new Tensor('float32', floatsOf(tensor.type, bytes), tensor.dims);
}

/**
 * Reads an npz file: weights without a network. Floats of every width become float32.
 * @throws DATA_INVALID when it is no zip of npy files; FILE_LIMIT when it has too many entries or inflates too far
 */
export function readNpz(bytes: Uint8Array, { limits }: ReadOptions = {}): Model {
  const arrays = decodeNpz(bytes, 'model', { ...defaultDataLimits, ...limits });
  const initializers = new Map([...arrays].map(([name, tensor]) => [name, asFloat32(tensor)]));
  return weightsModel('npz', initializers, bytes);
}
