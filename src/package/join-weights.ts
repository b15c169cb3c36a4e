/** The weights of two plans in one file: what both have is stored once. */
import type { Plan, PlanWeight } from '../runtime/plan.js';

function bytesOf({ data }: PlanWeight): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

function isSame(a: PlanWeight, b: PlanWeight): boolean {
  return a.dtype === b.dtype && bytesOf(a).equals(bytesOf(b));
}

/** The weights of `first`, and those of `second` that are not the same ones. */
export function joinWeights(first: readonly PlanWeight[], second: readonly PlanWeight[]): readonly PlanWeight[] {
  const known = new Map(first.map((weight) => [weight.name, weight]));
  const isNew = (weight: PlanWeight) => {
    const other = known.get(weight.name);
    return other === undefined || !isSame(weight, other);
  };
  return [...first, ...second.filter(isNew)];
}

/**
 * The plan with names for its weights under which they can stand beside those of another plan: a name is kept if no
 * other weight has it, or if the other weight is the same.
 */
export function renameWeights(plan: Plan, beside: Plan): Plan {
  const known = new Map(beside.weights.map((weight) => [weight.name, weight]));
  const taken = new Set([...known.keys(), ...plan.weights.map(({ name }) => name)]);
  const weights = plan.weights.map((weight) => {
    const other = known.get(weight.name);
    if (other === undefined || isSame(weight, other)) return weight;
    let name = `original/${weight.name}`;
    while (taken.has(name)) name = `original/${name}`;
    taken.add(name);
    return { ...weight, name };
  });
  return { ...plan, weights };
}
