/** A copy of the inputs of some windows, with the padding filled in. */
import { Shape, Size } from './window-shape';

/** Rows up to which a loop takes less time than the host's copy. */
const SHORT_ROW = 64;

function copyRow(toPtr: usize, fromPtr: usize, count: i32): void {
  if (isDefined(KERF_SMALL) || count > SHORT_ROW) {
    memory.copy(toPtr, fromPtr, (<usize>count) << 2);
    return;
  }
  for (; count >= 4; count -= 4) {
    v128.store(toPtr, v128.load(fromPtr));
    toPtr += 16;
    fromPtr += 16;
  }
  for (; count > 0; count--) {
    store<f32>(toPtr, load<f32>(fromPtr));
    toPtr += 4;
    fromPtr += 4;
  }
}

/** band [C, kernel depth, height, width] = the inputs from [d0, h0, w0] on, `fill` outside of the image. */
export function fillBand(
  bandPtr: usize,
  xPtr: usize,
  shapePtr: usize,
  d0: i32,
  h0: i32,
  w0: i32,
  height: i32,
  width: i32,
  fill: f32,
): void {
  const D = Shape.at(shapePtr, Size.INPUT);
  const H = Shape.at(shapePtr, Size.INPUT + 1);
  const W = Shape.at(shapePtr, Size.INPUT + 2);
  // Columns [first, end) of a band row lie inside the image.
  const first = min(width, max(0, -w0));
  const end = max(first, min(width, W - w0));
  for (let c = 0; c < Shape.at(shapePtr, Size.C); c++) {
    for (let tap = 0; tap < Shape.at(shapePtr, Size.KERNEL); tap++) {
      const d = d0 + tap * Shape.at(shapePtr, Size.DILATION);
      for (let h = h0; h < h0 + height; h++) {
        const isInside = d >= 0 && d < D && h >= 0 && h < H;
        const from = isInside ? first : width;
        const to = isInside ? end : width;
        for (let w = 0; w < from; w++) store<f32>(bandPtr + ((<usize>w) << 2), fill);
        for (let w = to; w < width; w++) store<f32>(bandPtr + ((<usize>w) << 2), fill);
        if (to > from) {
          const rowPtr = xPtr + ((<usize>(((c * D + d) * H + h) * W + w0 + from)) << 2);
          copyRow(bandPtr + ((<usize>from) << 2), rowPtr, to - from);
        }
        bandPtr += (<usize>width) << 2;
      }
    }
  }
}
