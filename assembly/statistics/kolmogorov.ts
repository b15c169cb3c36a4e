/** The Kolmogorov-Smirnov distance of PIT scores from the standard normal law, and its p-value. */
import { normalTail } from './normal';
import { f32_sort } from './sort';

/** Phi(z), from the nearer tail. */
function normalCdf(z: f64): f64 {
  return normalTail(-z);
}

/** Scores per block; only blocks whose bound exceeds the best distance so far are looked into. */
const BLOCK: usize = 64;

/** Largest of `best` and the deviations at `count` ascending scores, the first of which is number `first` of n. */
function furthest(n: usize, zPtr: usize, count: usize, first: usize, best: f64): f64 {
  const inverse = 1 / <f64>n;
  let before = count > 0 ? normalCdf(<f64>load<f32>(zPtr)) : 0; // Phi at the block's first score
  for (let start: usize = 0; start < count; start += BLOCK) {
    const end = min<usize>(start + BLOCK, count);
    const last = end < count ? normalCdf(<f64>load<f32>(zPtr + (end << 2))) : 1;
    if (max<f64>(<f64>(first + end) * inverse - before, last - <f64>(first + start) * inverse) > best) {
      for (let i = start; i < end; i++) {
        const u = normalCdf(<f64>load<f32>(zPtr + (i << 2)));
        best = max<f64>(best, max<f64>(<f64>(first + i + 1) * inverse - u, u - <f64>(first + i) * inverse));
      }
    }
    before = last;
  }
  return best;
}

/**
 * D = sup |F_n - Phi| over sorted scores. Null hypothesis: the scores are independent standard normals.
 * Inside a block of indexes [a, b] F_n and Phi are monotone, so that neither F_n - Phi nor Phi - F_n can exceed a
 * bound taken from the block's ends; Phi is computed only where the bound leaves room.
 * @param n  scores, > 0
 * @param zPtr  z [n], f32, ascending
 */
export function f32_ks_distance(n: usize, zPtr: usize): f64 {
  return furthest(n, zPtr, n, 0, 0);
}

/** Bins of width 1 / BINS_PER_UNIT from -RANGE to RANGE; the outermost hold what lies beyond. */
const RANGE: f32 = 8;
const BINS_PER_UNIT: f32 = 16384;
const BINS: u32 = 262144;
/** Scores from which bins are quicker than sorting all. */
const MANY: usize = 1 << 20;
/** Words of scratch beside the sorted scores: a count for every bin, then a byte, 1 for those that may hold the largest deviation. */
const BIN_WORDS: usize = <usize>BINS + <usize>(BINS >> 2);
/** z + RANGE rounds to f32, which moves an end of a bin by up to 2^-21, and Phi there by .4 of it; twice that and more. */
const ROUNDING: f64 = 1.0 / 1048576;

/** Numbers of the bins of four scores. */
class Bins {
  @inline
  static of(z: v128): v128 {
    const place = f32x4.mul(f32x4.add(z, f32x4.splat(RANGE)), f32x4.splat(BINS_PER_UNIT));
    return i32x4.min_u(i32x4.trunc_sat_f32x4_u(place), i32x4.splat(BINS - 1));
  }
}

/** count[b] += scores in bin b. */
function countBins(n: usize, zPtr: usize, countPtr: usize): void {
  memory.fill(countPtr, 0, (<usize>BINS) << 2);
  const end = zPtr + (n << 2);
  for (; zPtr + 16 <= end; zPtr += 16) {
    const bins = i32x4.shl(Bins.of(v128.load(zPtr)), 2);
    const p0 = countPtr + <usize>i32x4.extract_lane(bins, 0);
    store<u32>(p0, load<u32>(p0) + 1);
    const p1 = countPtr + <usize>i32x4.extract_lane(bins, 1);
    store<u32>(p1, load<u32>(p1) + 1);
    const p2 = countPtr + <usize>i32x4.extract_lane(bins, 2);
    store<u32>(p2, load<u32>(p2) + 1);
    const p3 = countPtr + <usize>i32x4.extract_lane(bins, 3);
    store<u32>(p3, load<u32>(p3) + 1);
  }
  for (; zPtr < end; zPtr += 4) {
    const p = countPtr + ((<usize>i32x4.extract_lane(Bins.of(v128.load32_splat(zPtr)), 0)) << 2);
    store<u32>(p, load<u32>(p) + 1);
  }
}

/** Phi at the lower end of a bin; 0 and 1 at the ends of the line. */
function cdfAt(bin: u32): f64 {
  if (bin === 0) return 0;
  return bin < BINS ? normalCdf(<f64>bin / <f64>BINS_PER_UNIT - <f64>RANGE) : 1;
}

/** Largest |F_n - Phi| at every 64th end of a bin: no more than D. */
function distanceAtEnds(n: usize, countPtr: usize): f64 {
  const inverse = 1 / <f64>n;
  let best: f64 = 0;
  let below: u32 = 0;
  for (let bin: u32 = 0; bin < BINS; bin++) {
    if ((bin & 63) === 0) best = max<f64>(best, abs(<f64>below * inverse - cdfAt(bin)));
    below += load<u32>(countPtr + ((<usize>bin) << 2));
  }
  return best;
}

/**
 * Marks the bins whose bound reaches `best`, a lower bound of D: first by 64 bins together, then one by one.
 * @returns scores in marked bins
 */
function markBins(n: usize, countPtr: usize, marksPtr: usize, best: f64): usize {
  memory.fill(marksPtr, 0, <usize>BINS);
  const inverse = 1 / <f64>n;
  const least = best - ROUNDING;
  let marked: usize = 0;
  let below: u32 = 0;
  let before: f64 = 0;
  for (let start: u32 = 0; start < BINS; start += 64) {
    const last = cdfAt(start + 64);
    let inside: u32 = 0;
    for (let bin = start; bin < start + 64; bin++) inside += load<u32>(countPtr + ((<usize>bin) << 2));
    if (max<f64>(<f64>(below + inside) * inverse - before, last - <f64>below * inverse) >= least) {
      let seen = below;
      let low = before;
      for (let bin = start; bin < start + 64; bin++) {
        const count = load<u32>(countPtr + ((<usize>bin) << 2));
        const high = cdfAt(bin + 1);
        if (count > 0 && max<f64>(<f64>(seen + count) * inverse - low, high - <f64>seen * inverse) >= least) {
          store<u8>(marksPtr + <usize>bin, 1);
          marked += count;
        }
        seen += count;
        low = high;
      }
    }
    below += inside;
    before = last;
  }
  return marked;
}

/** 1 for a marked bin, else 0. */
function isMarked(marksPtr: usize, bin: u32): u32 {
  return load<u8>(marksPtr + <usize>bin);
}

/** Moves the scores of marked bins to the front. */
function gatherMarked(n: usize, zPtr: usize, marksPtr: usize): void {
  let to = zPtr;
  const end = zPtr + (n << 2);
  for (; zPtr + 16 <= end; zPtr += 16) {
    const z = v128.load(zPtr);
    const bins = Bins.of(z);
    const m0 = isMarked(marksPtr, i32x4.extract_lane(bins, 0));
    const m1 = isMarked(marksPtr, i32x4.extract_lane(bins, 1));
    const m2 = isMarked(marksPtr, i32x4.extract_lane(bins, 2));
    const m3 = isMarked(marksPtr, i32x4.extract_lane(bins, 3));
    if ((m0 | m1 | m2 | m3) === 0) continue;
    v128.store32_lane(to, z, 0);
    to += (<usize>m0) << 2;
    v128.store32_lane(to, z, 1);
    to += (<usize>m1) << 2;
    v128.store32_lane(to, z, 2);
    to += (<usize>m2) << 2;
    v128.store32_lane(to, z, 3);
    to += (<usize>m3) << 2;
  }
  for (; zPtr < end; zPtr += 4) {
    const bin = i32x4.extract_lane(Bins.of(v128.load32_splat(zPtr)), 0);
    store<u32>(to, load<u32>(zPtr));
    to += (<usize>isMarked(marksPtr, bin)) << 2;
  }
}

/** Largest deviation at the scores of the marked bins, which stand sorted at zPtr. */
function distanceInMarked(n: usize, zPtr: usize, countPtr: usize, marksPtr: usize): f64 {
  let best: f64 = 0;
  let below: usize = 0;
  for (let bin: u32 = 0; bin < BINS; bin++) {
    const count = <usize>load<u32>(countPtr + ((<usize>bin) << 2));
    if (isMarked(marksPtr, bin)) {
      best = furthest(n, zPtr, count, below, best);
      zPtr += count << 2;
    }
    below += count;
  }
  return best;
}

/**
 * D = sup |F_n - Phi| of scores in any order: the same bits as of the sorted scores. Many scores are counted in bins of
 * width 2^-14; only those in bins that could hold the largest deviation are sorted.
 * @param n  scores, > 0, < 2^31
 * @param zPtr  z [n], f32; undefined afterwards
 * @param scratchPtr  n + 2048 elements of 4 bytes, not overlapping z
 * @complexity O(n)
 */
export function f32_ks_distance_unsorted(n: usize, zPtr: usize, scratchPtr: usize): f64 {
  const marksPtr = scratchPtr + ((<usize>BINS) << 2);
  let marked = n;
  if (n >= MANY) {
    countBins(n, zPtr, scratchPtr);
    marked = markBins(n, scratchPtr, marksPtr, distanceAtEnds(n, scratchPtr));
  }
  // Sorting needs `marked` words beside the bins.
  if (marked + BIN_WORDS > n) {
    f32_sort(n, zPtr, scratchPtr);
    return f32_ks_distance(n, zPtr);
  }
  gatherMarked(n, zPtr, marksPtr);
  f32_sort(marked, zPtr, scratchPtr + (BIN_WORDS << 2));
  return distanceInMarked(n, zPtr, scratchPtr, marksPtr);
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
