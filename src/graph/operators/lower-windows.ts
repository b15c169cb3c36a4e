/** Steps for convolution and pooling. */
import type { Extent } from '../../runtime/extent.js';
import type { Operand, StepParam } from '../../runtime/plan.js';
import { scratchLength } from '../../runtime/step-kinds/windows.js';
import type { PlanBuilder } from '../operator.js';
import { asThreeAxes, type Windows } from './windows.js';

/** Places of a tile, at most: panels of 256 columns stay in a second-level cache unless a window has many inputs. */
const tilePlaces = 256;
/** Inputs of a tile's panels beyond which it gets fewer places, but never fewer than a few panels. */
const tileInputs = 2 ** 18;
const leastPlaces = 64;

const volume = (sizes: readonly number[]) => sizes.reduce((product, size) => product * size, 1);

/** Groups of channels of an image. */
export interface Channels {
  readonly groups: number;
  /** Channels and outputs of a group. */
  readonly C: number;
  readonly O: number;
}

/** Rows and columns of a tile: whole rows of outputs where they are short, else equal pieces of one row. */
function tileOf(taps: number, [, height, width]: readonly number[]): readonly [rows: number, columns: number] {
  const places = Math.max(leastPlaces, Math.min(tilePlaces, Math.floor(tileInputs / taps)));
  if (width > places) return [1, Math.ceil(width / Math.ceil(width / places) / 16) * 16];
  return [Math.min(height, Math.max(1, Math.floor(places / width))), width];
}

/** One window a place, nothing padded and nothing behind the image (as where a transpose gets more rows): all axes are one. */
function flatten(windows: Windows): Windows {
  const isPointwise = [...windows.kernel, ...windows.strides].every((size) => size === 1);
  const isPadded = [...windows.begins, ...windows.ends].some((size) => size !== 0);
  const isWhole = windows.output.every((size, axis) => size === windows.input[axis]);
  if (!isPointwise || isPadded || !isWhole) return windows;
  const places = [1, 1, volume(windows.input)];
  return { ...windows, input: places, output: places };
}

function windowParams(N: Extent, channels: Channels, given: Windows): Record<string, StepParam> & { scratch: Extent } {
  const { input, kernel, strides, dilations, begins: pads, output } = flatten(asThreeAxes(given));
  const tile = tileOf(channels.C * volume(kernel), output);
  const sizes = { ...channels, input, kernel, strides, dilations, pads, output, tile };
  return { N, ...sizes, scratch: scratchLength({ N: 1, ...sizes }) };
}

/**
 * y [N, groups * O, output] = clamp(conv(x [N, groups * C, input]), lo, hi).
 * @param weights  [groups, O, 1 + C * kernel], the bias first
 */
export function emitConv(
  builder: PlanBuilder,
  operands: { readonly x: Operand; readonly weights: Operand; readonly y: Operand },
  N: Extent,
  channels: Channels,
  windows: Windows,
  clamp: Readonly<Record<string, StepParam>> = {},
): void {
  const { scratch, ...params } = windowParams(N, channels, windows);
  const { x, weights, y } = operands;
  builder.step('conv', [x, weights], [y, builder.scratch('float32', scratch)], { ...params, ...clamp });
}

/** y [N, groups, output] = maximum or sum over the windows of x [N, groups, input]. */
export function emitPool(
  builder: PlanBuilder,
  f: 'max' | 'sum',
  x: Operand,
  y: Operand,
  N: Extent,
  channels: number,
  windows: Windows,
): void {
  const { scratch, C: _C, O: _O, ...params } = windowParams(N, { groups: channels, C: 1, O: 1 }, windows);
  builder.step('pool', [x], [y, builder.scratch('float32', scratch)], { f, ...params });
}
