/** What few packages and options need, cascades and the choice of kernels: `kerf/runtime` loads it on demand, as one file. */
export { createCascadeExecutor } from './cascade.js';
export { chooseKernels } from './choose-kernels.js';
export { readCascade } from './format/cascade-reader.js';
