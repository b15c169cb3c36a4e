/**
 * Tests of groups of scores. Null hypothesis of all: the scores of a group are independent standard normals.
 * Groups are the rows of z [groups, size]; every kernel writes ln p per group.
 */
import { f64_ks_exact, f64_lower_crossing } from './boundary';
import { logGammaQ } from './gamma';
import { normalLogTail, normalTail } from './normal';
import { f64_sort } from './sort';

/** Two-sided ln p of one score. */
function logTwoSided(z: f64): f64 {
  return min<f64>(0, Math.LN2 + normalLogTail(abs(z)));
}

function scoreAt(zPtr: usize, size: usize, group: usize, j: usize): f64 {
  return <f64>load<f32>(zPtr + ((group * size + j) << 2));
}

/**
 * Fisher's combination: -2 sum ln p_j, p_j two-sided, is chi-square with 2 size degrees of freedom; exact.
 * @param zPtr  z [groups, size], f32
 * @param outPtr  ln p [groups], f64
 */
export function f32_fisher_log_p(groups: usize, size: usize, zPtr: usize, outPtr: usize): void {
  for (let g: usize = 0; g < groups; g++) {
    let sum: f64 = 0;
    for (let j: usize = 0; j < size; j++) sum -= logTwoSided(scoreAt(zPtr, size, g, j));
    store<f64>(outPtr + (g << 3), logGammaQ(<f64>size, sum));
  }
}

/** Largest |z| of the group; p = 1 - (1 - p_min)^size, exact. */
export function f32_max_log_p(groups: usize, size: usize, zPtr: usize, outPtr: usize): void {
  for (let g: usize = 0; g < groups; g++) {
    let most: f64 = 0;
    for (let j: usize = 0; j < size; j++) most = max<f64>(most, abs(scoreAt(zPtr, size, g, j)));
    const logMin = logTwoSided(most);
    const none = <f64>size * Math.log1p(-Math.exp(logMin));
    // Where p_min leaves f64, 1 - (1 - p)^size = size p.
    const logP = logMin < -30 ? Math.log(<f64>size) + logMin : Math.log(-Math.expm1(none));
    store<f64>(outPtr + (g << 3), min<f64>(0, logP));
  }
}

/** Mean of the group, two-sided: sum z / sqrt(size) is standard normal, exact. */
export function f32_mean_log_p(groups: usize, size: usize, zPtr: usize, outPtr: usize): void {
  const scale = 1 / Math.sqrt(<f64>size);
  for (let g: usize = 0; g < groups; g++) {
    let sum: f64 = 0;
    for (let j: usize = 0; j < size; j++) sum += scoreAt(zPtr, size, g, j);
    store<f64>(outPtr + (g << 3), logTwoSided(sum * scale));
  }
}

/** Writes the two-sided p-values of group g, ascending. */
function sortedP(size: usize, zPtr: usize, g: usize, pPtr: usize): void {
  for (let j: usize = 0; j < size; j++) store<f64>(pPtr + (j << 3), Math.exp(logTwoSided(scoreAt(zPtr, size, g, j))));
  f64_sort(size, pPtr);
}

/**
 * Higher criticism (Donoho and Jin 2004): the largest sqrt(n) (i/n - p_(i)) / sqrt(p_(i) (1 - p_(i))) over the smaller
 * half of the sorted two-sided p-values; exact, by the crossing probability of its boundary.
 * @param size  1..1000
 * @param scratchPtr  3 size + 1 f64
 * @complexity O(groups size^2)
 */
export function f32_higher_criticism_log_p(
  groups: usize,
  size: usize,
  zPtr: usize,
  scratchPtr: usize,
  outPtr: usize,
): void {
  const boundPtr = scratchPtr + (size << 3);
  const workPtr = boundPtr + (size << 3);
  const half = (size + 1) >> 1;
  const n = <f64>size;
  for (let g: usize = 0; g < groups; g++) {
    sortedP(size, zPtr, g, scratchPtr);
    let statistic: f64 = -Infinity;
    for (let i: usize = 1; i <= half; i++) {
      const p = max<f64>(1e-300, load<f64>(scratchPtr + ((i - 1) << 3)));
      if (p < 1) statistic = max<f64>(statistic, (Math.sqrt(n) * (<f64>i / n - p)) / Math.sqrt(p * (1 - p)));
    }
    if (!(statistic > 0)) {
      store<f64>(outPtr + (g << 3), 0);
      continue;
    }
    // sqrt(n) (x - b) = t sqrt(b (1 - b)) solved for b, x = i / n; beyond the half there is no bound of its own.
    const t2 = (statistic * statistic) / n;
    for (let i: usize = 1; i <= size; i++) {
      const x = <f64>min<usize>(i, half) / n;
      const root = Math.sqrt(t2 * (t2 + 4 * x * (1 - x)));
      // The smaller root, written without cancellation: b = x^2 / (x + t2/2 + root/2).
      store<f64>(boundPtr + ((i - 1) << 3), (x * x) / (x + 0.5 * t2 + 0.5 * root));
    }
    const p = f64_lower_crossing(<i32>size, boundPtr, workPtr);
    store<f64>(outPtr + (g << 3), min<f64>(0, Math.log(p)));
  }
}

/** Writes u = Phi(z) of group g, ascending. */
function sortedU(size: usize, zPtr: usize, g: usize, uPtr: usize): void {
  for (let j: usize = 0; j < size; j++) store<f64>(uPtr + (j << 3), normalTail(-scoreAt(zPtr, size, g, j)));
  f64_sort(size, uPtr);
}

/**
 * Kolmogorov-Smirnov within each group; exact.
 * @param size  1..200
 * @param scratchPtr  3 size + 2 f64
 */
export function f32_group_ks_log_p(groups: usize, size: usize, zPtr: usize, scratchPtr: usize, outPtr: usize): void {
  const n = <f64>size;
  const workPtr = scratchPtr + (size << 3);
  for (let g: usize = 0; g < groups; g++) {
    sortedU(size, zPtr, g, scratchPtr);
    let d: f64 = 0;
    for (let j: usize = 0; j < size; j++) {
      const u = load<f64>(scratchPtr + (j << 3));
      d = max<f64>(d, max<f64>(<f64>(j + 1) / n - u, u - <f64>j / n));
    }
    const p = 1 - f64_ks_exact(<i32>size, d, workPtr);
    // Below the rounding of 1 - F the tail is twice the one-sided one, by its first term 2 (1 - d)^n.
    store<f64>(outPtr + (g << 3), Math.log(max<f64>(p, min<f64>(1e-12, 2 * Math.pow(1 - d, n)))));
  }
}

/**
 * Anderson-Darling statistics A^2 of each group against the standard normal.
 * @param scratchPtr  size f64
 * @param outPtr  A^2 [groups], f64
 */
export function f32_anderson_darling(groups: usize, size: usize, zPtr: usize, scratchPtr: usize, outPtr: usize): void {
  const n = <f64>size;
  for (let g: usize = 0; g < groups; g++) {
    for (let j: usize = 0; j < size; j++) store<f64>(scratchPtr + (j << 3), scoreAt(zPtr, size, g, j));
    f64_sort(size, scratchPtr);
    let sum: f64 = 0;
    for (let j: usize = 0; j < size; j++) {
      // ln u_(j) + ln(1 - u_(n + 1 - j)), both as log tails.
      const low = normalLogTail(-load<f64>(scratchPtr + (j << 3)));
      const high = normalLogTail(load<f64>(scratchPtr + ((size - 1 - j) << 3)));
      sum += <f64>(2 * j + 1) * (low + high);
    }
    store<f64>(outPtr + (g << 3), -n - sum / n);
  }
}

/**
 * ln p of statistics by a simulated null: (1 + number of null values >= x) / (count + 1).
 * @param n  statistics
 * @param xPtr  x [n], f64; may be outPtr
 * @param count  null values
 * @param nullPtr  null values [count], f64, ascending
 */
export function f64_simulated_log_p(n: usize, xPtr: usize, count: usize, nullPtr: usize, outPtr: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const x = load<f64>(xPtr + (i << 3));
    let low: usize = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (load<f64>(nullPtr + (middle << 3)) < x) low = middle + 1;
      else high = middle;
    }
    store<f64>(outPtr + (i << 3), Math.log(<f64>(1 + count - low) / <f64>(count + 1)));
  }
}
