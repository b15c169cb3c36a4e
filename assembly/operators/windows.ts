/**
 * Convolution and pooling: one value for every place of a sliding window, over images of three axes (depth, height,
 * width; missing ones have size 1) and groups of channels.
 *
 * An image is done tile by tile, TH rows by TW columns of outputs. A tile that touches the padding is read from a copy
 * of its inputs with the padding filled in (the band); any other reads the image where it stands. Then each window is
 * the same list of offsets, one a tap (channel, depth, row, column), from the window's first input:
 *
 *     scratch:  | byte offset of 16 columns | byte offset of each tap | panels of a tile | band |
 *
 * Convolution is y[o, p] = sum_k W[o, k] x[p, k]: the inputs of 16 places p become a panel (im2col), and f32_gemm sees
 * the weights as rows. So the outputs stand as the network wants them, [O, places], and nothing is transposed. The bias
 * is weight 0 of each row, and the panels' first weights are ones:
 *
 *     weights of output o:   | bias | k=0 | k=1 | ...
 *     panel of 16 places:    | zeros[16] | ones[16] | k=0: 16 inputs | k=1: 16 inputs | ...
 */
import { f32_gemm } from '../linear/gemm';
import { NR } from '../tile';
import { packPlaces } from './window-panels';
import { Windows, windowRows } from './window-row';

/** Words of the shape, as src/runtime/step-kinds/windows.ts writes them; three-axis sizes are depth, height, width. */
const enum Size {
  N,
  GROUPS,
  /** Channels and outputs of a group. */
  C,
  O,
  INPUT,
  KERNEL = 7,
  STRIDE = 10,
  DILATION = 13,
  PAD = 16,
  OUTPUT = 19,
  TILE = 22,
}

/** Outputs of a group up to which a single channel is convolved directly: wider ones gain from the panels. */
const DIRECT_OUTPUTS = 4;

class Shape {
  @inline
  static at(shapePtr: usize, word: i32): i32 {
    return load<i32>(shapePtr + ((<usize>word) << 2));
  }

  /** Product of the three sizes from `word` on. */
  @inline
  static volume(shapePtr: usize, word: i32): i32 {
    return Shape.at(shapePtr, word) * Shape.at(shapePtr, word + 1) * Shape.at(shapePtr, word + 2);
  }
}

/**
 * y [N, groups, O, output] = f over the windows of x [N, groups, C, input], clamped to lo, hi (NaN kept).
 *
 * Each output is one sum: the bias, then channels, depth, rows, columns of the window ascending, rounded after each
 * step; padding counts as zeros (-infinity for MAX). The bits depend neither on the tile nor on how images are split.
 *
 * @param wPtr  [groups, O, 1 + C * kernel] with the bias first; unused but for CONV
 * @param scratchPtr  as drawn above; `scratchLength` in src/runtime/step-kinds/windows.ts says how long
 * @param shapePtr  i32 words in the order of `Size`
 * @complexity O(N groups O C * kernel * output) multiply-adds
 */
export function f32_windows(
  f: i32,
  xPtr: usize,
  wPtr: usize,
  scratchPtr: usize,
  yPtr: usize,
  shapePtr: usize,
  lo: f32,
  hi: f32,
): void {
  const outputs = Shape.at(shapePtr, Size.O);
  const taps = Shape.at(shapePtr, Size.C) * Shape.volume(shapePtr, Size.KERNEL);
  const imageBytes = (<usize>(Shape.at(shapePtr, Size.C) * Shape.volume(shapePtr, Size.INPUT))) << 2;
  const weightBytes = (<usize>(outputs * (1 + taps))) << 2;
  const resultBytes = (<usize>(outputs * Shape.volume(shapePtr, Size.OUTPUT))) << 2;
  if (resultBytes === 0 || Shape.at(shapePtr, Size.GROUPS) === 0) return;
  for (let n = Shape.at(shapePtr, Size.N); n > 0; n--) {
    let groupPtr = wPtr;
    for (let g = Shape.at(shapePtr, Size.GROUPS); g > 0; g--) {
      image(f, xPtr, groupPtr, scratchPtr, yPtr, shapePtr, taps, lo, hi);
      xPtr += imageBytes;
      groupPtr += weightBytes;
      yPtr += resultBytes;
    }
  }
}

/** One group of one image. */
function image(
  f: i32,
  xPtr: usize,
  wPtr: usize,
  scratchPtr: usize,
  yPtr: usize,
  shapePtr: usize,
  taps: i32,
  lo: f32,
  hi: f32,
): void {
  const depth = Shape.at(shapePtr, Size.OUTPUT);
  const height = Shape.at(shapePtr, Size.OUTPUT + 1);
  const width = Shape.at(shapePtr, Size.OUTPUT + 2);
  const tileRows = Shape.at(shapePtr, Size.TILE);
  const tileColumns = Shape.at(shapePtr, Size.TILE + 1);
  for (let d = 0; d < depth; d++) {
    for (let h = 0; h < height; h += tileRows) {
      for (let w = 0; w < width; w += tileColumns) {
        const rows = min(tileRows, height - h);
        const columns = min(tileColumns, width - w);
        const placePtr = yPtr + ((<usize>((d * height + h) * width + w)) << 2);
        tile(f, xPtr, wPtr, scratchPtr, placePtr, shapePtr, taps, d, h, w, rows, columns, lo, hi);
      }
    }
  }
}

/** The outputs [d, h .. h + rows, w .. w + columns]. */
function tile(
  f: i32,
  xPtr: usize,
  wPtr: usize,
  scratchPtr: usize,
  yPtr: usize,
  shapePtr: usize,
  taps: i32,
  d: i32,
  h: i32,
  w: i32,
  rows: i32,
  columns: i32,
  lo: f32,
  hi: f32,
): void {
  const D = Shape.at(shapePtr, Size.INPUT);
  const H = Shape.at(shapePtr, Size.INPUT + 1);
  const W = Shape.at(shapePtr, Size.INPUT + 2);
  const strideH = Shape.at(shapePtr, Size.STRIDE + 1);
  const strideW = Shape.at(shapePtr, Size.STRIDE + 2);
  // The first input of the tile, and how many of them its windows span.
  const d0 = d * Shape.at(shapePtr, Size.STRIDE) - Shape.at(shapePtr, Size.PAD);
  const h0 = h * strideH - Shape.at(shapePtr, Size.PAD + 1);
  const w0 = w * strideW - Shape.at(shapePtr, Size.PAD + 2);
  const dilationD = Shape.at(shapePtr, Size.DILATION);
  const depth = (Shape.at(shapePtr, Size.KERNEL) - 1) * dilationD + 1;
  const height =
    (rows - 1) * strideH + (Shape.at(shapePtr, Size.KERNEL + 1) - 1) * Shape.at(shapePtr, Size.DILATION + 1) + 1;
  const width =
    (columns - 1) * strideW + (Shape.at(shapePtr, Size.KERNEL + 2) - 1) * Shape.at(shapePtr, Size.DILATION + 2) + 1;
  const tapsPtr = scratchPtr + NR * 4;
  const panelPtr = tapsPtr + ((<usize>taps) << 2);
  let fromPtr = xPtr + ((<usize>((d0 * H + h0) * W + w0)) << 2);
  let rowStride = W;
  if (d0 >= 0 && d0 + depth <= D && h0 >= 0 && h0 + height <= H && w0 >= 0 && w0 + width <= W) {
    listTaps(tapsPtr, shapePtr, D * H * W, dilationD * H * W, W);
  } else {
    const tileSize = Shape.at(shapePtr, Size.TILE) * Shape.at(shapePtr, Size.TILE + 1);
    const isDirect = f !== Windows.CONV || isDirectConv(shapePtr);
    fromPtr = panelPtr + (isDirect ? 0 : (<usize>((2 + taps) * ((tileSize + NR - 1) & -NR))) << 2);
    fillBand(fromPtr, xPtr, shapePtr, d0, h0, w0, height, width, f === Windows.MAX ? -Infinity : 0);
    listTaps(tapsPtr, shapePtr, Shape.at(shapePtr, Size.KERNEL) * height * width, height * width, width);
    rowStride = width;
  }
  const rowBytes = (<usize>(strideH * rowStride)) << 2;
  const columnBytes = (<usize>strideW) << 2;
  const outputs = Shape.at(shapePtr, Size.O);
  const places = Shape.volume(shapePtr, Size.OUTPUT);
  if (f === Windows.CONV && !isDirectConv(shapePtr)) {
    packPlaces(panelPtr, scratchPtr, fromPtr, tapsPtr, taps, rows, columns, rowBytes, columnBytes);
    f32_gemm(yPtr, places, wPtr, 1 + taps, panelPtr, outputs, rows * columns, 1 + taps, 0, 0, 0, lo, hi);
    return;
  }
  const yRowBytes = (<usize>Shape.at(shapePtr, Size.OUTPUT + 2)) << 2;
  for (let o = 0; o < outputs; o++) {
    windowRows(f, yPtr, fromPtr, tapsPtr, taps, wPtr, rows, columns, yRowBytes, rowBytes, columnBytes, lo, hi);
    wPtr += (<usize>(1 + taps)) << 2;
    yPtr += (<usize>places) << 2;
  }
}

/** Whether convolution runs over its windows without panels: one channel, few outputs. */
function isDirectConv(shapePtr: usize): bool {
  return Shape.at(shapePtr, Size.C) === 1 && Shape.at(shapePtr, Size.O) <= DIRECT_OUTPUTS;
}

/** Byte offsets of the taps of a window; strides in elements: between channels, taps of the depth, and rows. */
function listTaps(tapsPtr: usize, shapePtr: usize, channelStride: i32, depthStride: i32, rowStride: i32): void {
  const rowStep = rowStride * Shape.at(shapePtr, Size.DILATION + 1);
  const columnStep = Shape.at(shapePtr, Size.DILATION + 2);
  for (let c = 0; c < Shape.at(shapePtr, Size.C); c++) {
    for (let d = 0; d < Shape.at(shapePtr, Size.KERNEL); d++) {
      for (let h = 0; h < Shape.at(shapePtr, Size.KERNEL + 1); h++) {
        for (let w = 0; w < Shape.at(shapePtr, Size.KERNEL + 2); w++) {
          store<i32>(tapsPtr, (c * channelStride + d * depthStride + h * rowStep + w * columnStep) << 2);
          tapsPtr += 4;
        }
      }
    }
  }
}

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
function fillBand(
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
