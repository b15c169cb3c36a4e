/** Operators that read images between their pixels: GridSample and RoiAlign; reference steps. */
import type { Tensor } from '../../runtime/tensor.js';
import type { Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { integerOf, nodeError, realOf, requireInput, textOf } from './attributes.js';
import { define, lastOpset } from './define.js';
import { fillNumbers, floatDTypes, toNumbers } from './elements.js';
import { formatShape, mismatchCode } from './shapes.js';

/** x folded back between two mirrors. */
function reflect(x: number, low: number, high: number): number {
  const span = high - low;
  if (span <= 0) return low;
  const inside = (((x - low) % (2 * span)) + 2 * span) % (2 * span);
  return low + (inside <= span ? inside : 2 * span - inside);
}

interface Grid {
  readonly mode: string;
  readonly padding: string;
  readonly isAligned: boolean;
}

/** The pixel coordinate of -1..1 along an axis. */
const toPixel = (x: number, size: number, isAligned: boolean) =>
  isAligned ? ((x + 1) / 2) * (size - 1) : ((x + 1) * size - 1) / 2;

/** A whole coordinate inside the axis, or -1 for a zero. */
function pixelAt(at: number, size: number, { padding, isAligned }: Grid): number {
  if (at >= 0 && at < size) return at;
  if (padding === 'zeros') return -1;
  if (padding === 'border') return Math.min(Math.max(at, 0), size - 1);
  const folded = isAligned ? reflect(at, 0, size - 1) : reflect(at, -0.5, size - 0.5);
  return Math.min(Math.max(Math.round(folded), 0), size - 1);
}

/** A coordinate brought inside before it is rounded, where the padding asks for it. */
function inside(x: number, size: number, { padding, isAligned }: Grid): number {
  if (padding === 'border') return Math.min(Math.max(x, 0), size - 1);
  if (padding !== 'reflection') return x;
  const folded = isAligned ? reflect(x, 0, size - 1) : reflect(x, -0.5, size - 0.5);
  return Math.min(Math.max(folded, 0), size - 1);
}

/** Whole coordinates and their weights. */
function tapsOf(x: number, size: number, grid: Grid): readonly (readonly [at: number, weight: number])[] {
  if (grid.mode === 'nearest') {
    const near = inside(x, size, grid);
    const down = Math.floor(near);
    const even = near - down === 0.5 ? down + (((down % 2) + 2) % 2) : Math.round(near);
    return [[even, 1]];
  }
  if (grid.mode === 'bilinear') {
    const near = inside(x, size, grid);
    const low = Math.floor(near);
    return [
      [low, 1 - (near - low)],
      [low + 1, near - low],
    ];
  }
  const low = Math.floor(x);
  const t = x - low;
  const a = -0.75;
  const far = (d: number) => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  const close = (d: number) => ((a + 2) * d - (a + 3)) * d * d + 1;
  return [
    [low - 1, far(1 + t)],
    [low, close(t)],
    [low + 1, close(1 - t)],
    [low + 2, far(2 - t)],
  ];
}

function gridSample(node: Node, x: Tensor, grid: Tensor): Tensor {
  const mode = textOf(node, 'mode', 'bilinear');
  const settings: Grid = {
    // Names of opset 20.
    mode: mode === 'linear' || mode === 'cubic' ? `bi${mode}` : mode,
    padding: textOf(node, 'padding_mode', 'zeros'),
    isAligned: integerOf(node, 'align_corners', 0) !== 0,
  };
  if (
    !['bilinear', 'nearest', 'bicubic'].includes(settings.mode) ||
    !['zeros', 'border', 'reflection'].includes(settings.padding)
  ) {
    throw nodeError('MODEL_INVALID', node, `mode: got "${settings.mode}" with padding "${settings.padding}".`);
  }
  const [N, C, H, W] = x.dims;
  const [, OH, OW] = grid.dims;
  const [values, places] = [toNumbers(x), toNumbers(grid)];
  const result = new Float64Array(N * C * OH * OW);
  for (let n = 0; n < N; n++) {
    for (let p = 0; p < OH * OW; p++) {
      const [gx, gy] = [places[(n * OH * OW + p) * 2], places[(n * OH * OW + p) * 2 + 1]];
      const columns = tapsOf(toPixel(gx, W, settings.isAligned), W, settings);
      const rows = tapsOf(toPixel(gy, H, settings.isAligned), H, settings);
      for (let c = 0; c < C; c++) {
        let sum = 0;
        for (const [row, wy] of rows) {
          const h = pixelAt(row, H, settings);
          for (const [column, wx] of columns) {
            const w = pixelAt(column, W, settings);
            if (h >= 0 && w >= 0) sum += wy * wx * values[((n * C + c) * H + h) * W + w];
          }
        }
        result[(n * C + c) * OH * OW + p] = sum;
      }
    }
  }
  return fillNumbers(x.type, [N, C, OH, OW], (i) => result[i]);
}

/** Most samples that one run of RoiAlign takes. */
const maximumSamples = 2 ** 28;

/** Bilinear taps of one coordinate of RoiAlign, two also where one has no weight; none more than a pixel outside of the image. */
function roiTaps(x: number, size: number): readonly (readonly [at: number, weight: number])[] {
  if (x < -1 || x > size) return [];
  const near = Math.max(x, 0);
  const low = Math.min(Math.floor(near), size - 1);
  if (low >= size - 1)
    return [
      [size - 1, 1],
      [size - 1, 0],
    ];
  return [
    [low, 1 - (near - low)],
    [low + 1, near - low],
  ];
}

function roiAlign(node: Node, inputs: readonly (Tensor | undefined)[], opset: number): Tensor {
  const [x, rois, batches] = [0, 1, 2].map((index) => requireInput(node, inputs, index));
  const [, C, H, W] = x.dims;
  const [OH, OW] = [integerOf(node, 'output_height', 1), integerOf(node, 'output_width', 1)];
  const ratio = integerOf(node, 'sampling_ratio', 0);
  const scale = realOf(node, 'spatial_scale', 1);
  const isMax = textOf(node, 'mode', 'avg') === 'max';
  const isHalf =
    textOf(node, 'coordinate_transformation_mode', opset < 16 ? 'output_half_pixel' : 'half_pixel') === 'half_pixel';
  const [values, corners, images] = [toNumbers(x), toNumbers(rois), toNumbers(batches)];
  const count = rois.dims[0];
  const result = new Float64Array(count * C * OH * OW);
  let samplesLeft = maximumSamples;
  for (let r = 0; r < count; r++) {
    const [left, top, right, bottom] = [0, 1, 2, 3].map((k) => corners[4 * r + k] * scale - (isHalf ? 0.5 : 0));
    const [width, height] = [right - left, bottom - top].map((size) => (isHalf ? size : Math.max(size, 1)));
    const [binW, binH] = [width / OW, height / OH];
    const [samplesX, samplesY] = [binW, binH].map((size) => (ratio > 0 ? ratio : Math.ceil(size)));
    samplesLeft -= C * OH * OW * Math.max(0, samplesX || 0) * Math.max(0, samplesY || 0);
    if (samplesLeft < 0) {
      const problem = `samples: got ${samplesX} x ${samplesY} for each place of region ${r}, expected ${maximumSamples} in all at most.`;
      throw nodeError('DATA_INVALID', node, problem);
    }
    const along = (start: number, bin: number, at: number, samples: number, size: number) =>
      Array.from({ length: samples }, (_, s) => roiTaps(start + at * bin + ((s + 0.5) * bin) / samples, size));
    for (let h = 0; h < OH; h++) {
      const rows = along(top, binH, h, samplesY, H);
      for (let w = 0; w < OW; w++) {
        const columns = along(left, binW, w, samplesX, W);
        for (let c = 0; c < C; c++) {
          const image = (images[r] * C + c) * H * W;
          let [total, most] = [0, Number.NEGATIVE_INFINITY];
          for (const row of rows) {
            for (const column of columns) {
              const terms = row.flatMap(([i, a]) => column.map(([j, b]) => a * b * values[image + i * W + j]));
              total += terms.reduce((sum, term) => sum + term, 0);
              most = Math.max(most, terms.length ? Math.max(...terms) : 0);
            }
          }
          const samples = Math.max(1, samplesX * samplesY);
          result[((r * C + c) * OH + h) * OW + w] = isMax ? most : total / samples;
        }
      }
    }
  }
  return fillNumbers(x.type, [count, C, OH, OW], (i) => result[i]);
}

export const samplingOperators: readonly Operator[] = [
  ...define([[16, lastOpset, floatDTypes]], {
    name: 'GridSample',
    infer: (node, inputs) => {
      const [x, grid] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1)];
      if (x.shape.length !== 4 || grid.shape.length !== 4 || grid.shape[3] !== 2) {
        const got = `${formatShape(x.shape)} and ${formatShape(grid.shape)}`;
        const code = mismatchCode(...grid.shape.slice(3));
        throw nodeError(code, node, `shapes: got ${got}, expected [N, C, H, W] and [N, H, W, 2].`);
      }
      return [{ dtype: x.dtype, shape: [x.shape[0], x.shape[1], grid.shape[1], grid.shape[2]] }];
    },
    evaluate: (node, inputs) => [gridSample(node, requireInput(node, inputs, 0), requireInput(node, inputs, 1))],
  }),
  ...define([[10, lastOpset, floatDTypes]], {
    name: 'RoiAlign',
    infer: (node, inputs) => {
      const [x, rois] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1)];
      if (x.shape.length !== 4 || rois.shape.length !== 2 || rois.shape[1] !== 4) {
        const got = `${formatShape(x.shape)} and ${formatShape(rois.shape)}`;
        const code = mismatchCode(...rois.shape.slice(1));
        throw nodeError(code, node, `shapes: got ${got}, expected [N, C, H, W] and [R, 4].`);
      }
      const size = [integerOf(node, 'output_height', 1), integerOf(node, 'output_width', 1)];
      return [{ dtype: x.dtype, shape: [rois.shape[0], x.shape[1], ...size] }];
    },
    evaluate: (node, inputs, opset) => [roiAlign(node, inputs, opset)],
  }),
];
