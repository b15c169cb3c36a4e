/** Reads model files of every format into a Graph. Imports graph and runtime only. */
export { defaultLimits, type ModelLimits } from './limits.js';
export { type LoadOptions, loadModel } from './load.js';
export { type ReadOptions, readOnnx } from './onnx.js';
export { readTensorProto } from './onnx-tensor.js';
export { readTfjs } from './tfjs.js';
