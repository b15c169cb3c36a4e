import type { BoundPlan } from './bind-plan.js';
import { type Touched, touchedMeet } from './element-set.js';
import { invalidPackage as invalid } from './invalid-package.js';

/** One part's access to a buffer. */
interface Access extends Touched {
  readonly isWrite: boolean;
}

/** Pairs of accesses that are compared at most; no network comes near, a hostile file might. */
const maximumPairs = 5_000_000;

/** For each part, by position, the positions of all parts that have ended before it starts. */
function ancestorsOf({ plan: { parts } }: BoundPlan): Set<number>[] {
  const positions = new Map(parts.map(({ id }, at) => [id, at]));
  const ancestors: Set<number>[] = [];
  for (const { after } of parts) {
    const all = new Set<number>();
    for (const id of after) {
      const at = positions.get(id)!;
      all.add(at);
      for (const earlier of ancestors[at]) all.add(earlier);
    }
    ancestors.push(all);
  }
  return ancestors;
}

/** For each buffer, the accesses of each part (by position) that touches it. */
function accessesOf({ plan, steps, sizes }: BoundPlan): Map<number, Access[]>[] {
  const byBuffer = sizes.map(() => new Map<number, Access[]>());
  plan.parts.forEach(({ first, end }, part) => {
    for (const { operands, regions } of steps.slice(first, end)) {
      for (const region of regions) {
        const { isWeight, isWrite, index, offset } = operands[region.operand]!;
        if (isWeight || region.end <= region.first) continue;
        const accesses = byBuffer[index].get(part) ?? [];
        byBuffer[index].set(part, accesses);
        accesses.push({ ...region, offset, isWrite });
      }
    }
  });
  return byBuffer;
}

/**
 * Checks that parts which may run at the same time touch no element together, unless both only read it.
 * @throws PACKAGE_INVALID naming the parts
 * @complexity O(pairs of accesses to one buffer by parts that may run together)
 */
export function checkRaces(bound: BoundPlan): void {
  const { parts } = bound.plan;
  if (parts.length < 2) return;
  const ancestors = ancestorsOf(bound);
  let pairs = 0;
  const compare = (first: number, second: number, left: readonly Access[], right: readonly Access[]) => {
    pairs += left.length * right.length;
    if (pairs > maximumPairs) throw invalid('parts', 'too many of their accesses share buffers');
    const meet = left.some((a) => right.some((b) => (a.isWrite || b.isWrite) && touchedMeet(a, b)));
    if (meet)
      throw invalid(`parts ${parts[first].id} and ${parts[second].id}`, 'they may write the same elements at once');
  };
  for (const byPart of accessesOf(bound)) {
    const users = [...byPart];
    users.forEach(([second, right], at) => {
      for (const [first, left] of users.slice(0, at)) {
        if (!ancestors[second].has(first)) compare(first, second, left, right);
      }
    });
  }
}
