/** What `kerf/runtime` has in place of task-order.ts (`#task-order`): one thread runs chunk after chunk. */
import type { BoundPlan } from './bind-plan.js';
import type { RowChunk } from './row-chunks.js';
import type { OrderedTask, Unit } from './task-order.js';

/** All parts as one. */
export function unitsOf({ plan: { parts, steps } }: BoundPlan): Unit[] {
  return [{ parts: parts.map(({ id }) => id), steps: steps.map((_, step) => step), after: [] }];
}

/** Parts run one after the other. */
export function partsAtOnce(): number {
  return 1;
}

/** The chunks, each after the one before. */
export function orderTasks(_units: readonly Unit[], chunks: readonly RowChunk[]): OrderedTask[] {
  return chunks.map(({ bound: { work } }, chunk) => ({ unit: 0, chunk, after: chunk > 0 ? [chunk - 1] : [], work }));
}
