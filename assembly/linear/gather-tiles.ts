/**
 * Tiles of one row whose inputs are given as entries `| byte offset of the weights in a full panel | input |`:
 * y = clamp(bias + sum of input weights, lo, hi), in the order of the entries, one accumulator an output.
 */
import { PANEL_ROW_BYTES, VECTOR_BYTES } from '../tile';
import { storeLanes } from './lanes';
import { Vector } from './vector';

/** Edge vectors; a method, since TypeScript's grammar allows decorators only in classes. */
class Edge {
  /** Stores what of a vector lies before `nr`; `first` is its first output. */
  @inline
  static store(yPtr: usize, first: i32, nr: i32, sum: v128, lo: f32, hi: f32): void {
    if (nr > first) storeLanes(yPtr + ((<usize>first) << 2), Vector.clamp(sum, lo, hi), min(4, nr - first));
  }
}

/** 32 outputs: two full panels, `panelBytes` apart. */
export function f32_gather_1x32(
  yPtr: usize,
  entryPtr: usize,
  endPtr: usize,
  panelPtr: usize,
  panelBytes: usize,
  lo: f32,
  hi: f32,
): void {
  let p = panelPtr;
  let q = panelPtr + panelBytes;
  let c0 = v128.load(p),
    c1 = v128.load(p, 16),
    c2 = v128.load(p, 32),
    c3 = v128.load(p, 48);
  let c4 = v128.load(q),
    c5 = v128.load(q, 16),
    c6 = v128.load(q, 32),
    c7 = v128.load(q, 48);
  const rowsPtr = panelPtr + PANEL_ROW_BYTES;
  for (; entryPtr < endPtr; entryPtr += 8) {
    const a = v128.load32_splat(entryPtr, 4);
    p = rowsPtr + <usize>load<u32>(entryPtr);
    c0 = Vector.madd(c0, a, v128.load(p));
    c1 = Vector.madd(c1, a, v128.load(p, 16));
    c2 = Vector.madd(c2, a, v128.load(p, 32));
    c3 = Vector.madd(c3, a, v128.load(p, 48));
    q = p + panelBytes;
    if (q === 0) break; // never: parts the blocks, else V8 hoists eight loads and spills
    c4 = Vector.madd(c4, a, v128.load(q));
    c5 = Vector.madd(c5, a, v128.load(q, 16));
    c6 = Vector.madd(c6, a, v128.load(q, 32));
    c7 = Vector.madd(c7, a, v128.load(q, 48));
  }
  v128.store(yPtr, Vector.clamp(c0, lo, hi));
  v128.store(yPtr, Vector.clamp(c1, lo, hi), 16);
  v128.store(yPtr, Vector.clamp(c2, lo, hi), 32);
  v128.store(yPtr, Vector.clamp(c3, lo, hi), 48);
  v128.store(yPtr, Vector.clamp(c4, lo, hi), 64);
  v128.store(yPtr, Vector.clamp(c5, lo, hi), 80);
  v128.store(yPtr, Vector.clamp(c6, lo, hi), 96);
  v128.store(yPtr, Vector.clamp(c7, lo, hi), 112);
}

/** The first nr outputs, 9..16, of a full panel. */
export function f32_gather_1x16(
  yPtr: usize,
  nr: i32,
  entryPtr: usize,
  endPtr: usize,
  panelPtr: usize,
  lo: f32,
  hi: f32,
): void {
  let p = panelPtr;
  let c0 = v128.load(p),
    c1 = v128.load(p, 16),
    c2 = v128.load(p, 32),
    c3 = v128.load(p, 48);
  const rowsPtr = panelPtr + PANEL_ROW_BYTES;
  for (; entryPtr < endPtr; entryPtr += 8) {
    const a = v128.load32_splat(entryPtr, 4);
    p = rowsPtr + <usize>load<u32>(entryPtr);
    c0 = Vector.madd(c0, a, v128.load(p));
    c1 = Vector.madd(c1, a, v128.load(p, 16));
    c2 = Vector.madd(c2, a, v128.load(p, 32));
    c3 = Vector.madd(c3, a, v128.load(p, 48));
  }
  v128.store(yPtr, Vector.clamp(c0, lo, hi));
  v128.store(yPtr, Vector.clamp(c1, lo, hi), VECTOR_BYTES);
  Edge.store(yPtr, 8, nr, c2, lo, hi);
  Edge.store(yPtr, 12, nr, c3, lo, hi);
}

/** The first nr outputs, 1..8, of a half panel. */
export function f32_gather_1x8(
  yPtr: usize,
  nr: i32,
  entryPtr: usize,
  endPtr: usize,
  panelPtr: usize,
  lo: f32,
  hi: f32,
): void {
  let p = panelPtr;
  let c0 = v128.load(p),
    c1 = v128.load(p, 16);
  const rowsPtr = panelPtr + PANEL_ROW_BYTES / 2;
  for (; entryPtr < endPtr; entryPtr += 8) {
    const a = v128.load32_splat(entryPtr, 4);
    p = rowsPtr + <usize>(load<u32>(entryPtr) >> 1);
    c0 = Vector.madd(c0, a, v128.load(p));
    c1 = Vector.madd(c1, a, v128.load(p, 16));
  }
  Edge.store(yPtr, 0, nr, c0, lo, hi);
  Edge.store(yPtr, 4, nr, c1, lo, hi);
}
