/** Which hypotheses of a family are rejected, under a stated error rate. p-values come as natural logs. */
import { f64_sort } from './sort';

/** Family-wise: p <= level / n. */
export const BONFERRONI: i32 = 0;
/** Family-wise, step-down: p_(i) <= level / (n - i + 1) for i = 1.. until the first failure. */
export const HOLM: i32 = 1;
/** False discovery rate, step-up: the largest i with p_(i) <= i level / n. */
export const BENJAMINI_HOCHBERG: i32 = 2;
/** Benjamini-Hochberg at level / pi0, pi0 the share of true nulls estimated from p > 1/2 (Storey 2002). */
export const STOREY: i32 = 3;

/** (number of p > 1/2, plus one) / (n / 2), at most 1. */
function nullShare(n: usize, logPPtr: usize): f64 {
  let above: f64 = 1;
  for (let i: usize = 0; i < n; i++) above += load<f64>(logPPtr + (i << 3)) > -Math.LN2 ? 1 : 0;
  return min<f64>(1, above / (0.5 * <f64>n));
}

/** How many of the sorted log p-values are rejected. */
function rejections(n: usize, sortedPtr: usize, method: i32, level: f64): usize {
  let count: usize = 0;
  for (let i: usize = 1; i <= n; i++) {
    let cut = level / <f64>n;
    if (method === HOLM) cut = level / <f64>(n - i + 1);
    else if (method >= BENJAMINI_HOCHBERG) cut *= <f64>i;
    if (load<f64>(sortedPtr + ((i - 1) << 3)) <= Math.log(cut)) count = i;
    else if (method < BENJAMINI_HOCHBERG) break;
  }
  return count;
}

/**
 * Marks the rejected hypotheses.
 * Bonferroni and Holm bound the chance of one false rejection under any dependence; Benjamini-Hochberg the expected
 * share of false rejections for independent or positively dependent p-values.
 * @param n  hypotheses
 * @param logPPtr  ln p [n], f64
 * @param scratchPtr  f64 [n]; holds the sorted values afterwards
 * @param method  BONFERRONI, HOLM, BENJAMINI_HOCHBERG or STOREY
 * @param level  error rate, (0, 1)
 * @param flagsPtr  u8 [n], 1 where rejected
 * @returns number of rejections
 */
export function f64_reject(
  n: usize,
  logPPtr: usize,
  scratchPtr: usize,
  method: i32,
  level: f64,
  flagsPtr: usize,
): usize {
  memory.copy(scratchPtr, logPPtr, n << 3);
  f64_sort(n, scratchPtr);
  const share = method === STOREY ? nullShare(n, scratchPtr) : 1;
  const count = rejections(n, scratchPtr, method, level / share);
  const last = count > 0 ? load<f64>(scratchPtr + ((count - 1) << 3)) : -Infinity;
  let marked: usize = 0;
  for (let i: usize = 0; i < n; i++) {
    const isRejected = count > 0 && load<f64>(logPPtr + (i << 3)) <= last;
    store<u8>(flagsPtr + i, isRejected ? 1 : 0);
    marked += isRejected ? 1 : 0;
  }
  return marked;
}
