/** The runtime's kernels: pointers in, numbers out; they allocate nothing. */
export { heap_base } from './heap';
export { f32_gemm } from './linear/gemm';
export { f16_widen } from './linear/half';
export { i8_gemm } from './linear/int8';
export { f32_pack_linear } from './linear/pack';
export { f32_panels_skippable } from './linear/skippable';
export { f32_gemm_sparse_input } from './linear/sparse-input';
export { f32_margins } from './operators/index';
export { run_steps } from './steps';
export { NR } from './tile';
