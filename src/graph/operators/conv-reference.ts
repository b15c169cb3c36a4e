/** Sizes and sums of a convolution, shared by Conv and its quantised forms. */
import { type Extent, multiply } from '../../runtime/extent.js';
import { elementCount } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import { integerOf, nodeError } from './attributes.js';
import type { Channels } from './lower-windows.js';
import { formatShape, mismatchCode, requireStatic } from './shapes.js';
import { asThreeAxes, kernelSizes, placesOf, spatialSizes, visitWindow, type Windows, windowsOf } from './windows.js';

export interface ConvSizes {
  readonly N: Extent;
  readonly channels: Channels;
  readonly windows: Windows;
}

type Shaped = Pick<Fact, 'shape'>;

/** @throws SHAPE_MISMATCH where weights, bias, groups and channels do not fit together */
export function convSizes(node: Node, x: Shaped, w: Shaped, b?: Shaped): ConvSizes {
  const image = spatialSizes(node, x.shape);
  const weights = requireStatic(node, w.shape, 'weights');
  const groups = integerOf(node, 'group', 1);
  const [O, C] = weights;
  const fits = weights.length === x.shape.length && groups >= 1 && O % groups === 0 && x.shape[1] === C * groups;
  if (!fits || (b && (b.shape.length !== 1 || b.shape[0] !== O))) {
    const got = [x, w, b].map((fact) => (fact ? formatShape(fact.shape) : 'none')).join(', ');
    throw nodeError(
      mismatchCode(...x.shape.slice(1, 2), ...(b?.shape ?? [])),
      node,
      `shapes: got ${got} in ${groups} groups, expected x [N, C, ..], W [O, C / groups, ..], b [O].`,
    );
  }
  const kernel = kernelSizes(node, weights.slice(2), image.length);
  return { N: x.shape[0], channels: { groups, C, O: O / groups }, windows: windowsOf(node, image, kernel) };
}

/** Multiply-adds. */
export function convMacs({ N, channels, windows }: ConvSizes): Extent {
  const { groups, C, O } = channels;
  return multiply(N, groups * O * C * elementCount(windows.kernel) * elementCount(windows.output));
}

/** Shape of the result. */
export function convShape({ N, channels, windows }: ConvSizes): readonly Extent[] {
  return [N, channels.groups * channels.O, ...windows.output];
}

/** Every output of N images in f64, row-major. */
export function sumWindows(
  sizes: ConvSizes,
  N: number,
  xs: ArrayLike<number>,
  ws: ArrayLike<number>,
  bs: ArrayLike<number> | undefined,
): Float64Array {
  const { groups, C, O } = sizes.channels;
  const windows = asThreeAxes(sizes.windows);
  const [image, taps] = [elementCount(windows.input), elementCount(windows.kernel)];
  const places = [...placesOf(windows)];
  const values = new Float64Array(N * groups * O * places.length);
  let next = 0;
  for (let n = 0; n < N; n++) {
    for (let o = 0; o < groups * O; o++) {
      const first = (n * groups + Math.floor(o / O)) * C;
      for (const place of places) {
        let sum = bs ? bs[o] : 0;
        for (let c = 0; c < C; c++) {
          visitWindow(windows, place, (tap, at) => {
            sum += xs[(first + c) * image + at] * ws[(o * C + c) * taps + tap];
          });
        }
        values[next++] = sum;
      }
    }
  }
  return values;
}
