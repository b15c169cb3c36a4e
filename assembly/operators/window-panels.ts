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

/** One panel; returns where the next one begins. */
function packPanel(panelPtr: usize, offsetsPtr: usize, fromPtr: usize, tapsPtr: usize, taps: i32, width: usize): usize {
  for (let j: usize = 0; j < width; j++) {
    store<f32>(panelPtr + (j << 2), 0);
    store<f32>(panelPtr + ((width + j) << 2), 1);
  }
  panelPtr += width << 3;
  // Sixteen neighbours: the offsets ascend, so the last one tells.
  const first = load<usize>(offsetsPtr);
  const isRun = width === NR && load<usize>(offsetsPtr, (NR - 1) * 4) - first === (NR - 1) * 4;
  for (const endPtr = tapsPtr + ((<usize>taps) << 2); tapsPtr < endPtr; tapsPtr += 4) {
    const ptr = fromPtr + <usize>load<i32>(tapsPtr);
    if (isRun) {
      v128.store(panelPtr, v128.load(ptr + first));
      v128.store(panelPtr, v128.load(ptr + first, 16), 16);
      v128.store(panelPtr, v128.load(ptr + first, 32), 32);
      v128.store(panelPtr, v128.load(ptr + first, 48), 48);
    } else {
      for (let j: usize = 0; j < width << 2; j += 4) {
        store<f32>(panelPtr + j, load<f32>(ptr + load<usize>(offsetsPtr + j)));
      }
    }
    panelPtr += width << 2;
  }
  return panelPtr;
}
