/** A row of windows without panels: depthwise convolution, and pooling. */
import { storeLanes } from '../linear/lanes';

/** Functions of a window; pooling has one channel and no weights. */
export const enum Windows {
  CONV,
  MAX,
  SUM,
}

/** One inlined body for all functions. */
class WindowRow {
  /** Four inputs, `stepBytes` apart. */
  @inline
  static load(ptr: usize, stepBytes: usize): v128 {
    if (stepBytes === 4) return v128.load(ptr);
    if (stepBytes === 8) return i32x4.shuffle(v128.load(ptr), v128.load(ptr, 16), 0, 2, 4, 6);
    const low = v128.load32_lane(ptr + stepBytes, v128.load32_zero(ptr), 1);
    return v128.load32_lane(ptr + 3 * stepBytes, v128.load32_lane(ptr + 2 * stepBytes, low, 2), 3);
  }

  @inline
  static merge(f: i32, sum: v128, x: v128, w: v128): v128 {
    return f === Windows.MAX ? f32x4.max(sum, x) : f32x4.add(sum, f32x4.mul(x, w));
  }

  @inline
  static clamp(sum: v128, lo: f32, hi: f32): v128 {
    return f32x4.pmin(f32x4.pmax(sum, f32x4.splat(lo)), f32x4.splat(hi));
  }

  /** NV vectors of outputs, of which the last has `lanes`. */
  @inline
  static block(
    f: i32,
    NV: i32,
    yPtr: usize,
    fromPtr: usize,
    tapsPtr: usize,
    taps: i32,
    wPtr: usize,
    stepBytes: usize,
    lanes: i32,
    lo: f32,
    hi: f32,
  ): void {
    // + 0: a bias of -0 starts as +0, as in the panels.
    let c0 = f32x4.splat(f === Windows.MAX ? -Infinity : wPtr ? load<f32>(wPtr) + 0 : 0);
    let c1 = c0;
    let c2 = c0;
    let c3 = c0;
    // A sum has no weights: times 1 every input is itself.
    let w = f32x4.splat(1);
    for (let k = 0; k < taps; k++) {
      const ptr = fromPtr + <usize>load<i32>(tapsPtr + ((<usize>k) << 2));
      if (f !== Windows.MAX && wPtr) w = v128.load32_splat(wPtr + ((<usize>k) << 2), 4);
      c0 = WindowRow.merge(f, c0, WindowRow.load(ptr, stepBytes), w);
      if (NV > 1) {
        c1 = WindowRow.merge(f, c1, WindowRow.load(ptr + 4 * stepBytes, stepBytes), w);
        c2 = WindowRow.merge(f, c2, WindowRow.load(ptr + 8 * stepBytes, stepBytes), w);
        c3 = WindowRow.merge(f, c3, WindowRow.load(ptr + 12 * stepBytes, stepBytes), w);
      }
    }
    if (NV === 1) {
      storeLanes(yPtr, WindowRow.clamp(c0, lo, hi), lanes);
      return;
    }
    v128.store(yPtr, WindowRow.clamp(c0, lo, hi));
    v128.store(yPtr, WindowRow.clamp(c1, lo, hi), 16);
    v128.store(yPtr, WindowRow.clamp(c2, lo, hi), 32);
    v128.store(yPtr, WindowRow.clamp(c3, lo, hi), 48);
  }

  /**
   * y[c] = clamp(f over the taps of the window at fromPtr + c * stepBytes) for c < columns. At most three
   * inputs behind the last window are read and not used.
   */
  @inline
  static run(
    f: i32,
    yPtr: usize,
    fromPtr: usize,
    tapsPtr: usize,
    taps: i32,
    wPtr: usize,
    columns: i32,
    stepBytes: usize,
    lo: f32,
    hi: f32,
  ): void {
    for (; columns >= 16; columns -= 16) {
      WindowRow.block(f, 4, yPtr, fromPtr, tapsPtr, taps, wPtr, stepBytes, 4, lo, hi);
      yPtr += 64;
      fromPtr += 16 * stepBytes;
    }
    for (; columns > 0; ) {
      // Windows far apart are done one by one at the end: four loads would reach far behind the last.
      const lanes = stepBytes === 4 ? min(columns, 4) : columns >= 4 ? 4 : 1;
      WindowRow.block(f, 1, yPtr, fromPtr, tapsPtr, taps, wPtr, lanes < 4 ? 4 : stepBytes, lanes, lo, hi);
      yPtr += (<usize>lanes) << 2;
      fromPtr += <usize>lanes * stepBytes;
      columns -= lanes;
    }
  }
}

/**
 * One row of places: y[c] = clamp(f over the window at fromPtr + c * columnBytes), c < columns.
 * @param wPtr  bias, then a weight for each tap; not read for pools
 */
export function windowRow(
  f: i32,
  yPtr: usize,
  fromPtr: usize,
  tapsPtr: usize,
  taps: i32,
  wPtr: usize,
  columns: i32,
  columnBytes: usize,
  lo: f32,
  hi: f32,
): void {
  if (f === Windows.MAX) WindowRow.run(Windows.MAX, yPtr, fromPtr, tapsPtr, taps, 0, columns, columnBytes, lo, hi);
  else {
    const weights = f === Windows.CONV ? wPtr : 0;
    WindowRow.run(Windows.CONV, yPtr, fromPtr, tapsPtr, taps, weights, columns, columnBytes, lo, hi);
  }
}
