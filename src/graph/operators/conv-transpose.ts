/** ConvTranspose: every input spreads over a window of outputs, y[i stride - pad + k dilation] += x[i] W[c, o, k]. */
import { type Extent, multiply } from '../../runtime/extent.js';
import { elementCount, Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator, PlanBuilder } from '../operator.js';
import { integerOf, integersOf, nodeError, requireInput, textOf } from './attributes.js';
import { always, define, lastOpset, requireSameDType } from './define.js';
import { fillNumbers, floatDTypes, toNumbers } from './elements.js';
import { emitCopy } from './lower-copy.js';
import { type Channels, emitConv } from './lower-windows.js';
import { extentStrides } from './lowering.js';
import { placeWeights } from './place-weights.js';
import { formatShape, mismatchCode, requireStatic } from './shapes.js';
import { asThreeAxes, kernelSizes, perAxis, placesOf, spatialSizes, visitWindow, type Windows } from './windows.js';

interface Spread {
  readonly N: Extent;
  readonly channels: Channels;
  /** The windows of the convolution whose transpose this is: its input is our output. */
  readonly windows: Windows;
}

/** @throws SHAPE_MISMATCH, MODEL_INVALID */
function spreadOf(node: Node, inputs: readonly (Fact | undefined)[]): Spread {
  const [x, w, b] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1), inputs[2]];
  const output = spatialSizes(node, x.shape);
  const axes = output.length;
  const [C, O, ...taps] = requireStatic(node, w.shape, 'weights');
  const groups = integerOf(node, 'group', 1);
  const fits = taps.length === axes && groups >= 1 && C % groups === 0 && x.shape[1] === C;
  if (!fits || (b && (b.shape.length !== 1 || b.shape[0] !== O * groups))) {
    const got = [x, w, b].map((fact) => (fact ? formatShape(fact.shape) : 'none')).join(', ');
    const expected = 'x [N, C, ..], W [C, O / groups, ..], b [O]';
    const code = mismatchCode(...x.shape.slice(1, 2), ...(b?.shape ?? []));
    throw nodeError(code, node, `shapes: got ${got} in ${groups} groups, expected ${expected}.`);
  }
  const kernel = kernelSizes(node, taps, axes);
  const strides = perAxis(node, 'strides', axes, 1, 1);
  const dilations = perAxis(node, 'dilations', axes, 1, 1);
  const extra = perAxis(node, 'output_padding', axes, 0, 0);
  const whole = output.map(
    (size, axis) => (size - 1) * strides[axis] + extra[axis] + (kernel[axis] - 1) * dilations[axis] + 1,
  );
  const { begins, ends, input } = paddingOf(node, output, whole, strides);
  if (input.some((size) => size < 1)) {
    throw nodeError('SHAPE_MISMATCH', node, `output: got ${formatShape(input)}, expected sizes of 1 or more.`);
  }
  const windows = { input, kernel, strides, dilations, begins, ends, output };
  return { N: x.shape[0], channels: { groups, C: C / groups, O }, windows };
}

/** What is cut off around the whole result: by `output_shape`, by `auto_pad`, or by `pads`. */
function paddingOf(node: Node, sizes: readonly number[], whole: readonly number[], strides: readonly number[]) {
  const axes = sizes.length;
  const mode = textOf(node, 'auto_pad', 'NOTSET');
  const wanted = integersOf(node, 'output_shape')?.slice(-axes);
  const isSame = mode.startsWith('SAME');
  const input = wanted ?? (isSame ? sizes.map((size, axis) => size * strides[axis]) : undefined);
  if (input) {
    const cut = whole.map((size, axis) => Math.max(0, size - input[axis]));
    const smaller = cut.map((total) => Math.floor(total / 2));
    const begins = cut.map((total, axis) => (mode === 'SAME_UPPER' ? smaller[axis] : total - smaller[axis]));
    return { input, begins, ends: cut.map((total, axis) => total - begins[axis]) };
  }
  const pads = mode === 'VALID' ? new Array<number>(2 * axes).fill(0) : perAxis(node, 'pads', 2 * axes, 0, 0);
  const [begins, ends] = [pads.slice(0, axes), pads.slice(axes)];
  return { begins, ends, input: whole.map((size, axis) => size - begins[axis] - ends[axis]) };
}

function evaluate(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const [x, w, b] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1), inputs[2]];
  const facts = inputs.map((tensor) => tensor && { dtype: tensor.type, shape: tensor.dims });
  const { channels, windows: given } = spreadOf(node, facts);
  const { groups, C, O } = channels;
  const windows = asThreeAxes(given);
  const [size, taps] = [elementCount(windows.input), elementCount(windows.kernel)];
  const [xs, ws, bs] = [toNumbers(x), toNumbers(w), b && toNumbers(b)];
  const N = x.dims[0];
  const values = Float64Array.from({ length: N * groups * O * size }, (_, i) =>
    bs ? bs[Math.floor(i / size) % (groups * O)] : 0,
  );
  const places = [...placesOf(windows)];
  for (let image = 0; image < N * groups; image++) {
    const g = image % groups;
    for (let c = 0; c < C; c++) {
      places.forEach((place, p) => {
        const value = xs[(image * C + c) * places.length + p];
        for (let o = 0; o < O; o++) {
          const weights = ((g * C + c) * O + o) * taps;
          visitWindow(windows, place, (tap, at) => {
            values[(image * O + o) * size + at] += value * ws[weights + tap];
          });
        }
      });
    }
  }
  return [fillNumbers(x.type, [N, groups * O, ...given.input], (i) => values[i])];
}

/** W [groups C, O, taps] as the weights [groups O, C, taps] of a convolution, every window turned round. */
function turnedWeights(w: Tensor, { groups, C, O }: Channels, taps: number): Tensor<'float32'> {
  const from = w.data as Float32Array;
  const data = new Float32Array(from.length);
  for (let g = 0; g < groups; g++) {
    for (let c = 0; c < C; c++) {
      for (let o = 0; o < O; o++) {
        for (let tap = 0; tap < taps; tap++) {
          data[((g * O + o) * C + c) * taps + taps - 1 - tap] = from[((g * C + c) * O + o) * taps + tap];
        }
      }
    }
  }
  return new Tensor('float32', data, [groups * O, C, taps]);
}

/** A convolution at stride 1 over x with zeros between its elements. */
function lower(node: Node, builder: PlanBuilder): boolean {
  const [x, w, b] = node.inputs;
  const facts = node.inputs.map((value) => (value ? builder.fact(value) : undefined));
  const { N, channels, windows } = spreadOf(node, facts);
  const weights = builder.fact(w).constant;
  const bias = b ? builder.fact(b).constant : null;
  if (builder.fact(x).dtype !== 'float32' || !weights || bias === undefined) return false;
  const { kernel, strides, dilations, begins, output: given, input: output } = windows;
  const before = begins.map((size, axis) => (kernel[axis] - 1) * dilations[axis] - size);
  if (before.some((size) => size < 0)) return false;
  const spread = given.map((size, axis) => (size - 1) * strides[axis] + 1);
  const count = channels.groups * channels.C;
  let source = builder.place(x).operand;
  if (strides.some((stride) => stride !== 1)) {
    const wide = builder.scratch('float32', multiply(N, count * elementCount(spread)));
    builder.step('fill', [], [wide], { count: multiply(N, count * elementCount(spread)), value: { real: 0 } });
    const [dims, target] = [[N, count, ...given], extentStrides([N, count, ...spread])];
    const steps = target.map((stride, axis) => (axis < 2 ? stride : multiply(stride, strides[axis - 2])));
    emitCopy(builder, 'float32', source, wide, dims, extentStrides(dims), steps);
    source = wide;
  }
  const taps = elementCount(kernel);
  const turned = turnedWeights(weights, channels, taps);
  const rows = placeWeights(builder, `turned ${w}`, turned, b ? { name: b, value: bias! } : null);
  const y = builder.output(node.outputs[0]).operand;
  const ones = kernel.map(() => 1);
  const dense = { input: spread, kernel, strides: ones, dilations, begins: before, ends: before, output };
  emitConv(builder, { x: source, weights: rows, y }, N, channels, dense);
  return true;
}

export const convTransposeOperators: readonly Operator[] = define([[1, lastOpset, floatDTypes]], {
  name: 'ConvTranspose',
  infer: (node, inputs) => {
    const { N, channels, windows } = spreadOf(node, inputs);
    const dtype = requireSameDType(node, inputs);
    return [{ dtype, shape: [N, channels.groups * channels.O, ...windows.input] }];
  },
  evaluate,
  lower,
  rowIndependent: always,
  macs: (node, inputs) => {
    const { N, channels, windows } = spreadOf(node, inputs);
    const { groups, C, O } = channels;
    return multiply(N, groups * C * O * elementCount(windows.kernel) * elementCount(windows.output));
  },
});
