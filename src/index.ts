/** kerf: the tool. Reads, tests, anneals, decomposes, packs and runs networks. */
export { InferenceSession } from './inference-session.js';
export { loadModel } from './model/load.js';
export { KerfError } from './runtime/errors.js';
export { Tensor } from './runtime/tensor.js';
