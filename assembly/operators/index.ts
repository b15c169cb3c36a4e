/** Every non-linear kernel of the runtime, by family; steps.ts calls them. Nothing here allocates or keeps state. */
export { f32_attention } from './attention';
export { cast } from './cast';
export { copy_strided } from './copy';
export { f32_elementwise } from './elementwise';
export { f32_embedding_bag } from './embedding-bag';
export { x32_fill } from './fill';
export { gather_axis, x32_gather_columns } from './gather';
export { f32_margins } from './margins';
export { f32_gru, f32_lstm } from './recurrent';
export { f32_reduce } from './reduce';
export { f32_softmax } from './softmax';
export { f32_unary } from './unary';
export { f32_windows } from './windows';
