/** What a package with a cascade needs more than others: `kerf/runtime` loads it on demand. */
export { createCascadeExecutor } from './cascade.js';
export { readCascade } from './format/cascade-reader.js';
