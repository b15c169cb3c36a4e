/** Plain twins of the kernels behind pictures. `isSupported` is row by row, [rows][columns]. */
import { normalLogTailOracle } from './distributions.js';

/** Bin of each two-sided p-value, counted. */
export function pValueHistogram(scores: readonly number[], bins: number): number[] {
  const counts = new Array<number>(bins).fill(0);
  for (const z of scores) {
    const p = 2 * Math.exp(normalLogTailOracle(Math.abs(z)));
    counts[Math.max(1, Math.ceil(p * bins)) - 1]++;
  }
  return counts;
}

/** Smallest node of each node's component, by spreading labels until nothing changes. */
export function supportComponents(isSupported: readonly (readonly boolean[])[]): number[] {
  const rows = isSupported.length;
  const names = Array.from({ length: rows + isSupported[0].length }, (_, node) => node);
  for (let isSettled = false; !isSettled; ) {
    isSettled = true;
    isSupported.forEach((row, i) => {
      row.forEach((is, j) => {
        const smallest = Math.min(names[i], names[rows + j]);
        if (!is || names[i] === names[rows + j]) return;
        names[i] = names[rows + j] = smallest;
        isSettled = false;
      });
    });
  }
  return names;
}
