/** kerf/runtime: loads a package and runs it. No Node API, no dependency, nothing of the tool. */
export { KerfError } from './errors.js';
export { Tensor } from './tensor.js';
