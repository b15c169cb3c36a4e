import type { BoundPlan } from './bind-plan.js';
import { alignBytes, type Lifetime, placeByLifetime } from './liveness.js';
import type { Unit } from './task-order.js';
import { elementBytes } from './tensor.js';

/** Byte address of every buffer that a unit touches, and under {@link scratchOf} of what its steps scratch on. */
export type Place = ReadonlyMap<number, number>;

export interface ChunkPlace {
  readonly basePtr: number;
  /** By unit. */
  readonly units: readonly Place[];
  readonly endPtr: number;
}

/** Key of the scratch of step `step` of the plan; no buffer has a negative number. */
export const scratchOf = (step: number) => -1 - step;

/** First and last step (as positions in the unit) that touch each buffer or scratch. */
function lifetimesOf(bound: BoundPlan, unit: Unit): Map<number, Lifetime> {
  const lives = new Map<number, Lifetime>();
  unit.steps.forEach((step, position) => {
    const { kind, params, operands } = bound.steps[step];
    const scratchBytes = kind?.scratchBytes?.(params) ?? 0;
    if (scratchBytes > 0) {
      lives.set(scratchOf(step), { buffer: scratchOf(step), bytes: scratchBytes, first: position, last: position });
    }
    for (const operand of operands) {
      if (!operand || operand.isWeight) continue;
      const buffer = operand.index;
      const bytes = bound.sizes[buffer] * elementBytes(operand.dtype);
      lives.set(buffer, { buffer, bytes, first: lives.get(buffer)?.first ?? position, last: position });
    }
  });
  return lives;
}

/**
 * Places the buffers of one row chunk behind `basePtr`: those that several units touch side by side, the others by
 * lifetime in the arena of their unit.
 * @param ports  addresses of the port buffers, which are placed already
 */
export function placeChunk(
  bound: BoundPlan,
  units: readonly Unit[],
  basePtr: number,
  ports: ReadonlyMap<number, number>,
): ChunkPlace {
  const lives = units.map((unit) => lifetimesOf(bound, unit));
  const uses = new Map<number, number>();
  for (const buffer of lives.flatMap((unit) => [...unit.keys()])) uses.set(buffer, (uses.get(buffer) ?? 0) + 1);
  const shared = new Map(ports);
  let ptr = alignBytes(basePtr);
  for (const { buffer, bytes } of lives.flatMap((unit) => [...unit.values()])) {
    if (uses.get(buffer) === 1 || shared.has(buffer)) continue;
    shared.set(buffer, ptr);
    ptr += alignBytes(bytes);
  }
  const places = lives.map((unit) => {
    const own = [...unit.values()].filter(({ buffer }) => !shared.has(buffer));
    const arena = placeByLifetime(own);
    const start = ptr;
    ptr += arena.totalBytes;
    return new Map([...shared, ...[...arena.offsets].map(([buffer, at]): [number, number] => [buffer, start + at])]);
  });
  return { basePtr, units: places, endPtr: ptr };
}
