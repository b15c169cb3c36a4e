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
import { fillBand } from './window-band';
import { packPlaces } from './window-panels';
import { Windows, windowRows } from './window-row';
import { Shape, Size } from './window-shape';
import { isWinograd, winogradImage } from './winograd';

/** Outputs of a group up to which a single channel is convolved directly: wider ones gain from the panels. */
const DIRECT_OUTPUTS = 4;

/**
 * y [N, groups, O, output] = f over the windows of x [N, groups, C, input], clamped to lo, hi (NaN kept).
 *
 * Each output is one sum: the bias, then channels, depth, rows, columns of the window ascending, rounded after each
 * step; padding counts as zeros (-infinity for MAX). The bits depend neither on the tile nor on how images are split.
 * The relaxed modules compute some convolutions otherwise, see winograd.ts.
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
  if (isDefined(KERF_WINOGRAD) && f === Windows.CONV && isWinograd(shapePtr)) {
    winogradImage(xPtr, wPtr, scratchPtr, yPtr, shapePtr, lo, hi);
    return;
  }
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
