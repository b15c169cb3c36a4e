/** What `kerf/runtime` has in place of races.ts (`#races`): it runs the parts of a plan one after the other. */
import type { BoundPlan } from './bind-plan.js';

/** Checks nothing, since no two parts ever run at the same time. */
export function checkRaces(_bound: BoundPlan): void {}
