/** The runtime's kernels: pointers in, numbers out; they allocate nothing. */
export { f32_gemm } from './linear/gemm';
export { f32_pack_linear } from './linear/pack';
export { NR } from './tile';
