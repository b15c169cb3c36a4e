/** kerf: the tool. Reads, tests, anneals, decomposes, packs and runs networks. */
export { analyze } from './evidence/analyze.js';
export { canonicalise } from './graph/canonicalise.js';
export { InferenceSession } from './inference-session.js';
export { loadModel } from './model/load.js';
export { findParts } from './parts/find-parts.js';
export { anneal, decompose, verify } from './pipeline.js';
export { buildPlan } from './plan/build-plan.js';
export { KerfError } from './runtime/errors.js';
export { Tensor } from './runtime/tensor.js';
