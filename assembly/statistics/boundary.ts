/** Crossing probabilities of uniform order statistics: exact p-values of higher criticism and Kolmogorov-Smirnov. */

/**
 * P(U_(j) < b_j for some j) for n independent uniforms, b ascending: exact.
 * With j the largest index that crosses, exactly j points lie below b_j and the others keep their own bounds; so
 * R_m = 1 - sum over j > m of C(n - m, j - m) b_j^(j - m) R_j, and the answer is 1 - R_0, a sum of positive terms.
 * @param n  points, 1..1000
 * @param bPtr  b [n], f64, ascending in [0, 1]
 * @param scratchPtr  n + 1 f64
 * @complexity O(n^2)
 */
export function f64_lower_crossing(n: i32, bPtr: usize, scratchPtr: usize): f64 {
  store<f64>(scratchPtr + ((<usize>n) << 3), 1);
  for (let m = n - 1; m >= 0; m--) {
    let crossing: f64 = 0;
    let logChoose: f64 = 0;
    for (let j = m + 1; j <= n; j++) {
      logChoose += Math.log(<f64>(n - j + 1) / <f64>(j - m));
      const b = load<f64>(bPtr + ((<usize>(j - 1)) << 3));
      if (b > 0) {
        const stay = load<f64>(scratchPtr + ((<usize>j) << 3));
        crossing += Math.exp(logChoose + <f64>(j - m) * Math.log(b)) * stay;
      }
    }
    if (m === 0) return crossing;
    store<f64>(scratchPtr + ((<usize>m) << 3), max<f64>(0, 1 - crossing));
  }
  return 0;
}

/**
 * P(D_n < d) of the two-sided Kolmogorov-Smirnov distance, exact: a Poisson process of n points must keep its count
 * between n t - n d and n t + n d; the count's law is carried from one time to the next at which a bound changes.
 * @param n  points, 1..200
 * @param scratchPtr  2 (n + 1) f64
 * @complexity O(n^3)
 */
export function f64_ks_exact(n: i32, d: f64, scratchPtr: usize): f64 {
  if (d >= 1) return 1;
  if (2 * d * <f64>n <= 1) return 0;
  const N = <f64>n;
  let now = scratchPtr;
  let next = scratchPtr + ((<usize>(n + 1)) << 3);
  memory.fill(scratchPtr, 0, (<usize>(n + 1)) << 4);
  store<f64>(now, 1);
  let time: f64 = 0;
  // Lower bounds change at t = d + i / n (from then on at least i + 1 points), upper ones at t = i / n - d.
  let low = 0;
  let high = <i32>Math.ceil(N * d) - 1; // at most this many points just after t = 0
  if (N * d === Math.ceil(N * d)) high = <i32>(N * d);
  for (;;) {
    const lowTime = low < n ? d + <f64>low / N : 2;
    const highTime = high < n ? <f64>(high + 1) / N - d : 2;
    const end = min<f64>(1, min<f64>(lowTime, highTime));
    spread(n, now, next, low, min<i32>(high, n), N * (end - time));
    const swap = now;
    now = next;
    next = swap;
    time = end;
    if (end >= 1) break;
    if (lowTime <= end) {
      // Counts of `low` are too few from here on.
      store<f64>(now + ((<usize>low) << 3), 0);
      low++;
    }
    if (highTime <= end) high++;
  }
  // The weight of n points in a Poisson process of mean n: e^-n n^n / n!.
  let logWeight = N * Math.log(N) - N;
  for (let k = 2; k <= n; k++) logWeight -= Math.log(<f64>k);
  return min<f64>(1, load<f64>(now + ((<usize>n) << 3)) / Math.exp(logWeight));
}

/** next[c] = sum over b of now[b] P(Poisson(mean) = c - b), counts low..high; the others are 0. */
function spread(n: i32, now: usize, next: usize, low: i32, high: i32, mean: f64): void {
  memory.fill(next, 0, (<usize>(n + 1)) << 3);
  for (let b = low; b <= high; b++) {
    let weight = load<f64>(now + ((<usize>b) << 3)) * Math.exp(-mean);
    if (weight === 0) continue;
    for (let c = b; c <= high; c++) {
      const ptr = next + ((<usize>c) << 3);
      store<f64>(ptr, load<f64>(ptr) + weight);
      weight *= mean / <f64>(c - b + 1);
    }
  }
}
