/** kerf: the tool. Reads, tests, anneals, decomposes, packs and runs networks. */

export type { Annealing, Certificate, LayerChoice, Stage } from './annealing/annealing.js';
export type { AnnealOptions } from './annealing/context.js';
export { analyze } from './evidence/analyze.js';
export type { AnalyzeOptions } from './evidence/analyze-layers.js';
export type { Evidence, TensorEvidence, TestResult, Verdict } from './evidence/evidence.js';
export type { CreateSessionOptions } from './executors/create-session.js';
export { canonicalise } from './graph/canonicalise.js';
export { fixSizes } from './graph/fix-sizes.js';
export type { Graph, Model } from './graph/graph.js';
export { InferenceSession } from './inference-session.js';
export type { ModelLimits } from './model/limits.js';
export { loadModel } from './model/load.js';
export type { Package } from './package/package.js';
export { findParts } from './parts/find-parts.js';
export type { Part, Parts } from './parts/parts.js';
export {
  anneal,
  type DecomposeOptions,
  type DecomposeSummary,
  type Decomposition,
  decompose,
  type Verification,
  verify,
} from './pipeline.js';
export { buildPlan } from './plan/build-plan.js';
export { type ErrorCode, KerfError } from './runtime/errors.js';
export type { Feeds, Outputs, RunOptions, SessionStats } from './runtime/executor.js';
export type { Plan } from './runtime/plan.js';
export type { Session } from './runtime/session.js';
export { type DType, Tensor } from './runtime/tensor.js';
export { exportOnnx, savePackage } from './save.js';
