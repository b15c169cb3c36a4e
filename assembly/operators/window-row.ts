/** Rows of windows without panels: depthwise convolution, and pooling. */
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

  /** Four vectors of outputs, one for each of four places: next to one another they would wait for their own sums. */
  @inline
  static apart(
    f: i32,
    yPtr: usize,
    y1: usize,
    y2: usize,
    y3: usize,
    fromPtr: usize,
    from1: usize,
    from2: usize,
    from3: usize,
    tapsPtr: usize,
    taps: i32,
    wPtr: usize,
    stepBytes: usize,
    lo: f32,
    hi: f32,
  ): void {
    let c0 = f32x4.splat(f === Windows.MAX ? -Infinity : wPtr ? load<f32>(wPtr) + 0 : 0);
    let c1 = c0;
    let c2 = c0;
    let c3 = c0;
    let w = f32x4.splat(1);
    for (let k = 0; k < taps; k++) {
      const at = <usize>load<i32>(tapsPtr + ((<usize>k) << 2));
      if (f !== Windows.MAX && wPtr) w = v128.load32_splat(wPtr + ((<usize>k) << 2), 4);
      c0 = WindowRow.merge(f, c0, WindowRow.load(fromPtr + at, stepBytes), w);
      c1 = WindowRow.merge(f, c1, WindowRow.load(from1 + at, stepBytes), w);
      c2 = WindowRow.merge(f, c2, WindowRow.load(from2 + at, stepBytes), w);
      c3 = WindowRow.merge(f, c3, WindowRow.load(from3 + at, stepBytes), w);
    }
    v128.store(yPtr, WindowRow.clamp(c0, lo, hi));
    v128.store(y1, WindowRow.clamp(c1, lo, hi));
    v128.store(y2, WindowRow.clamp(c2, lo, hi));
    v128.store(y3, WindowRow.clamp(c3, lo, hi));
  }

  /** Four columns of outputs, four rows at a time; the last row is done again where there are fewer. */
  @inline
  static strip(
    f: i32,
    yPtr: usize,
    fromPtr: usize,
    tapsPtr: usize,
    taps: i32,
    wPtr: usize,
    rows: i32,
    yRowBytes: usize,
    rowBytes: usize,
    stepBytes: usize,
    lo: f32,
    hi: f32,
  ): void {
    for (let r = 0; r < rows; r += 4) {
      const r1 = <usize>min(r + 1, rows - 1);
      const r2 = <usize>min(r + 2, rows - 1);
      const r3 = <usize>min(r + 3, rows - 1);
      WindowRow.apart(
        f,
        yPtr + <usize>r * yRowBytes,
        yPtr + r1 * yRowBytes,
        yPtr + r2 * yRowBytes,
        yPtr + r3 * yRowBytes,
        fromPtr + <usize>r * rowBytes,
        fromPtr + r1 * rowBytes,
        fromPtr + r2 * rowBytes,
        fromPtr + r3 * rowBytes,
        tapsPtr,
        taps,
        wPtr,
        stepBytes,
        lo,
        hi,
      );
    }
  }

  /**
   * Rows of at least four places: sixteen columns of a row at a time, what is left in strips of four columns, of which the
   * last may overlap the one before. Every output is the same sum in each of these.
   */
  @inline
  static rows(
    f: i32,
    yPtr: usize,
    fromPtr: usize,
    tapsPtr: usize,
    taps: i32,
    wPtr: usize,
    rows: i32,
    columns: i32,
    yRowBytes: usize,
    rowBytes: usize,
    stepBytes: usize,
    lo: f32,
    hi: f32,
  ): void {
    const whole = columns & -16;
    for (let r: usize = 0; r < <usize>rows; r++) {
      for (let c: usize = 0; c < <usize>whole; c += 16) {
        const toPtr = yPtr + r * yRowBytes + (c << 2);
        WindowRow.block(f, 4, toPtr, fromPtr + r * rowBytes + c * stepBytes, tapsPtr, taps, wPtr, stepBytes, 4, lo, hi);
      }
    }
    for (let c = whole; c < columns; c += 4) {
      const at = <usize>min(c, columns - 4);
      const toPtr = yPtr + (at << 2);
      const here = fromPtr + at * stepBytes;
      WindowRow.strip(f, toPtr, here, tapsPtr, taps, wPtr, rows, yRowBytes, rowBytes, stepBytes, lo, hi);
    }
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

// Functions of their own, since only then the others' code drops out of the loops.

function maxRows(
  yPtr: usize,
  fromPtr: usize,
  tapsPtr: usize,
  taps: i32,
  rows: i32,
  columns: i32,
  yRowBytes: usize,
  rowBytes: usize,
  lo: f32,
  hi: f32,
): void {
  WindowRow.rows(Windows.MAX, yPtr, fromPtr, tapsPtr, taps, 0, rows, columns, yRowBytes, rowBytes, 4, lo, hi);
}

function maxRowsBy2(
  yPtr: usize,
  fromPtr: usize,
  tapsPtr: usize,
  taps: i32,
  rows: i32,
  columns: i32,
  yRowBytes: usize,
  rowBytes: usize,
  lo: f32,
  hi: f32,
): void {
  WindowRow.rows(Windows.MAX, yPtr, fromPtr, tapsPtr, taps, 0, rows, columns, yRowBytes, rowBytes, 8, lo, hi);
}

function sumRows(
  yPtr: usize,
  fromPtr: usize,
  tapsPtr: usize,
  taps: i32,
  wPtr: usize,
  rows: i32,
  columns: i32,
  yRowBytes: usize,
  rowBytes: usize,
  lo: f32,
  hi: f32,
): void {
  WindowRow.rows(Windows.CONV, yPtr, fromPtr, tapsPtr, taps, wPtr, rows, columns, yRowBytes, rowBytes, 4, lo, hi);
}

function sumRowsBy2(
  yPtr: usize,
  fromPtr: usize,
  tapsPtr: usize,
  taps: i32,
  wPtr: usize,
  rows: i32,
  columns: i32,
  yRowBytes: usize,
  rowBytes: usize,
  lo: f32,
  hi: f32,
): void {
  WindowRow.rows(Windows.CONV, yPtr, fromPtr, tapsPtr, taps, wPtr, rows, columns, yRowBytes, rowBytes, 8, lo, hi);
}

/**
 * A tile of places: y[r, c] = clamp(f over the window at fromPtr + r * rowBytes + c * columnBytes), r < rows, c < columns.
 * @param yRowBytes  from one row of y to the next
 * @param wPtr  bias, then a weight for each tap; not read for pools
 */
export function windowRows(
  f: i32,
  yPtr: usize,
  fromPtr: usize,
  tapsPtr: usize,
  taps: i32,
  wPtr: usize,
  rows: i32,
  columns: i32,
  yRowBytes: usize,
  rowBytes: usize,
  stepBytes: usize,
  lo: f32,
  hi: f32,
): void {
  const weights = f === Windows.CONV ? wPtr : 0;
  if (!isDefined(KERF_SMALL) && columns >= 4 && stepBytes <= 8) {
    if (f === Windows.MAX) {
      if (stepBytes === 4) maxRows(yPtr, fromPtr, tapsPtr, taps, rows, columns, yRowBytes, rowBytes, lo, hi);
      else maxRowsBy2(yPtr, fromPtr, tapsPtr, taps, rows, columns, yRowBytes, rowBytes, lo, hi);
    } else if (stepBytes === 4) {
      sumRows(yPtr, fromPtr, tapsPtr, taps, weights, rows, columns, yRowBytes, rowBytes, lo, hi);
    } else {
      sumRowsBy2(yPtr, fromPtr, tapsPtr, taps, weights, rows, columns, yRowBytes, rowBytes, lo, hi);
    }
    return;
  }
  for (; rows > 0; rows--) {
    if (f === Windows.MAX) WindowRow.run(Windows.MAX, yPtr, fromPtr, tapsPtr, taps, 0, columns, stepBytes, lo, hi);
    else WindowRow.run(Windows.CONV, yPtr, fromPtr, tapsPtr, taps, weights, columns, stepBytes, lo, hi);
    yPtr += yRowBytes;
    fromPtr += rowBytes;
  }
}
