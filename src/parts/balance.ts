/** Balances components by cost. */
import type { Linear } from '../annealing/rewrite.js';
import type { NeuronComponent } from './neuron-components.js';

/** Multiply-adds of a component, its blocks taken as dense. */
export function costOf({ inputs, units }: NeuronComponent): number {
  return units.reduce((sum, rows, i) => sum + rows.length * (i === 0 ? inputs : units[i - 1]).length, 0);
}

/**
 * Distributes items over bins, the dearest first, each into the bin that is cheapest so far.
 * @returns item positions of each bin; fewer bins when there are fewer items
 */
export function distribute(costs: readonly number[], bins: number): readonly (readonly number[])[] {
  const filled = Array.from({ length: Math.min(bins, costs.length) }, () => ({ cost: 0, items: [] as number[] }));
  const order = Array.from(costs.keys()).sort((a, b) => costs[b] - costs[a] || a - b);
  for (const item of order) {
    const bin = filled.reduce((best, other) => (other.cost < best.cost ? other : best));
    bin.cost += costs[item];
    bin.items.push(item);
  }
  return filled.map(({ items }) => items.sort((a, b) => a - b));
}

const union = (lists: readonly Int32Array[]): Int32Array<ArrayBuffer> =>
  Int32Array.from(new Set(lists.flatMap((list) => [...list]))).sort();

/** At most `most` components, merged so that their costs are alike, ordered by their first outputs. */
export function mergeComponents(
  components: readonly NeuronComponent[],
  layers: readonly Linear[],
  most: number,
): readonly NeuronComponent[] {
  if (components.length <= most) return components;
  return distribute(components.map(costOf), most)
    .map((items) => items.map((item) => components[item]))
    .map((members) => ({
      inputs: union(members.map(({ inputs }) => inputs)),
      units: layers.map((_, i) => union(members.map(({ units }) => units[i]))),
    }))
    .sort((a, b) => a.units[layers.length - 1][0] - b.units[layers.length - 1][0]);
}
