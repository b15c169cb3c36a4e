/** The step table of `kerf/runtime`: those of the core, and all others once a package has one of them. */
import type { StepKind } from './step-kind.js';
import { coreStepKinds } from './step-kinds/core.js';

const table = new Map(coreStepKinds);

export const stepKinds: ReadonlyMap<string, StepKind> = table;

/** Sees to it that the table has the named kinds, if there are such kinds. */
export async function loadStepKinds(names: ReadonlySet<string>): Promise<void> {
  if ([...names].every((name) => table.has(name))) return;
  const { moreStepKinds } = await import('./step-kinds/more.js');
  for (const [name, kind] of moreStepKinds) table.set(name, kind);
}
