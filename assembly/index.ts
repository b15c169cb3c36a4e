/** The runtime's kernels: pointers in, numbers out; they allocate nothing. */
export { NR } from './tile';
