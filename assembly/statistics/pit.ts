/**
 * The probability integral transform: z = +-Phi^-1(min(F(w), 1 - F(w))), standard normal when w follows the law F.
 *
 * A bounded law (uniform, truncated normal) depends on w only through t = 1 - |w| / edge, the relative distance from
 * the edge of its support; so one table of z(t) a family serves every scale. Cells are 1/64 of an octave of t:
 *
 *     t = 2^-24                                                                    1
 *     | cell 0 | cell 1 | .. | cell 63 | cell 64 .. | ..                     .. cell 1535 |   4 f64 a cell, c0..c3
 *       z = c0 + t (c1 + t (c2 + t c3)), absolute error below 1e-9
 *
 * Below 2^-24, the resolution of an f32 generator, t counts as 2^-24. A weight more than 1e-6 (relative) outside the
 * support gets |z| = 38.5, where the two-sided p-value leaves f64.
 */
import { edgeTail, NORMAL, TRUNCATED } from './law';
import { normalQuantileOfLogTail } from './normal';

const CELLS: i32 = 24 * 64;
/** Bits 46.. of the f64 2^-24: sign, exponent and six bits of mantissa. */
const FIRST_CELL: u64 = (<u64>(1023 - 24)) << 6;
export const SMALLEST_T: f64 = 1.0 / 16777216;
const LARGEST_T: f64 = 1.0 - 1.0 / 9007199254740992;
const OUTSIDE_T: f64 = -1e-6;
export const OUTSIDE_Z: f64 = 38.5;

/** Elements (f64) of a table. */
export function pitTableLength(): i32 {
  return CELLS * 4;
}

function exactZ(family: i32, t: f64): f64 {
  return normalQuantileOfLogTail(Math.log(edgeTail(family, t)));
}

/**
 * Writes the table of z(t) of a bounded family: the cubic through four Chebyshev nodes of each cell.
 * @param family  TRUNCATED or UNIFORM
 * @param tablePtr  pitTableLength() f64, 16-byte aligned
 */
export function f64_pit_table(family: i32, tablePtr: usize): void {
  for (let cell = 0; cell < CELLS; cell++) {
    const start = reinterpret<f64>((FIRST_CELL + <u64>cell) << 46);
    const width = reinterpret<f64>((FIRST_CELL + <u64>cell + 1) << 46) - start;
    const t0 = start + width * 0.03806023374435662;
    const t1 = start + width * 0.3086582838174551;
    const t2 = start + width * 0.6913417161825449;
    const t3 = start + width * 0.9619397662556434;
    const z0 = exactZ(family, t0);
    const z1 = exactZ(family, t1);
    const z2 = exactZ(family, t2);
    const z3 = exactZ(family, t3);
    // Newton's divided differences, then powers of t.
    const d01 = (z1 - z0) / (t1 - t0);
    const d12 = (z2 - z1) / (t2 - t1);
    const d23 = (z3 - z2) / (t3 - t2);
    const d012 = (d12 - d01) / (t2 - t0);
    const d123 = (d23 - d12) / (t3 - t1);
    const c3 = (d123 - d012) / (t3 - t0);
    const c2 = d012 - c3 * (t0 + t1 + t2);
    const c1 = d01 - d012 * (t0 + t1) + c3 * (t0 * t1 + t0 * t2 + t1 * t2);
    const c0 = z0 - d01 * t0 + d012 * t0 * t1 - c3 * t0 * t1 * t2;
    const ptr = tablePtr + ((<usize>cell) << 5);
    store<f64>(ptr, c0, 0);
    store<f64>(ptr, c1, 8);
    store<f64>(ptr, c2, 16);
    store<f64>(ptr, c3, 24);
  }
}

/** Reads a table, two lanes at a time; a method, since TypeScript's grammar allows decorators only in classes. */
export class ScoreTable {
  /** z(t) at both lanes; t counts as SMALLEST_T below it. */
  @inline
  static read(tablePtr: usize, distance: v128): v128 {
    const t = f64x2.pmin(f64x2.pmax(distance, f64x2.splat(SMALLEST_T)), f64x2.splat(LARGEST_T));
    const cells = i64x2.shr_u(t, 46);
    const a = tablePtr + ((<usize>(i64x2.extract_lane(cells, 0) - FIRST_CELL)) << 5);
    const b = tablePtr + ((<usize>(i64x2.extract_lane(cells, 1) - FIRST_CELL)) << 5);
    const a01 = v128.load(a);
    const a23 = v128.load(a, 16);
    const b01 = v128.load(b);
    const b23 = v128.load(b, 16);
    const c0 = v128.shuffle<u64>(a01, b01, 0, 2);
    const c1 = v128.shuffle<u64>(a01, b01, 1, 3);
    const c2 = v128.shuffle<u64>(a23, b23, 0, 2);
    const c3 = v128.shuffle<u64>(a23, b23, 1, 3);
    const inner = f64x2.add(c2, f64x2.mul(t, c3));
    return f64x2.add(c0, f64x2.mul(t, f64x2.add(c1, f64x2.mul(t, inner))));
  }
}

/**
 * z of weights under a law, exact weights.
 * @param n  elements
 * @param wPtr  w [n], f32, finite
 * @param family  NORMAL, TRUNCATED or UNIFORM
 * @param scale  the law's scale: sigma, sigma before truncation, half width
 * @param tablePtr  the family's table; not read for NORMAL
 * @param zPtr  z [n], f32; may be wPtr
 */
export function f32_pit(n: usize, wPtr: usize, family: i32, scale: f64, tablePtr: usize, zPtr: usize): void {
  const end = wPtr + (n << 2);
  const shift = zPtr - wPtr;
  if (family === NORMAL) {
    const inverse = 1 / scale;
    for (let ptr = wPtr; ptr < end; ptr += 4) store<f32>(ptr + shift, <f32>(<f64>load<f32>(ptr) * inverse));
    return;
  }
  const inverseEdge = family === TRUNCATED ? 0.5 / scale : 1 / scale;
  const scales = f64x2.splat(inverseEdge);
  const signBit = f64x2.splat(-0.0);
  for (let ptr = wPtr; ptr < end; ptr += 8) {
    const isPair = ptr + 4 < end;
    const w = f64x2.promote_low_f32x4(isPair ? v128.load64_zero(ptr) : v128.load32_splat(ptr));
    const t = f64x2.sub(f64x2.splat(1), f64x2.mul(f64x2.abs(w), scales));
    const isOutside = f64x2.lt(t, f64x2.splat(OUTSIDE_T));
    const size = v128.bitselect(f64x2.splat(OUTSIDE_Z), ScoreTable.read(tablePtr, t), isOutside);
    const z = f32x4.demote_f64x2_zero(v128.or(size, v128.and(w, signBit)));
    if (isPair) v128.store64_lane(ptr + shift, z, 0);
    else v128.store32_lane(ptr + shift, z, 0);
  }
}

/** How many |z| are at least `cut`. */
export function f32_count_beyond(n: usize, zPtr: usize, cut: f64): f64 {
  const end = zPtr + (n << 2);
  const end4 = zPtr + ((n & ~3) << 2);
  const bound = f32x4.splat(<f32>cut);
  let lanes = i32x4.splat(0);
  let ptr = zPtr;
  while (ptr < end4) {
    lanes = i32x4.sub(lanes, f32x4.ge(f32x4.abs(v128.load(ptr)), bound));
    ptr += 16;
  }
  let count =
    i32x4.extract_lane(lanes, 0) +
    i32x4.extract_lane(lanes, 1) +
    i32x4.extract_lane(lanes, 2) +
    i32x4.extract_lane(lanes, 3);
  while (ptr < end) {
    if (abs(load<f32>(ptr)) >= <f32>cut) count++;
    ptr += 4;
  }
  return <f64>(<u32>count);
}

/**
 * Copies the z with |z| >= cut, in order.
 * @param outPtr  room for n elements, not overlapping z
 * @returns how many
 */
export function f32_gather_beyond(n: usize, zPtr: usize, cut: f64, outPtr: usize): usize {
  const end = zPtr + (n << 2);
  const bound = f32x4.splat(<f32>cut);
  let to = outPtr;
  for (; zPtr + 16 <= end; zPtr += 16) {
    const z = v128.load(zPtr);
    const mask = i32x4.bitmask(f32x4.ge(f32x4.abs(z), bound));
    if (mask === 0) continue;
    v128.store32_lane(to, z, 0);
    to += (mask & 1) << 2;
    v128.store32_lane(to, z, 1);
    to += (mask & 2) << 1;
    v128.store32_lane(to, z, 2);
    to += mask & 4;
    v128.store32_lane(to, z, 3);
    to += (mask & 8) >> 1;
  }
  for (; zPtr < end; zPtr += 4) {
    const z = load<f32>(zPtr);
    if (abs(z) < <f32>cut) continue;
    store<f32>(to, z);
    to += 4;
  }
  return (to - outPtr) >> 2;
}

/** How many elements differ from `value`: movement under a point law. */
export function f32_count_other(n: usize, wPtr: usize, value: f32): f64 {
  let count: u32 = 0;
  const end = wPtr + (n << 2);
  for (let ptr = wPtr; ptr < end; ptr += 4) count += <u32>(load<f32>(ptr) !== value);
  return <f64>count;
}
