/** Vectors at the edge of a row: the first `count` of 4 floats, nothing beyond them is read or written. */

/** Written out where they stand, also in modules built to be small; methods, since only classes take decorators. */
export class Lanes {
  /** Loads `count` floats, 1..4, and zeros. */
  @inline
  static load(ptr: usize, count: i32): v128 {
    if (count === 4) return v128.load(ptr);
    if (count === 3) return v128.load32_lane(ptr + 8, v128.load64_zero(ptr), 2);
    if (count === 2) return v128.load64_zero(ptr);
    return v128.load32_zero(ptr);
  }

  /** Stores `count` floats, 1..4. */
  @inline
  static store(ptr: usize, value: v128, count: i32): void {
    if (count === 4) v128.store(ptr, value);
    else if (count === 1) v128.store32_lane(ptr, value, 0);
    else {
      v128.store64_lane(ptr, value, 0);
      if (count === 3) v128.store32_lane(ptr + 8, value, 2);
    }
  }
}

/** {@link Lanes.load}, a call where the module is to be small. */
export function loadLanes(ptr: usize, count: i32): v128 {
  return Lanes.load(ptr, count);
}

/** {@link Lanes.store}, a call where the module is to be small. */
export function storeLanes(ptr: usize, value: v128, count: i32): void {
  Lanes.store(ptr, value, count);
}
