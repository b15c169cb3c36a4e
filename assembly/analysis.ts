/** The tool's kernels: statistics and linear algebra. Kept out of the runtime's module. */
export * from './statistics/moments';
export { NR } from './tile';

/** First byte above the module's constants: what a host may use. */
export function heapBase(): usize {
  return __heap_base;
}
