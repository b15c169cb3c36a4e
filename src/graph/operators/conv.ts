/** Conv: y[n, o] = b[o] + sum over channels and window of x[n, c] W[o, c], in groups of channels. */
import { type Extent, multiply } from '../../runtime/extent.js';
import type { Operand, StepParam } from '../../runtime/plan.js';
import { elementCount, type Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator, PlanBuilder } from '../operator.js';
import { integerOf, nodeError, realOf, requireInput } from './attributes.js';
import { always, define, lastOpset, requireSameDType } from './define.js';
import { fillNumbers, floatDTypes, toNumbers } from './elements.js';
import { emitCopy } from './lower-copy.js';
import { type Channels, emitConv, weightRows } from './lower-windows.js';
import { scalarView } from './lowering.js';
import { formatShape, requireStatic } from './shapes.js';
import { asThreeAxes, kernelSizes, placesOf, spatialSizes, visitWindow, type Windows, windowsOf } from './windows.js';

interface ConvSizes {
  readonly N: Extent;
  readonly channels: Channels;
  readonly windows: Windows;
}

/** @throws SHAPE_MISMATCH where weights, bias, groups and channels do not fit together */
function sizesOf(node: Node, inputs: readonly (Fact | undefined)[]): ConvSizes {
  const [x, w, b] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1), inputs[2]];
  const image = spatialSizes(node, x.shape);
  const weights = requireStatic(node, w.shape, 'weights');
  const groups = integerOf(node, 'group', 1);
  const [O, C] = weights;
  const fits = weights.length === x.shape.length && groups >= 1 && O % groups === 0 && x.shape[1] === C * groups;
  if (!fits || (b && (b.shape.length !== 1 || b.shape[0] !== O))) {
    const got = [x, w, b].map((fact) => (fact ? formatShape(fact.shape) : 'none')).join(', ');
    throw nodeError(
      'SHAPE_MISMATCH',
      node,
      `shapes: got ${got} in ${groups} groups, expected x [N, C, ..], W [O, C / groups, ..], b [O].`,
    );
  }
  const kernel = kernelSizes(node, weights.slice(2), image.length);
  return { N: x.shape[0], channels: { groups, C, O: O / groups }, windows: windowsOf(node, image, kernel) };
}

function infer(node: Node, inputs: readonly (Fact | undefined)[]): readonly Fact[] {
  const dtype = requireSameDType(node, inputs);
  const { N, channels, windows } = sizesOf(node, inputs);
  return [{ dtype, shape: [N, channels.groups * channels.O, ...windows.output] }];
}

function evaluate(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const [x, w, b] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1), inputs[2]];
  const facts = inputs.map((tensor) => tensor && { dtype: tensor.type, shape: tensor.dims });
  const sizes = sizesOf(node, facts);
  const { groups, C, O } = sizes.channels;
  const windows = asThreeAxes(sizes.windows);
  const [image, taps] = [elementCount(windows.input), elementCount(windows.kernel)];
  const [xs, ws, bs] = [toNumbers(x), toNumbers(w), b && toNumbers(b)];
  const [N, places] = [x.dims[0], [...placesOf(windows)]];
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
  const lo = boundOf(node, 'lo') ?? Number.NEGATIVE_INFINITY;
  const hi = boundOf(node, 'hi') ?? Number.POSITIVE_INFINITY;
  const dims = [N, groups * O, ...sizes.windows.output];
  return [fillNumbers(x.type, dims, (i) => Math.min(Math.max(values[i], lo), hi))];
}

/** Rows of weights with the bias first: made now of constants, else by copies. */
function placeWeights(builder: PlanBuilder, w: string, b: string | undefined, outputs: number, taps: number): Operand {
  const [weights, bias] = [builder.fact(w).constant, b ? builder.fact(b).constant : undefined];
  const row = 1 + taps;
  if (weights && (bias || !b)) {
    const [ws, bs] = [weights.data as Float32Array, bias?.data as Float32Array | undefined];
    const data = new Float32Array(outputs * row);
    for (let o = 0; o < outputs; o++) {
      data[o * row] = bs?.[o] ?? 0;
      data.set(ws.subarray(o * taps, (o + 1) * taps), o * row + 1);
    }
    return builder.weight({
      name: `rows ${JSON.stringify(b ? [w, b] : [w])}`,
      dtype: 'float32',
      shape: [outputs, row],
      layout: 'plain',
      data,
    });
  }
  const rows = builder.scratch('float32', weightRows(outputs, taps));
  const place = (value: string) => builder.place(value).operand;
  emitCopy(builder, 'float32', place(w), { ...rows, offset: 1 }, [outputs, taps], [taps, 1], [row, 1]);
  if (b) emitCopy(builder, 'float32', place(b), rows, [outputs], [1], [row]);
  else {
    emitCopy(builder, 'float32', scalarView(builder, 0).operand, rows, [outputs], [0], [row]);
  }
  return rows;
}

/** One place whose window is the whole image: a linear layer. */
function isLinear({ channels, windows }: ConvSizes): boolean {
  const { input, kernel, begins, ends } = windows;
  const isWhole = input.every((size, axis) => size === kernel[axis] && begins[axis] + ends[axis] === 0);
  return channels.groups === 1 && isWhole;
}

/** Bounds of kerf's own Conv; ONNX's has none. */
function boundOf(node: Node, name: 'lo' | 'hi'): number | undefined {
  return node.domain === 'kerf' ? realOf(node, name, undefined) : undefined;
}

function clampParams(node: Node): Readonly<Record<string, StepParam>> {
  const [lo, hi] = [boundOf(node, 'lo'), boundOf(node, 'hi')];
  return { ...(lo === undefined ? {} : { lo: { real: lo } }), ...(hi === undefined ? {} : { hi: { real: hi } }) };
}

function lower(node: Node, builder: PlanBuilder): boolean {
  const [x, w, b] = node.inputs;
  const sizes = sizesOf(
    node,
    node.inputs.map((value) => (value ? builder.fact(value) : undefined)),
  );
  if (builder.fact(x).dtype !== 'float32') return false;
  const { N, channels, windows } = sizes;
  const [outputs, taps] = [channels.groups * channels.O, channels.C * elementCount(windows.kernel)];
  const clamp = clampParams(node);
  const source = builder.place(x).operand;
  const [weights, bias] = [builder.fact(w).constant, b ? builder.fact(b).constant : null];
  if (isLinear(sizes) && weights && bias !== undefined) {
    const matrix = weights.reshape([outputs, taps]) as Tensor<'float32'>;
    const panels = builder.panels(w, matrix, bias as Tensor<'float32'> | null);
    const y = builder.output(node.outputs[0]).operand;
    builder.step('gemm', [source, panels], [y], { M: N, N: outputs, K: taps, ...clamp });
    return true;
  }
  const rows = placeWeights(builder, w, b || undefined, outputs, taps);
  const y = builder.output(node.outputs[0]).operand;
  emitConv(builder, { x: source, weights: rows, y }, N, channels, windows, clamp);
  return true;
}

const definition = {
  name: 'Conv',
  infer,
  evaluate,
  lower,
  rowIndependent: always,
  macs: (node: Node, inputs: readonly (Fact | undefined)[]) => {
    const { N, channels, windows } = sizesOf(node, inputs);
    const { groups, C, O } = channels;
    return multiply(N, groups * O * C * elementCount(windows.kernel) * elementCount(windows.output));
  },
};

export const convOperators: readonly Operator[] = [
  ...define([[1, lastOpset, floatDTypes]], definition),
  // What a Conv and the clamp that reads it become in a plan: attributes lo and hi.
  ...define([[1, lastOpset, ['float32']]], { ...definition, domain: 'kerf' }),
];
