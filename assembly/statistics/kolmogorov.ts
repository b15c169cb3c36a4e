/** The Kolmogorov-Smirnov distance of PIT scores from the standard normal law, and its p-value. */
import { normalTail } from './normal';

/** Phi(z), from the nearer tail. */
function normalCdf(z: f64): f64 {
  return normalTail(-z);
}

/** Scores per block; only blocks whose bound exceeds the best distance so far are looked into. */
const BLOCK: usize = 64;

/**
 * D = sup |F_n - Phi| over sorted scores. Null hypothesis: the scores are independent standard normals.
 * Inside a block of indexes [a, b] F_n and Phi are monotone, so that neither F_n - Phi nor Phi - F_n can exceed a
 * bound taken from the block's ends; Phi is computed only where the bound leaves room.
 * @param n  scores, > 0
 * @param zPtr  z [n], f32, ascending
 */
export function f32_ks_distance(n: usize, zPtr: usize): f64 {
  const inverse = 1 / <f64>n;
  let best: f64 = 0;
  let before: f64 = 0; // Phi at the block's first score
  for (let start: usize = 0; start < n; start += BLOCK) {
    const end = min<usize>(start + BLOCK, n);
    const first = start === 0 ? normalCdf(<f64>load<f32>(zPtr)) : before;
    const last = end < n ? normalCdf(<f64>load<f32>(zPtr + (end << 2))) : 1;
    if (max<f64>(<f64>end * inverse - first, last - <f64>start * inverse) > best) {
      for (let i = start; i < end; i++) {
        const u = normalCdf(<f64>load<f32>(zPtr + (i << 2)));
        best = max<f64>(best, max<f64>(<f64>(i + 1) * inverse - u, u - <f64>i * inverse));
      }
    }
    before = last;
  }
  return best;
}

/**
 * ln P(D >= d) for n scores under the null: Kolmogorov's asymptotic law at d (sqrt(n) + 0.12 + 0.11 / sqrt(n))
 * (Stephens 1970), asymptotic; p within 3 % of the exact law's from n = 20 on.
 */
export function f64_ks_log_p(n: f64, d: f64): f64 {
  const root = Math.sqrt(n);
  const k = d * (root + 0.12 + 0.11 / root);
  if (k < 0.04) return 0;
  if (k < 1.18) {
    // Jacobi's form converges fast for small k: 1 - sqrt(2 pi) / k sum exp(-(2j - 1)^2 pi^2 / (8 k^2)).
    const y = Math.exp(-1.2337005501361697 / (k * k));
    const y8 = Math.pow(y, 8);
    return Math.log1p((-2.5066282746310007 / k) * y * (1 + y8 * (1 + y8 * y8 * (1 + y8 * y8 * y8))));
  }
  const x = Math.exp(-2 * k * k);
  return Math.LN2 - 2 * k * k + Math.log1p(-x * x * x * (1 - Math.pow(x, 5) * (1 - Math.pow(x, 7))));
}
