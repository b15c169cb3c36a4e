/** Which steps form a task, and the order in which tasks are offered to the threads. */
import type { BoundPlan } from './bind-plan.js';
import type { PlanPart } from './plan.js';
import type { RowChunk } from './row-chunks.js';

/** Most tasks of one run: the claim word of the pool counts them in 12 bits. */
export const maximumTasks = 4095;

/** A part, or all of them as one where a single thread runs the plan. */
export interface Unit {
  readonly parts: readonly number[];
  /** Indexes of its steps. */
  readonly steps: readonly number[];
  /** Units that must have ended before; all of smaller index. */
  readonly after: readonly number[];
}

const range = (first: number, end: number) => Array.from({ length: end - first }, (_, i) => first + i);

/** The parts as the plan's maker numbered them. */
const partIds = (parts: readonly PlanPart[]) => [...new Set(parts.map(({ id, of = id }) => of))];

/** The units of a plan for `threads` threads. */
export function unitsOf({ plan }: BoundPlan, threads: number, chunks: number): Unit[] {
  const { parts, steps } = plan;
  if (threads === 1 || parts.length < 2 || parts.length * chunks > maximumTasks) {
    return [{ parts: partIds(parts), steps: range(0, steps.length), after: [] }];
  }
  const unitOf = new Map(parts.map(({ id }, unit) => [id, unit]));
  return parts.map(({ id, first, end, after, of = id }) => ({
    parts: [of],
    steps: range(first, end),
    after: after.map((other) => unitOf.get(other)!),
  }));
}

export interface OrderedTask {
  readonly unit: number;
  readonly chunk: number;
  /** Positions in the order, all smaller. */
  readonly after: readonly number[];
  readonly work: number;
}

/** How many parts of equal work could run at the same time, by the longest chain of parts that wait for each other. */
export function partsAtOnce(bound: BoundPlan): number {
  const units = unitsOf(bound, 2, 1);
  const works = units.map(({ steps }) => steps.reduce((sum, step) => sum + bound.steps[step].work, 0));
  const longest = chainWork(units, works).reduce((most, work) => Math.max(most, work), 1);
  return Math.max(1, Math.floor(bound.work / longest));
}

/** Work of a unit plus the longest chain of units that wait for it, per row chunk of the first size. */
function chainWork(units: readonly Unit[], works: readonly number[]): number[] {
  const chain = [...works];
  for (let unit = units.length - 1; unit >= 0; unit--) {
    for (const before of units[unit].after) chain[before] = Math.max(chain[before], works[before] + chain[unit]);
  }
  return chain;
}

/**
 * Every unit over every chunk: chunks in groups of `slots`, inside a group the longest chain of work first, which is also
 * a topological order. A chunk waits for the chunk `slots` before it, whose memory it uses again.
 */
export function orderTasks(units: readonly Unit[], chunks: readonly RowChunk[], slots: number): OrderedTask[] {
  const workOf = (unit: Unit, { bound }: RowChunk) => unit.steps.reduce((sum, step) => sum + bound.steps[step].work, 0);
  const chain = chainWork(
    units,
    units.map((unit) => workOf(unit, chunks[0])),
  );
  const groupOf = (chunk: number) => Math.floor(chunk / slots);
  const order = units
    .flatMap((_, unit) => chunks.map((_, chunk) => ({ unit, chunk, group: groupOf(chunk) })))
    .sort((a, b) => a.group - b.group || chain[b.unit] - chain[a.unit] || a.unit - b.unit || a.chunk - b.chunk);
  const positions = new Map(order.map(({ unit, chunk }, at) => [unit * chunks.length + chunk, at]));
  const positionOf = (unit: number, chunk: number) => positions.get(unit * chunks.length + chunk)!;
  return order.map(({ unit, chunk }) => {
    const { after } = units[unit];
    const isRoot = after.length === 0 && chunk >= slots;
    const before = isRoot ? units.map((_, other) => positionOf(other, chunk - slots)) : [];
    const work = workOf(units[unit], chunks[chunk]);
    return { unit, chunk, after: [...before, ...after.map((other) => positionOf(other, chunk))], work };
  });
}
