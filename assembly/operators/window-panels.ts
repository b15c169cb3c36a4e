/** Packs the inputs of windows into panels: im2col, tile by tile. */
import { NR, NR_HALF } from '../tile';

/** The panels of a tile, as drawn at the head of windows.ts; columns beyond the last place repeat the panel's first. */
export function packPlaces(
  panelPtr: usize,
  offsetsPtr: usize,
  fromPtr: usize,
  tapsPtr: usize,
  taps: i32,
  rows: i32,
  columns: i32,
  rowBytes: usize,
  columnBytes: usize,
): void {
  let left = rows * columns;
  let placePtr = fromPtr;
  let column = 0;
  for (; left > 0; left -= NR) {
    const width: usize = left <= NR_HALF ? NR_HALF : NR;
    for (let j: usize = 0; j < width; j++) {
      const isPlace = j < <usize>left;
      store<usize>(offsetsPtr + (j << 2), isPlace ? placePtr - fromPtr : load<usize>(offsetsPtr));
      if (!isPlace) continue;
      placePtr += columnBytes;
      if (++column === columns) {
        column = 0;
        placePtr += rowBytes - <usize>columns * columnBytes;
      }
    }
    panelPtr = packPanel(panelPtr, offsetsPtr, fromPtr, tapsPtr, taps, width);
  }
}

/** Four places of a panel: their inputs at one tap. */
class Quad {
  /** Bytes from each of four places to the next where they are the same and known to {@link take}, else 0. */
  @inline
  static step(offsetsPtr: usize): usize {
    const first = load<usize>(offsetsPtr);
    const step = load<usize>(offsetsPtr, 4) - first;
    const isEven = load<usize>(offsetsPtr, 8) - first === 2 * step && load<usize>(offsetsPtr, 12) - first === 3 * step;
    return isEven && (step === 4 || step === 8) ? step : 0;
  }

  @inline
  static take(panelPtr: usize, ptr: usize, offsetsPtr: usize, step: usize): void {
    const firstPtr = ptr + load<usize>(offsetsPtr);
    if (step === 4) v128.store(panelPtr, v128.load(firstPtr));
    else if (step === 8) {
      // Elements 0 to 3 and 3 to 6: nothing beyond the last place is read.
      const end = v128.load(firstPtr, 12);
      v128.store(panelPtr, i32x4.shuffle(v128.load(firstPtr), end, 0, 2, 5, 7));
    } else {
      store<f32>(panelPtr, load<f32>(firstPtr));
      store<f32>(panelPtr, load<f32>(ptr + load<usize>(offsetsPtr, 4)), 4);
      store<f32>(panelPtr, load<f32>(ptr + load<usize>(offsetsPtr, 8)), 8);
      store<f32>(panelPtr, load<f32>(ptr + load<usize>(offsetsPtr, 12)), 12);
    }
  }
}

/** One panel; returns where the next one begins. */
function packPanel(panelPtr: usize, offsetsPtr: usize, fromPtr: usize, tapsPtr: usize, taps: i32, width: usize): usize {
  for (let j: usize = 0; j < width; j++) {
    store<f32>(panelPtr + (j << 2), 0);
    store<f32>(panelPtr + ((width + j) << 2), 1);
  }
  panelPtr += width << 3;
  const endPtr = tapsPtr + ((<usize>taps) << 2);
  // Sixteen neighbours: the offsets ascend, so the last one tells.
  const first = load<usize>(offsetsPtr);
  if (width === NR && load<usize>(offsetsPtr, (NR - 1) * 4) - first === (NR - 1) * 4) {
    for (; tapsPtr < endPtr; tapsPtr += 4) {
      const ptr = fromPtr + <usize>load<i32>(tapsPtr);
      v128.store(panelPtr, v128.load(ptr + first));
      v128.store(panelPtr, v128.load(ptr + first, 16), 16);
      v128.store(panelPtr, v128.load(ptr + first, 32), 32);
      v128.store(panelPtr, v128.load(ptr + first, 48), 48);
      panelPtr += NR * 4;
    }
    return panelPtr;
  }
  if (isDefined(KERF_SMALL)) {
    for (; tapsPtr < endPtr; tapsPtr += 4) {
      const ptr = fromPtr + <usize>load<i32>(tapsPtr);
      for (let j: usize = 0; j < width << 2; j += 4) {
        store<f32>(panelPtr + j, load<f32>(ptr + load<usize>(offsetsPtr + j)));
      }
      panelPtr += width << 2;
    }
    return panelPtr;
  }
  const step0 = Quad.step(offsetsPtr);
  const step1 = Quad.step(offsetsPtr + 16);
  const step2 = Quad.step(offsetsPtr + 32);
  const step3 = Quad.step(offsetsPtr + 48);
  for (; tapsPtr < endPtr; tapsPtr += 4) {
    const ptr = fromPtr + <usize>load<i32>(tapsPtr);
    Quad.take(panelPtr, ptr, offsetsPtr, step0);
    Quad.take(panelPtr + 16, ptr, offsetsPtr + 16, step1);
    if (width === NR) {
      Quad.take(panelPtr + 32, ptr, offsetsPtr + 32, step2);
      Quad.take(panelPtr + 48, ptr, offsetsPtr + 48, step3);
    }
    panelPtr += width << 2;
  }
  return panelPtr;
}
