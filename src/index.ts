/** kerf: the tool. Reads, tests, anneals, decomposes, packs and runs networks. */
export { KerfError } from './runtime/errors.js';
export { Tensor } from './runtime/tensor.js';
