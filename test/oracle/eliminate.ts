/** Plain f64 backward elimination: the slow truth beside assembly/linalg/eliminate. */
import { solveOracle } from './linalg.js';

/** min over A' with columns `kept` of the mean squared error of A' x against A x, E[x x^T] = metric: its trace form. */
export function errorOfKeeping(
  effects: readonly number[][],
  metric: readonly number[][],
  kept: readonly number[],
): number {
  const gram = kept.flatMap((i) => kept.map((j) => metric[i][j]));
  let error = 0;
  for (const row of effects) {
    const image = metric.map((line) => line.reduce((sum, value, j) => sum + value * row[j], 0));
    const right = kept.map((i) => image[i]);
    const fitted = kept.length > 0 ? solveOracle(gram, right) : [];
    const total = image.reduce((sum, value, j) => sum + value * row[j], 0);
    error += total - right.reduce((sum, value, i) => sum + value * fitted[i], 0);
  }
  return error;
}

/** Removes, each time, the input (or the `size` inputs in a row) whose removal leaves the smallest error. */
export function eliminateOracle(effects: readonly number[][], metric: readonly number[][], size = 1) {
  let kept = Array.from({ length: metric.length / size }, (_, group) => group);
  const order: number[] = [];
  const errors: number[] = [];
  const inputsOf = (groups: readonly number[]) =>
    groups.flatMap((group) => Array.from({ length: size }, (_, i) => group * size + i));
  while (kept.length > 0) {
    const left = kept.map((j) => errorOfKeeping(effects, metric, inputsOf(kept.filter((other) => other !== j))));
    const at = left.indexOf(Math.min(...left));
    order.push(kept[at]);
    errors.push(left[at]);
    kept = kept.filter((_, i) => i !== at);
  }
  return { order, errors };
}
