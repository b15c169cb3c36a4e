/** The plan: steps over numbered buffers, weights in panels, parts and their order. Immutable and portable. */
export { buildPlan, type PlanOptions } from './build-plan.js';
export { runReference } from './reference-step.js';
