/** Splits one data set into calibration and guard: random, stratified by the original's decision, seeded. */
import type { Feeds } from '../runtime/executor.js';
import type { Groups } from './comparison.js';
import { randomWords, shuffled } from './random.js';
import { takeRows } from './rows.js';

export interface Split {
  readonly calibration: Feeds;
  readonly guard: Feeds;
  /** Where the guard's rows stood, ascending. */
  readonly guardRows: readonly number[];
}

/**
 * Puts about `wanted` rows into the guard, the same share of every stratum; a cluster stays on one side.
 * @param strata  one key per row, for example the original's decision
 */
export function splitRows(
  rows: Feeds,
  strata: readonly string[],
  wanted: number,
  seed: number,
  clusters: Groups | null = null,
): Split {
  const next = randomWords(seed);
  const guard: number[] = [];
  const calibration: number[] = [];
  let [passed, due] = [0, 0];
  for (const groups of groupsByStratum(strata, clusters)) {
    const size = groups.reduce((sum, group) => sum + group.length, 0);
    passed += size;
    // Cumulative rounding: the strata's shares add up to the number wanted.
    const target = Math.round((wanted * passed) / strata.length);
    for (const group of shuffled(groups, next)) {
      const toGuard = due < target;
      for (const row of group) (toGuard ? guard : calibration).push(row);
      if (toGuard) due += group.length;
    }
  }
  const ascending = (a: number, b: number) => a - b;
  guard.sort(ascending);
  return {
    calibration: takeRows(rows, calibration.sort(ascending)),
    guard: takeRows(rows, guard),
    guardRows: guard,
  };
}

/** Clusters, or single rows, by the stratum of their first row; strata in the order of their keys. */
function groupsByStratum(strata: readonly string[], clusters: Groups | null): number[][][] {
  const groups = new Map<string, number[]>();
  Array.from(clusters ?? strata.keys(), String).forEach((key, row) => {
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  });
  const byStratum = new Map<string, number[][]>();
  for (const group of groups.values()) {
    const stratum = strata[group[0]];
    const list = byStratum.get(stratum);
    if (list) list.push(group);
    else byStratum.set(stratum, [group]);
  }
  return [...byStratum].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, list]) => list);
}
