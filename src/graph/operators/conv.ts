/** Conv: y[n, o] = b[o] + sum over channels and window of x[n, c] W[o, c], in groups of channels. */
import type { Operand, StepParam } from '../../runtime/plan.js';
import { elementCount, type Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator, PlanBuilder } from '../operator.js';
import { realOf, requireInput } from './attributes.js';
import { type ConvSizes, convMacs, convShape, convSizes, sumWindows } from './conv-reference.js';
import { always, define, lastOpset, requireSameDType } from './define.js';
import { fillNumbers, floatDTypes, toNumbers } from './elements.js';
import { emitCopy } from './lower-copy.js';
import { emitConv } from './lower-windows.js';
import { scalarView } from './lowering.js';
import { placeWeights } from './place-weights.js';
import { factsOf } from './reshape.js';

/** The sizes of a node's convolution. */
function sizesOf(node: Node, inputs: readonly (Fact | undefined)[]): ConvSizes {
  return convSizes(node, requireInput(node, inputs, 0), requireInput(node, inputs, 1), inputs[2]);
}

function infer(node: Node, inputs: readonly (Fact | undefined)[]): readonly Fact[] {
  return [{ dtype: requireSameDType(node, inputs), shape: convShape(sizesOf(node, inputs)) }];
}

function evaluate(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const [x, w, b] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1), inputs[2]];
  const sizes = sizesOf(node, factsOf(inputs));
  const values = sumWindows(sizes, x.dims[0], toNumbers(x), toNumbers(w), b && toNumbers(b));
  const lo = boundOf(node, 'lo') ?? Number.NEGATIVE_INFINITY;
  const hi = boundOf(node, 'hi') ?? Number.POSITIVE_INFINITY;
  const dims = convShape(sizes) as readonly number[];
  return [fillNumbers(x.type, dims, (i) => Math.min(Math.max(values[i], lo), hi))];
}

/** Rows of weights with the bias first: made now of constants, else by copies. */
function rowsOf(builder: PlanBuilder, w: string, b: string | undefined, outputs: number, taps: number): Operand {
  const [weights, bias] = [builder.fact(w).constant, b ? builder.fact(b).constant : undefined];
  if (weights && (bias || !b)) {
    return placeWeights(builder, w, weights as Tensor<'float32'>, b ? { name: b, value: bias! } : null);
  }
  const row = 1 + taps;
  const rows = builder.scratch('float32', outputs * row);
  const place = (value: string) => builder.place(value).operand;
  emitCopy(builder, 'float32', place(w), { ...rows, offset: 1 }, [outputs, taps], [taps, 1], [row, 1]);
  const first = b ? place(b) : scalarView(builder, 0).operand;
  emitCopy(builder, 'float32', first, rows, [outputs], [b ? 1 : 0], [row]);
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
  const rows = rowsOf(builder, w, b || undefined, outputs, taps);
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
  macs: (node: Node, inputs: readonly (Fact | undefined)[]) => convMacs(sizesOf(node, inputs)),
};

export const convOperators: readonly Operator[] = [
  ...define([[1, lastOpset, floatDTypes]], definition),
  // What a Conv and the clamp that reads it become in a plan: attributes lo and hi.
  ...define([[1, lastOpset, ['float32']]], { ...definition, domain: 'kerf' }),
];
