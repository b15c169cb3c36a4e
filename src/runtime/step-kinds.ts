/**
 * The step table: every kind of step that the step loop (assembly/steps.ts) can run, by name. `kerf/runtime` has
 * lazy-step-kinds.ts in its place (`#step-kinds`). `reference` steps are not in it: they run in the tool, never on a tape.
 */
import type { StepKind } from './step-kind.js';
import { coreStepKinds } from './step-kinds/core.js';
import { moreStepKinds } from './step-kinds/more.js';

export const stepKinds: ReadonlyMap<string, StepKind> = new Map([...coreStepKinds, ...moreStepKinds]);

/** Sees to it that the table has the named kinds, if there are such kinds: here it has all. */
export async function loadStepKinds(_names: ReadonlySet<string>): Promise<void> {}
