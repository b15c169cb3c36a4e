/** The tool's kernels: statistics and linear algebra. Kept out of the runtime's module. */
export { NR } from './tile';
