/** kerf/runtime: loads a package and runs it. No Node API, no dependency, nothing of the tool. */
export type { KernelChoice } from './choose-kernels.js';
export { KerfError } from './errors.js';
export type { Executor, Feeds, Outputs, RunOptions, SessionStats, ThreadStats } from './executor.js';
export type { FallbackAction } from './fallback-watch.js';
export { InferenceSession, type SessionOptions } from './inference-session.js';
export type { Session } from './session.js';
export { Tensor } from './tensor.js';
