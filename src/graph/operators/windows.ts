/** The geometry of sliding windows: what Conv, the pools and ConvTranspose share. */
import type { Node } from '../graph.js';
import { integerOf, integersOf, nodeError, textOf } from './attributes.js';
import { formatShape, requireStatic, type Shape } from './shapes.js';

/** Windows over the spatial axes of an image, one entry an axis. */
export interface Windows {
  readonly input: readonly number[];
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Padding before and behind each axis. */
  readonly begins: readonly number[];
  readonly ends: readonly number[];
  readonly output: readonly number[];
}

/** Most spatial axes. */
export const maximumAxes = 3;

/** Most elements that the windows over one channel look at, padding included: half a minute of a reference. */
const maximumTaps = 2 ** 32;

/** Sizes of the spatial axes of [N, C, ...]. @throws SHAPE_MISMATCH, SHAPE_UNSUPPORTED */
export function spatialSizes(node: Node, shape: Shape): readonly number[] {
  if (shape.length < 3 || shape.length > 2 + maximumAxes) {
    const got = formatShape(shape);
    throw nodeError('SHAPE_MISMATCH', node, `x: got ${got}, expected [N, C] and one to ${maximumAxes} axes.`);
  }
  return requireStatic(node, shape.slice(2), 'axes of the image');
}

/** A list with one entry (or two, for pads) an axis. */
export function perAxis(node: Node, name: string, count: number, fallback: number, least: number): readonly number[] {
  const list = integersOf(node, name) ?? new Array<number>(count).fill(fallback);
  if (list.length === count && list.every((value) => value >= least && value < 2 ** 31)) return list;
  throw nodeError('MODEL_INVALID', node, `${name}: got [${list}], expected ${count} numbers >= ${least}.`);
}

/** Kernel sizes: the attribute, which must agree with the weights where there are any. */
export function kernelSizes(node: Node, weights: readonly number[] | undefined, axes: number): readonly number[] {
  const given = integersOf(node, 'kernel_shape') ?? weights;
  const agrees = given?.every((size, axis) => size >= 1 && size < 2 ** 31 && (!weights || weights[axis] === size));
  if (given?.length === axes && agrees) return given;
  throw nodeError(
    'SHAPE_MISMATCH',
    node,
    `kernel_shape: got [${given}], expected ${axes} sizes${weights ? ` [${weights}]` : ''}.`,
  );
}

/** How much padding brings the outputs to ceil(input / stride), split as `auto_pad` says. */
function samePads(total: number, isUpper: boolean): readonly [begin: number, end: number] {
  const small = Math.floor(total / 2);
  return isUpper ? [small, total - small] : [total - small, small];
}

/**
 * Windows of a node over images of the given sizes.
 * @throws MODEL_INVALID for lists of a wrong length; SHAPE_MISMATCH where no window fits
 */
export function windowsOf(node: Node, input: readonly number[], kernel: readonly number[]): Windows {
  const axes = input.length;
  const strides = perAxis(node, 'strides', axes, 1, 1);
  const dilations = perAxis(node, 'dilations', axes, 1, 1);
  const pads = perAxis(node, 'pads', 2 * axes, 0, 0);
  const spans = kernel.map((size, axis) => (size - 1) * dilations[axis] + 1);
  const mode = textOf(node, 'auto_pad', 'NOTSET');
  if (!['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER', ''].includes(mode)) {
    throw nodeError(
      'MODEL_INVALID',
      node,
      `auto_pad: got "${mode}", expected NOTSET, VALID, SAME_UPPER or SAME_LOWER.`,
    );
  }
  const padding = input.map((size, axis): readonly [number, number] => {
    if (mode === 'VALID') return [0, 0];
    if (!mode.startsWith('SAME')) return [pads[axis], pads[axes + axis]];
    const wanted = (Math.ceil(size / strides[axis]) - 1) * strides[axis] + spans[axis];
    return samePads(Math.max(0, wanted - size), mode === 'SAME_UPPER');
  });
  const begins = padding.map(([begin]) => begin);
  const ends = padding.map(([, end]) => end);
  const isCeil = integerOf(node, 'ceil_mode', 0) !== 0;
  const output = input.map((size, axis) => {
    const steps = (size + begins[axis] + ends[axis] - spans[axis]) / strides[axis];
    // A last window that would start in the padding behind the image does not count.
    const isBehind = isCeil && Math.ceil(steps) * strides[axis] >= size + begins[axis];
    return Math.floor(isCeil && !isBehind ? Math.ceil(steps) : steps) + 1;
  });
  if (output.some((size) => size < 1)) {
    throw nodeError('SHAPE_MISMATCH', node, `kernel: got ${formatShape(kernel)}, expected one that fits the image.`);
  }
  const taps = [...output, ...kernel].reduce((product, size) => product * size, 1);
  if (taps > maximumTaps) {
    const got = `${formatShape(kernel)} at ${formatShape(output)} places`;
    throw nodeError('MODEL_LIMIT', node, `windows: got ${got}, expected at most ${maximumTaps} elements in all.`);
  }
  return { input, kernel, strides, dilations, begins, ends, output };
}

/** The windows of three axes, depth first: axes that an image lacks have size 1. */
export function asThreeAxes(windows: Windows): Windows {
  const missing = maximumAxes - windows.input.length;
  const widen = (sizes: readonly number[], fill: number) => [...new Array<number>(missing).fill(fill), ...sizes];
  const { input, kernel, strides, dilations, begins, ends, output } = windows;
  return {
    input: widen(input, 1),
    kernel: widen(kernel, 1),
    strides: widen(strides, 1),
    dilations: widen(dilations, 1),
    begins: widen(begins, 0),
    ends: widen(ends, 0),
    output: widen(output, 1),
  };
}

/** Calls `visit` for each tap of the window at `place` (three axes) that lies inside the image, in row-major order. */
export function visitWindow(
  { input, kernel, strides, dilations, begins }: Windows,
  place: readonly number[],
  visit: (tap: number, inputIndex: number) => void,
): void {
  const [d0, h0, w0] = place.map((at, axis) => at * strides[axis] - begins[axis]);
  for (let kd = 0; kd < kernel[0]; kd++) {
    const d = d0 + kd * dilations[0];
    if (d < 0 || d >= input[0]) continue;
    for (let kh = 0; kh < kernel[1]; kh++) {
      const h = h0 + kh * dilations[1];
      if (h < 0 || h >= input[1]) continue;
      for (let kw = 0; kw < kernel[2]; kw++) {
        const w = w0 + kw * dilations[2];
        if (w < 0 || w >= input[2]) continue;
        visit((kd * kernel[1] + kh) * kernel[2] + kw, (d * input[1] + h) * input[2] + w);
      }
    }
  }
}

/** Every place of the outputs of three axes, row-major. */
export function* placesOf({ output: [depth, height, width] }: Windows): Generator<readonly number[]> {
  for (let d = 0; d < depth; d++) {
    for (let h = 0; h < height; h++) for (let w = 0; w < width; w++) yield [d, h, w];
  }
}
