import { bindPlan } from './bind-plan.js';
import { KerfError } from './errors.js';
import type { Feeds } from './executor.js';
import { bindingsOf, checkShapes } from './feeds.js';
import type { Plan } from './plan.js';

/** Whether a plan has inputs of the shapes of these feeds, and steps for their sizes; it stays bound to them. */
export function takesSizes(plan: Plan, feeds: Feeds): boolean {
  try {
    checkShapes(plan.inputs, feeds);
    bindPlan(plan, bindingsOf(plan.inputs, feeds));
    return true;
  } catch (error) {
    return !(error instanceof KerfError && ['SHAPE_MISMATCH', 'PACKAGE_INVALID'].includes(error.code));
  }
}
