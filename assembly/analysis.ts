/** The tool's kernels: statistics and linear algebra. Kept out of the runtime's module. */
export * from './linalg/adam';
export * from './linalg/cholesky';
export * from './linalg/choose';
export * from './linalg/decisions';
export * from './linalg/eigen';
export * from './linalg/eliminate';
export * from './linalg/form-basis';
export * from './linalg/gram';
export * from './linalg/layout';
export * from './linalg/leading';
export * from './linalg/matrices';
export * from './linalg/panels';
export * from './linalg/project';
export * from './linalg/ql';
export * from './linalg/seeds';
export * from './linalg/tridiagonal';
export * from './linalg/window-rows';
export { f16_widen, f32_narrow } from './linear/half';
export { i8_pack_linear, i8_quantize_rows } from './linear/int8-pack';
export * from './statistics/binomial';
export * from './statistics/blocks';
export { f64_ks_exact, f64_lower_crossing } from './statistics/boundary';
export * from './statistics/checkpoint';
export { f32_pit_dithered } from './statistics/dither';
export * from './statistics/draw';
export * from './statistics/edges';
export * from './statistics/empirical-null';
export { f64_chi_square_log_p } from './statistics/gamma';
export * from './statistics/group-tests';
export * from './statistics/groups';
export * from './statistics/kolmogorov';
export * from './statistics/marchenko-pastur';
export * from './statistics/mirror';
export * from './statistics/moments';
export { f64_reject } from './statistics/multiple-testing';
export { f64_normal_log_tail, f64_normal_quantile } from './statistics/normal';
export * from './statistics/paths';
export * from './statistics/pictures';
export {
  f32_count_beyond,
  f32_count_other,
  f32_gather_beyond,
  f32_pit,
  f64_pit_table,
  pitTableLength,
} from './statistics/pit';
export { f64_fit_power_gamma, f64_log_product_log_p } from './statistics/power-gamma';
export { f64_uniform } from './statistics/random';
export * from './statistics/sort';
export { NR } from './tile';

/** First byte above the module's constants: what a host may use. */
export function heapBase(): usize {
  return __heap_base;
}
