/**
 * Convolution by windows of 3 x 3 with 16 multiplications for four outputs instead of 36: Winograd's F(2 x 2, 3 x 3)
 * (Lavin and Gray, arXiv 1509.09308). A tile of 2 x 2 outputs, its 4 x 4 inputs d and weights g, summed over channels:
 *
 *     y = A^T [ sum of (G g G^T) * (B^T d B) ] A             * place by place
 *
 *     B^T = | 1  0 -1  0 |     G = |  1    0    0  |     A^T = | 1  1  1  0 |
 *           | 0  1  1  0 |         | 1/2  1/2  1/2 |           | 0  1 -1 -1 |
 *           | 0 -1  1  0 |         | 1/2 -1/2  1/2 |
 *           | 0  1  0 -1 |         |  0    0    1  |
 *
 * The tiles of an image come in blocks, rows of groups of four neighbours. Each of the 16 places is one product of
 * matrices U V, the tiles its columns, for some outputs at a time:
 *
 *     scratch:  | U: 16 [outputs, channels] | V: 16 times panels of tiles | M: 16 [outputs, tiles] | band |
 */
import { f32_gemm } from '../linear/gemm';
import { storeLanes } from '../linear/lanes';
import { NR, NR_HALF } from '../tile';
import { fillBand } from './window-band';
import { Shape, Size } from './window-shape';

/** Channels from which the products are long enough to pay for the transforms, and up to which these fit the scratch. */
const LEAST_CHANNELS: i32 = 32;
const MOST_CHANNELS: i32 = 256;

/** Groups of a block, at most: 64 columns. */
const GROUPS: i32 = 16;

/** What a block takes, in elements. */
class Block {
  /** Groups of four tiles that cover `width` outputs. */
  @inline
  static groupsOf(width: i32): i32 {
    return (width + 7) >> 3;
  }

  /** Outputs that are computed at a time. */
  @inline
  static outputs(channels: i32): i32 {
    return channels > 128 ? 16 : 32;
  }

  @inline
  static uRow(channels: i32): i32 {
    return (channels + 3) & -4;
  }

  @inline
  static vPlace(channels: i32, columns: i32): i32 {
    return (1 + channels) * ((columns + NR - 1) & -NR);
  }

  /** All but the band. */
  static products(channels: i32, columns: i32): i32 {
    const outputs = Block.outputs(channels);
    return 16 * (outputs * Block.uRow(channels) + Block.vPlace(channels, columns) + outputs * columns);
  }

  static fits(channels: i32, groups: i32, rows: i32, available: i32): bool {
    const band = channels * (2 * rows + 2) * (8 * groups + 2);
    return Block.products(channels, 4 * groups * rows) + band <= available;
  }
}

/** Elements of scratch that src/runtime/step-kinds/windows.ts asks for, for a window of 3 x 3. */
function available(shapePtr: usize): i32 {
  const C = Shape.at(shapePtr, Size.C);
  const rows = Shape.at(shapePtr, Size.TILE);
  const columns = Shape.at(shapePtr, Size.TILE + 1);
  return NR + 9 * C + (2 + 9 * C) * ((rows * columns + NR - 1) & -NR) + C * (rows + 2) * (columns + 2);
}

/**
 * Whether a convolution is computed so: windows of 3 x 3 that move by one, where multiplications are saved in spite of
 * tiles that reach beyond the image. Outputs and images do not matter, so that threads which share them get equal bits.
 */
export function isWinograd(shapePtr: usize): bool {
  const C = Shape.at(shapePtr, Size.C);
  if (C < LEAST_CHANNELS || C > MOST_CHANNELS) return false;
  const kernel = Shape.volume(shapePtr, Size.KERNEL);
  if (kernel !== 9 || Shape.at(shapePtr, Size.KERNEL + 1) !== 3 || Shape.at(shapePtr, Size.KERNEL + 2) !== 3)
    return false;
  if (Shape.volume(shapePtr, Size.STRIDE) !== 1 || Shape.volume(shapePtr, Size.DILATION) !== 1) return false;
  if (Shape.at(shapePtr, Size.INPUT) !== 1 || Shape.at(shapePtr, Size.OUTPUT) !== 1) return false;
  const height = Shape.at(shapePtr, Size.OUTPUT + 1);
  const width = Shape.at(shapePtr, Size.OUTPUT + 2);
  const tiles = 4 * Block.groupsOf(width) * ((height + 1) >> 1);
  // 16 multiplications a tile, and more for the transforms: measured.
  const multiplications = (C > 128 ? 28 : 22) * tiles;
  return multiplications <= 9 * height * width && Block.fits(C, 1, 1, available(shapePtr));
}

/**
 * y [O, height, width] = clamp(bias + conv(x [C, input]), lo, hi), where {@link isWinograd} holds.
 * |y - exact| <= gamma_(C + 14) A^T [ sum of (|G| |g| |G|^T) * (|B|^T |d| |B|) ] A with |A|: products and sums of C
 * channels, 3 roundings in U, 2 in V, 6 in y, and the bias.
 * @param wPtr  [O, 1 + 9 C] with the bias first
 * @param scratchPtr  as drawn above; as long as for any convolution of this shape
 */
export function winogradImage(
  xPtr: usize,
  wPtr: usize,
  scratchPtr: usize,
  yPtr: usize,
  shapePtr: usize,
  lo: f32,
  hi: f32,
): void {
  const C = Shape.at(shapePtr, Size.C);
  const height = Shape.at(shapePtr, Size.OUTPUT + 1);
  const width = Shape.at(shapePtr, Size.OUTPUT + 2);
  const padH = Shape.at(shapePtr, Size.PAD + 1);
  const padW = Shape.at(shapePtr, Size.PAD + 2);
  const length = available(shapePtr);
  let groups = min(GROUPS, Block.groupsOf(width));
  let rows = min((height + 1) >> 1, max(1, GROUPS / groups));
  while (!Block.fits(C, groups, rows, length)) {
    if (rows > 1) rows--;
    else groups--;
  }
  const bandPtr = scratchPtr + ((<usize>Block.products(C, 4 * groups * rows)) << 2);
  for (let h = 0; h < height; h += 2 * rows) {
    const tileRows = min(rows, (height - h + 1) >> 1);
    for (let w = 0; w < width; w += 8 * groups) {
      const tileGroups = min(groups, Block.groupsOf(width - w));
      fillBand(bandPtr, xPtr, shapePtr, 0, h - padH, w - padW, 2 * tileRows + 2, 8 * tileGroups + 2, 0);
      const placePtr = yPtr + ((<usize>(h * width + w)) << 2);
      block(placePtr, bandPtr, wPtr, scratchPtr, shapePtr, tileGroups, tileRows, height - h, width - w, lo, hi);
    }
  }
}

/** The outputs of one block, whose inputs are [C, 2 rows + 2, 8 groups + 2] in the band. */
function block(
  yPtr: usize,
  bandPtr: usize,
  wPtr: usize,
  uPtr: usize,
  shapePtr: usize,
  groups: i32,
  rows: i32,
  height: i32,
  width: i32,
  lo: f32,
  hi: f32,
): void {
  const C = Shape.at(shapePtr, Size.C);
  const O = Shape.at(shapePtr, Size.O);
  const columns = 4 * groups * rows;
  const most = Block.outputs(C);
  const uRow = Block.uRow(C);
  const uBytes = (<usize>(most * uRow)) << 2;
  const vBytes = (<usize>Block.vPlace(C, columns)) << 2;
  const mBytes = (<usize>(most * columns)) << 2;
  const vPtr = uPtr + 16 * uBytes;
  const mPtr = vPtr + 16 * vBytes;
  transformBand(vPtr, vBytes, bandPtr, C, groups, rows);
  const weightBytes = (<usize>(1 + 9 * C)) << 2;
  const imageBytes = (<usize>Shape.volume(shapePtr, Size.OUTPUT)) << 2;
  const rowBytes = (<usize>Shape.at(shapePtr, Size.OUTPUT + 2)) << 2;
  const low = f32x4.splat(lo);
  const high = f32x4.splat(hi);
  for (let o = 0; o < O; o += most) {
    const outputs = min(most, O - o);
    for (let n = 0; n < outputs; n++) {
      transformWeights(uPtr + ((<usize>(n * uRow)) << 2), uBytes, wPtr + 4 + <usize>n * weightBytes, C);
    }
    for (let p: usize = 0; p < 16; p++) {
      const placePtr = mPtr + p * mBytes;
      const weightPtr = uPtr + p * uBytes;
      const panelPtr = vPtr + p * vBytes;
      f32_gemm(placePtr, columns, weightPtr, uRow, panelPtr, outputs, columns, C, 0, 0, 0, -Infinity, Infinity);
    }
    for (let n = 0; n < outputs; n++) {
      const bias = v128.load32_splat(wPtr);
      let fromPtr = mPtr + ((<usize>(n * columns)) << 2);
      for (let r = 0; r < rows; r++) {
        const rowPtr = yPtr + <usize>(2 * r) * rowBytes;
        for (let g = 0; g < groups; g++) {
          const placePtr = rowPtr + ((<usize>(8 * g)) << 2);
          transformOutputs(placePtr, rowBytes, fromPtr, mBytes, bias, height - 2 * r, width - 8 * g, low, high);
          fromPtr += 16;
        }
      }
      wPtr += weightBytes;
      yPtr += imageBytes;
    }
  }
}

/** V of a block: panels of 16 tiles, or of 8 at the end, whose first row is a bias of zeros. */
function transformBand(vPtr: usize, vBytes: usize, bandPtr: usize, C: i32, groups: i32, rows: i32): void {
  const columns = 4 * groups * rows;
  const bandRow = 8 * groups + 2;
  const channelBytes = (<usize>((2 * rows + 2) * bandRow)) << 2;
  for (let column = 0; column < columns; column += 4) {
    const first = column & -NR;
    const panelRow: usize = columns - first <= NR_HALF ? NR_HALF * 4 : NR * 4;
    let toPtr = vPtr + ((<usize>(first * (1 + C) + column - first)) << 2);
    for (let p: usize = 0; p < 16; p++) v128.store(toPtr + p * vBytes, f32x4.splat(0));
    const row = (column >> 2) / groups;
    const group = (column >> 2) - row * groups;
    let fromPtr = bandPtr + ((<usize>(2 * row * bandRow + 8 * group)) << 2);
    for (let c = 0; c < C; c++) {
      toPtr += panelRow;
      transformInputs(toPtr, vBytes, fromPtr, (<usize>bandRow) << 2);
      fromPtr += channelBytes;
    }
  }
}

/** Four vectors across which B^T, G or A^T goes, and what it makes of them. */
class Four {
  @inline
  static store(ptr: usize, stride: usize, a: v128, b: v128, c: v128, d: v128): void {
    v128.store(ptr, a);
    v128.store(ptr + stride, b);
    v128.store(ptr + 2 * stride, c);
    v128.store(ptr + 3 * stride, d);
  }

  /** B^T of four rows; the places of one column of V are 4 strides apart. */
  @inline
  static storeInputs(ptr: usize, stride: usize, d0: v128, d1: v128, d2: v128, d3: v128): void {
    Four.store(ptr, 4 * stride, f32x4.sub(d0, d2), f32x4.add(d1, d2), f32x4.sub(d2, d1), f32x4.sub(d1, d3));
  }

  /** A row of G g as a row of G g G^T. */
  @inline
  static storeWeights(ptr: usize, stride: usize, a: v128, b: v128, c: v128): void {
    const half = f32x4.splat(0.5);
    const ends = f32x4.add(a, c);
    const first = f32x4.mul(f32x4.add(ends, b), half);
    const second = f32x4.mul(f32x4.sub(ends, b), half);
    Four.store(ptr, stride, a, first, second, c);
  }
}

/** Columns of the inputs of four tiles: 0, 2, 4, 6 and 1, 3, 5, 7 from a place on. */
class Columns {
  @inline
  static even(ptr: usize): v128 {
    return i32x4.shuffle(v128.load(ptr), v128.load(ptr, 16), 0, 2, 4, 6);
  }

  @inline
  static odd(ptr: usize): v128 {
    return i32x4.shuffle(v128.load(ptr), v128.load(ptr, 16), 1, 3, 5, 7);
  }

  /** Column j of d B for the row at `ptr`. */
  @inline
  static at(j: i32, ptr: usize): v128 {
    if (j === 0) return f32x4.sub(Columns.even(ptr), Columns.even(ptr + 8));
    if (j === 1) return f32x4.add(Columns.odd(ptr), Columns.even(ptr + 8));
    if (j === 2) return f32x4.sub(Columns.even(ptr + 8), Columns.odd(ptr));
    return f32x4.sub(Columns.odd(ptr), Columns.odd(ptr + 8));
  }

  /** Column j of B^T d B. */
  @inline
  static store(j: i32, vPtr: usize, vBytes: usize, ptr: usize, rowBytes: usize): void {
    const d0 = Columns.at(j, ptr);
    const d1 = Columns.at(j, ptr + rowBytes);
    const d2 = Columns.at(j, ptr + 2 * rowBytes);
    const d3 = Columns.at(j, ptr + 3 * rowBytes);
    Four.storeInputs(vPtr + <usize>j * vBytes, vBytes, d0, d1, d2, d3);
  }
}

/** B^T d B of one channel of four neighbouring tiles, whose first input is at `ptr`. */
function transformInputs(vPtr: usize, vBytes: usize, ptr: usize, rowBytes: usize): void {
  Columns.store(0, vPtr, vBytes, ptr, rowBytes);
  Columns.store(1, vPtr, vBytes, ptr, rowBytes);
  Columns.store(2, vPtr, vBytes, ptr, rowBytes);
  Columns.store(3, vPtr, vBytes, ptr, rowBytes);
}

class Taps {
  /** Tap k of four channels, whose 9 taps follow each other. */
  @inline
  static load(ptr: usize, k: usize): v128 {
    ptr += k << 2;
    let taps = v128.load32_zero(ptr);
    taps = v128.load32_lane(ptr, taps, 1, 36);
    taps = v128.load32_lane(ptr, taps, 2, 72);
    return v128.load32_lane(ptr, taps, 3, 108);
  }

  /** Half the sum, or difference, of what G adds in one column. */
  @inline
  static half(ends: v128, middle: v128, isSum: bool): v128 {
    return f32x4.mul(isSum ? f32x4.add(ends, middle) : f32x4.sub(ends, middle), f32x4.splat(0.5));
  }
}

/** G g G^T of one output: a row of each place of U. Beyond the last channel it is what stands there. */
function transformWeights(uPtr: usize, uBytes: usize, wPtr: usize, C: i32): void {
  for (let c = 0; c < C; c += 4) {
    const g00 = Taps.load(wPtr, 0);
    const g01 = Taps.load(wPtr, 1);
    const g02 = Taps.load(wPtr, 2);
    const g10 = Taps.load(wPtr, 3);
    const g11 = Taps.load(wPtr, 4);
    const g12 = Taps.load(wPtr, 5);
    const g20 = Taps.load(wPtr, 6);
    const g21 = Taps.load(wPtr, 7);
    const g22 = Taps.load(wPtr, 8);
    const e0 = f32x4.add(g00, g20);
    const e1 = f32x4.add(g01, g21);
    const e2 = f32x4.add(g02, g22);
    Four.storeWeights(uPtr, uBytes, g00, g01, g02);
    const sums = uPtr + 4 * uBytes;
    Four.storeWeights(sums, uBytes, Taps.half(e0, g10, true), Taps.half(e1, g11, true), Taps.half(e2, g12, true));
    const differences = uPtr + 8 * uBytes;
    Four.storeWeights(
      differences,
      uBytes,
      Taps.half(e0, g10, false),
      Taps.half(e1, g11, false),
      Taps.half(e2, g12, false),
    );
    Four.storeWeights(uPtr + 12 * uBytes, uBytes, g20, g21, g22);
    wPtr += 144;
    uPtr += 16;
  }
}

/** One row of outputs of four tiles. */
class Row {
  /** A row of A^T M: the first or the second. */
  @inline
  static sum(isFirst: bool, mPtr: usize, mBytes: usize): v128 {
    const m1 = v128.load(mPtr + 4 * mBytes);
    const m2 = v128.load(mPtr + 8 * mBytes);
    if (isFirst) return f32x4.add(f32x4.add(v128.load(mPtr), m1), m2);
    return f32x4.sub(f32x4.sub(m1, m2), v128.load(mPtr + 12 * mBytes));
  }

  @inline
  static store(
    isFirst: bool,
    yPtr: usize,
    mPtr: usize,
    mBytes: usize,
    bias: v128,
    width: i32,
    lo: v128,
    hi: v128,
  ): void {
    const s1 = Row.sum(isFirst, mPtr + mBytes, mBytes);
    const s2 = Row.sum(isFirst, mPtr + 2 * mBytes, mBytes);
    const even = f32x4.add(f32x4.add(f32x4.add(Row.sum(isFirst, mPtr, mBytes), s1), s2), bias);
    const odd = f32x4.add(f32x4.sub(f32x4.sub(s1, s2), Row.sum(isFirst, mPtr + 3 * mBytes, mBytes)), bias);
    const y0 = f32x4.pmin(f32x4.pmax(i32x4.shuffle(even, odd, 0, 4, 1, 5), lo), hi);
    const y1 = f32x4.pmin(f32x4.pmax(i32x4.shuffle(even, odd, 2, 6, 3, 7), lo), hi);
    storeLanes(yPtr, y0, min(4, width));
    if (width > 4) storeLanes(yPtr + 16, y1, min(4, width - 4));
  }
}

/** A^T M A of four tiles with bias, clamped: 2 rows of 8 outputs, of which `height` and `width` are inside the image. */
function transformOutputs(
  yPtr: usize,
  rowBytes: usize,
  mPtr: usize,
  mBytes: usize,
  bias: v128,
  height: i32,
  width: i32,
  lo: v128,
  hi: v128,
): void {
  Row.store(true, yPtr, mPtr, mBytes, bias, width, lo, hi);
  if (height > 1) Row.store(false, yPtr + rowBytes, mPtr, mBytes, bias, width, lo, hi);
}
