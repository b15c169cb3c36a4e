/** The tool's kernels: statistics and linear algebra. Kept out of the runtime's module. */
export * from './linalg/cholesky';
export * from './linalg/decisions';
export * from './linalg/eigen';
export * from './linalg/matrices';
export * from './linalg/panels';
export * from './statistics/binomial';
export * from './statistics/moments';
export { NR } from './tile';

/** First byte above the module's constants: what a host may use. */
export function heapBase(): usize {
  return __heap_base;
}
