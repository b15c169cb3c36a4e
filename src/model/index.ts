/** Reads model files of every format into a Graph, and files of arrays into tensors. Imports graph and runtime only. */
export {
  type ArrayFormat,
  decodeArrays,
  encodeArrays,
  type ReadArraysOptions,
  readArrays,
  writeArrays,
} from './data/arrays.js';
export { convertTensor } from './data/convert.js';
export { type DataLimits, defaultDataLimits } from './data/limits.js';
export { defaultLimits, type ModelLimits } from './limits.js';
export { type LoadOptions, loadModel } from './load.js';
export { readNpz } from './npz.js';
export { type ReadOptions, readOnnx } from './onnx.js';
export { readTensorProto } from './onnx-tensor.js';
export { readSafetensors } from './safetensors.js';
export { readTfjs } from './tfjs.js';
export { openWeights, type StoredWeights, type WeightsFile } from './weights-file.js';
