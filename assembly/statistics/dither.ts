/**
 * Scores of quantised weights. A stored weight stands for a cell of width `step`; u is drawn uniformly from
 * [F(w - step/2), F(w + step/2)], so that under the null the scores are exact standard normals again.
 *
 * Quantised weights take few values, c + k step, so the ends of their cells are tabulated by k:
 *
 *     level k:  | 2 low, with the sign of the level         | 2 (high - low) |     two f64
 *
 * low and high are the tails beyond the far and the near end of the cell, on the level's side of the law. Then
 * t = 2 p = 2 low + u 2 (high - low), and |z| is the UNIFORM family's z(min(t, 2 - t)): its table serves every family.
 * |z| errs by less than 1e-9 (the table's cubic; t itself is exact to a few units of 2^-53) before it is rounded to f32.
 */
import { upperTail } from './law';
import { normalQuantileOfLogTail } from './normal';
import { OUTSIDE_Z, ScoreTable, SMALLEST_T } from './pit';
import { BELOW_ONE, Stream } from './random';

/** How far from its level, in steps, a weight may be stored: f32 rounds to a 256th of a step with 65,536 levels. */
const OFF_GRID: f64 = 1.0 / 64;

/**
 * Writes the ends of the cell [w - half, w + half], all over the law's scale. A cell around the law's centre counts as
 * one on the right, so that the last bit of a w near 0 does not decide its side.
 */
function writeCell(family: i32, w: f64, half: f64, cellPtr: usize): void {
  const side = abs(w) < half ? 1 : copysign<f64>(1, w);
  const x = side * w;
  const high = x >= half ? upperTail(family, x - half) : 1 - upperTail(family, half - x);
  const low = upperTail(family, x + half);
  store<f64>(cellPtr, copysign<f64>(2 * low, side));
  store<f64>(cellPtr, 2 * (high - low), 8);
}

/** z of t below the table: by Newton's method; 38.5 where the cell lies wholly outside the support. */
function farZ(t: f64): f64 {
  return t > 0 ? min<f64>(OUTSIDE_Z, normalQuantileOfLogTail(Math.log(0.5 * t))) : OUTSIDE_Z;
}

/** Two weights at a time; methods, since TypeScript's grammar allows decorators only in classes. */
class Pair {
  /**
   * Scores of two cells, f64x2.
   * @param a  cell of lane 0
   * @param b  cell of lane 1
   * @param index  of lane 0 in the stream
   */
  @inline
  static score(a: v128, b: v128, key: u64, index: u64, tablePtr: usize): v128 {
    const signBit = i64x2.splat(1 << 63);
    const bits = i64x2.replace_lane(i64x2.splat(Stream.bitsAt(key, index)), 1, Stream.bitsAt(key, index + 1));
    const u = f64x2.sub(bits, f64x2.splat(BELOW_ONE));
    const signedLow = v128.shuffle<u64>(a, b, 0, 2);
    const width = v128.shuffle<u64>(a, b, 1, 3);
    const t = f64x2.add(f64x2.abs(signedLow), f64x2.mul(u, width));
    const rest = f64x2.sub(f64x2.splat(2), t);
    const near = f64x2.pmin(t, rest);
    // Beyond the law's centre (t > 1) the sign turns; 1 - t has the sign of rest - t.
    const sign = v128.and(v128.xor(signedLow, f64x2.sub(rest, t)), signBit);
    const smallest = f64x2.splat(SMALLEST_T);
    let z = ScoreTable.read(tablePtr, near);
    if (v128.any_true(f64x2.lt(near, smallest))) {
      const t0 = f64x2.extract_lane(near, 0);
      const t1 = f64x2.extract_lane(near, 1);
      if (t0 < SMALLEST_T) z = f64x2.replace_lane(z, 0, farZ(t0));
      if (t1 < SMALLEST_T) z = f64x2.replace_lane(z, 1, farZ(t1));
    }
    return v128.xor(z, sign);
  }
}

/** Smallest weight; infinity when there is none. */
function smallestOf(n: usize, wPtr: usize): f64 {
  let lanes = f32x4.splat(Infinity);
  const end4 = wPtr + ((n & ~3) << 2);
  const end = wPtr + (n << 2);
  for (; wPtr < end4; wPtr += 16) lanes = f32x4.pmin(lanes, v128.load(wPtr));
  let smallest = min<f32>(
    min<f32>(f32x4.extract_lane(lanes, 0), f32x4.extract_lane(lanes, 1)),
    min<f32>(f32x4.extract_lane(lanes, 2), f32x4.extract_lane(lanes, 3)),
  );
  for (; wPtr < end; wPtr += 4) smallest = min<f32>(smallest, load<f32>(wPtr));
  return <f64>smallest;
}

/** Levels from the smallest weight to the largest; 0 when a weight lies off the grid or there are more than `most`. */
function countLevels(n: usize, wPtr: usize, smallest: f64, step: f64, most: u32): u32 {
  const start = f64x2.splat(smallest);
  const inverse = f64x2.splat(1 / step);
  let furthest = f64x2.splat(0);
  let highest = f64x2.splat(0);
  for (let i: usize = 0; i < n; i += 2) {
    const ptr = wPtr + (i << 2);
    const pair = i + 1 < n ? v128.load64_zero(ptr) : v128.load32_splat(ptr);
    const level = f64x2.mul(f64x2.sub(f64x2.promote_low_f32x4(pair), start), inverse);
    furthest = f64x2.pmax(furthest, f64x2.abs(f64x2.sub(level, f64x2.nearest(level))));
    highest = f64x2.pmax(highest, level);
  }
  const far = max<f64>(f64x2.extract_lane(furthest, 0), f64x2.extract_lane(furthest, 1));
  const high = max<f64>(f64x2.extract_lane(highest, 0), f64x2.extract_lane(highest, 1));
  return far <= OFF_GRID && high < <f64>most - 0.5 ? <u32>nearest(high) + 1 : 0;
}

/**
 * z of weights that were rounded to a grid of width `step`. The number at (key, index) of the counter-based generator
 * places a weight in its cell, so the result does not depend on threads.
 * A cell wholly outside the support gets |z| = 38.5.
 * @param n  elements
 * @param wPtr  w [n], f32, finite
 * @param family  NORMAL, TRUNCATED or UNIFORM
 * @param scale  the law's scale, as in f32_pit
 * @param step  width of a cell, > 0
 * @param key  stream
 * @param first  index of w[0] in the stream
 * @param uniformTablePtr  the UNIFORM table, whatever the family
 * @param levelsPtr  scratch, 2 f64 a level, 16-byte aligned; room for one level at least
 * @param most  levels there is room for; weights of more levels, or off the grid, get their cells one by one
 * @param zPtr  z [n], f32; may be wPtr
 */
export function f32_pit_dithered(
  n: usize,
  wPtr: usize,
  family: i32,
  scale: f64,
  step: f64,
  key: u64,
  first: u64,
  uniformTablePtr: usize,
  levelsPtr: usize,
  most: u32,
  zPtr: usize,
): void {
  const half = (0.5 * step) / scale;
  const smallest = smallestOf(n, wPtr);
  const levels = countLevels(n, wPtr, smallest, step, most);
  for (let k: u32 = 0; k < levels; k++) {
    writeCell(family, (smallest + <f64>k * step) / scale, half, levelsPtr + ((<usize>k) << 4));
  }
  if (levels === 0) {
    for (let i: usize = 0; i < n; i++) {
      writeCell(family, <f64>load<f32>(wPtr + (i << 2)) / scale, half, levelsPtr);
      const cell = v128.load(levelsPtr);
      const z = Pair.score(cell, cell, key, first + i, uniformTablePtr);
      store<f32>(zPtr + (i << 2), <f32>f64x2.extract_lane(z, 0));
    }
    return;
  }
  const start = f64x2.splat(smallest);
  const inverse = f64x2.splat(1 / step);
  for (let i: usize = 0; i < n; i += 2) {
    const ptr = wPtr + (i << 2);
    const pair = i + 1 < n ? v128.load64_zero(ptr) : v128.load32_splat(ptr);
    const level = f64x2.nearest(f64x2.mul(f64x2.sub(f64x2.promote_low_f32x4(pair), start), inverse));
    const k = i32x4.trunc_sat_f64x2_u_zero(level);
    const a = v128.load(levelsPtr + ((<usize>i32x4.extract_lane(k, 0)) << 4));
    const b = v128.load(levelsPtr + ((<usize>i32x4.extract_lane(k, 1)) << 4));
    const z = f32x4.demote_f64x2_zero(Pair.score(a, b, key, first + i, uniformTablePtr));
    if (i + 1 < n) v128.store64_lane(zPtr + (i << 2), z, 0);
    else v128.store32_lane(zPtr + (i << 2), z, 0);
  }
}
