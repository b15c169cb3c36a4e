/** Resize and Upsample: each axis on its own, every output a short weighted sum of inputs along it. */
import { type Extent, equals, isStatic, product } from '../../runtime/extent.js';
import type { Operand } from '../../runtime/plan.js';
import { type DType, elementBytes, type Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator, PlanBuilder } from '../operator.js';
import {
  constantInput,
  integerOf,
  integersOf,
  nodeError,
  realOf,
  requireInput,
  sizesInput,
  textOf,
} from './attributes.js';
import { define, lastOpset } from './define.js';
import { allDTypes, fillBigints, fillNumbers, isFloat, toNumbers } from './elements.js';
import { sizesAround } from './lower-copy.js';
import { emitBinary, maximumStepRank, type View } from './lowering.js';
import { factsOf } from './reshape.js';
import { normaliseAxis, requireStatic } from './shapes.js';

/** What one axis becomes. */
interface AxisScale {
  readonly input: number;
  readonly output: number;
  readonly scale: number;
  /** Part of the axis that tf_crop_and_resize takes. */
  readonly region: readonly [start: number, end: number];
}

/** An output: its inputs along the axis and their weights; `isOutside` where the coordinate leaves the axis. */
interface Sample {
  readonly at: readonly number[];
  readonly weights: readonly number[];
  readonly isOutside: boolean;
}

function realsOf(node: Node, inputs: readonly (Fact | undefined)[], index: number): readonly number[] {
  const tensor = constantInput(node, inputs, index);
  return tensor && tensor.size > 0 ? Array.from(toNumbers(tensor)) : [];
}

/** Scales, or sizes that say what the scales are, and the regions. */
function axesOf(node: Node, inputs: readonly (Fact | undefined)[], opset: number): readonly AxisScale[] {
  const x = requireInput(node, inputs, 0);
  const isOld = opset < 11;
  const attribute = node.attributes.get('scales');
  const scales =
    isOld && Array.isArray(attribute) ? (attribute as readonly number[]) : realsOf(node, inputs, isOld ? 1 : 2);
  const wanted = isOld ? undefined : sizesInput(node, inputs, 3);
  const sizes = wanted?.length ? wanted : undefined;
  // Other transforms than this one ignore the regions, which exporters then fill with zeros.
  const isCropped = !isOld && settingsOf(node, opset).transform === 'tf_crop_and_resize';
  const given = isCropped ? realsOf(node, inputs, 1) : [];
  const rank = x.shape.length;
  const chosen = opset < 18 ? undefined : integersOf(node, 'axes');
  const own = chosen?.map((axis) => normaliseAxis(node, axis, rank)) ?? x.shape.map((_, axis) => axis);
  const spread = <T>(given: readonly T[], others: (axis: number) => T) =>
    chosen && given.length === own.length
      ? x.shape.map((_, axis) => (own.includes(axis) ? given[own.indexOf(axis)] : others(axis)))
      : given;
  const list: readonly Extent[] = sizes ? spread(sizes, (axis) => x.shape[axis]) : spread<Extent>(scales, () => 1);
  if (list.length !== rank || list.some((value) => isStatic(value) && !(value > 0 && Number.isFinite(value)))) {
    throw nodeError('MODEL_INVALID', node, `scales or sizes: got [${list}], expected ${rank} numbers > 0.`);
  }
  const region = [given.slice(0, given.length / 2), given.slice(given.length / 2)].flatMap((half, i) =>
    spread(half, () => i),
  );
  const isKept = (dim: Extent, axis: number) =>
    equals(list[axis], sizes ? dim : 1) && (region[axis] ?? 0) === 0 && (region[rank + axis] ?? 1) === 1;
  // An open size that stays as it is stands for one of 1.
  const close = (extents: readonly Extent[]) =>
    extents.map((extent, axis) => (!isStatic(x.shape[axis]) && isKept(x.shape[axis], axis) ? 1 : extent));
  const dims = requireStatic(node, close(x.shape), 'axes that are resized');
  const targets = sizes && requireStatic(node, close(list), 'sizes');
  const common =
    targets &&
    commonScale(
      node,
      opset,
      own.map((axis) => targets[axis] / dims[axis]),
    );
  return dims.map((input, axis) => {
    if (common !== undefined && own.includes(axis)) {
      return { input, output: Math.floor(common * input + 0.5), scale: common, region: [0, 1] };
    }
    const scale = targets ? targets[axis] / input : (list[axis] as number);
    const output = targets ? targets[axis] : Math.floor(input * scale);
    return { input, output, scale, region: [region[axis] ?? 0, region[rank + axis] ?? 1] };
  });
}

/** One scale for all resized axes, where their ratio is to be kept; undefined where each has its own. */
function commonScale(node: Node, opset: number, scales: readonly number[]): number | undefined {
  const policy = opset < 18 ? 'stretch' : textOf(node, 'keep_aspect_ratio_policy', 'stretch');
  if (policy === 'stretch') return undefined;
  if (policy === 'not_larger') return Math.min(...scales);
  if (policy === 'not_smaller') return Math.max(...scales);
  throw nodeError('MODEL_INVALID', node, `keep_aspect_ratio_policy: got "${policy}".`);
}

/** The coordinate in the input of place `at` of the output; ends meet at the output's exact, not its whole, size. */
function coordinateOf(mode: string, at: number, axis: AxisScale): number | undefined {
  const {
    input,
    scale,
    region: [start, end],
  } = axis;
  const exact = input * scale;
  // Multiplied first: what is a whole number then is one here.
  const within = (place: number) => (place * input) / exact;
  switch (mode) {
    case 'half_pixel':
      return within(at + 0.5) - 0.5;
    case 'half_pixel_symmetric':
      return (input / 2) * (1 - axis.output / exact) + within(at + 0.5) - 0.5;
    case 'pytorch_half_pixel':
      return exact > 1 ? within(at + 0.5) - 0.5 : 0;
    case 'align_corners':
      return exact > 1 ? (at * (input - 1)) / (exact - 1) : 0;
    case 'asymmetric':
      return within(at);
    case 'tf_half_pixel_for_nn':
      return within(at + 0.5);
    case 'tf_crop_and_resize':
      if (exact > 1) return start * (input - 1) + (at * (end - start) * (input - 1)) / (exact - 1);
      return 0.5 * (start + end) * (input - 1);
    default:
      return undefined;
  }
}

function nearestIndex(mode: string, x: number): number | undefined {
  switch (mode) {
    case 'round_prefer_floor':
      return Math.ceil(x - 0.5);
    case 'round_prefer_ceil':
      return Math.floor(x + 0.5);
    case 'floor':
      return Math.floor(x);
    case 'ceil':
      return Math.ceil(x);
    default:
      return undefined;
  }
}

/** Weights of the four neighbours of a place at `t` between the inner two (Keys, 1981). */
function cubicWeights(t: number, a: number): readonly number[] {
  const far = (d: number) => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  const near = (d: number) => ((a + 2) * d - (a + 3)) * d * d + 1;
  return [far(1 + t), near(t), near(1 - t), far(2 - t)];
}

interface Settings {
  readonly mode: string;
  readonly transform: string;
  readonly nearest: string;
  readonly cubic: number;
  readonly excludes: boolean;
  readonly outside: number;
  readonly isSmoothed: boolean;
}

function settingsOf(node: Node, opset: number): Settings {
  const isOld = opset < 11;
  return {
    mode: textOf(node, 'mode', 'nearest'),
    transform: isOld ? 'asymmetric' : textOf(node, 'coordinate_transformation_mode', 'half_pixel'),
    nearest: isOld ? 'floor' : textOf(node, 'nearest_mode', 'round_prefer_floor'),
    cubic: realOf(node, 'cubic_coeff_a', -0.75),
    excludes: integerOf(node, 'exclude_outside', 0) !== 0,
    outside: realOf(node, 'extrapolation_value', 0),
    isSmoothed: opset >= 18 && integerOf(node, 'antialias', 0) !== 0,
  };
}

/** @throws MODEL_INVALID for a mode that is not known */
function samplesOf(node: Node, axis: AxisScale, settings: Settings): readonly Sample[] {
  const { mode, transform, nearest, cubic, excludes } = settings;
  if (settings.isSmoothed && axis.scale < 1 && mode !== 'nearest') {
    const problem = 'antialias: got 1 for an axis that shrinks, expected 0. Shrink images by a convolution or a pool.';
    throw nodeError('OPERATOR_UNSUPPORTED', node, problem);
  }
  const last = axis.input - 1;
  const clamp = (at: number) => Math.min(Math.max(at, 0), last);
  return Array.from({ length: axis.output }, (_, place): Sample => {
    const x = coordinateOf(transform, place, axis);
    if (x === undefined) throw nodeError('MODEL_INVALID', node, `coordinate_transformation_mode: got "${transform}".`);
    const isOutside = transform === 'tf_crop_and_resize' && (x < 0 || x > last);
    if (mode === 'nearest') {
      const at = nearestIndex(nearest, x);
      if (at === undefined) throw nodeError('MODEL_INVALID', node, `nearest_mode: got "${nearest}".`);
      return { at: [clamp(at)], weights: [1], isOutside };
    }
    const low = Math.floor(x);
    if (mode === 'linear' || mode === 'bilinear') {
      return { at: [clamp(low), clamp(low + 1)], weights: [1 - (x - low), x - low], isOutside };
    }
    if (mode !== 'cubic')
      throw nodeError('MODEL_INVALID', node, `mode: got "${mode}", expected nearest, linear or cubic.`);
    const at = [low - 1, low, low + 1, low + 2];
    const raw = cubicWeights(x - low, cubic).map((weight, i) => (excludes && (at[i] < 0 || at[i] > last) ? 0 : weight));
    const sum = excludes ? raw.reduce((total, weight) => total + weight, 0) : 1;
    return { at: at.map(clamp), weights: raw.map((weight) => weight / sum), isOutside };
  });
}

function evaluate(node: Node, inputs: readonly (Tensor | undefined)[], opset: number): readonly Tensor[] {
  const x = requireInput(node, inputs, 0);
  const settings = settingsOf(node, opset);
  let [values, dims]: [ArrayLike<number>, readonly number[]] = [toNumbers(x), x.dims];
  axesOf(node, factsOf(inputs), opset).forEach((axis, at) => {
    const isWhole = axis.scale === 1 && axis.region[0] === 0 && axis.region[1] === 1;
    if (isWhole) return;
    const samples = samplesOf(node, { ...axis, input: dims[at] }, settings);
    values = resample(values, dims, at, samples, settings.outside);
    dims = dims.map((dim, other) => (other === at ? samples.length : dim));
  });
  if (isFloat(x.type)) return [fillNumbers(x.type, dims, (i) => values[i])];
  return [fillBigints(x.type, dims, (i) => BigInt(Math.round(values[i])))];
}

function resample(
  values: ArrayLike<number>,
  dims: readonly number[],
  at: number,
  samples: readonly Sample[],
  outside: number,
) {
  const { outer, axis, inner } = sizesAround(dims, at) as Record<'outer' | 'axis' | 'inner', number>;
  const result = new Float64Array(outer * samples.length * inner);
  let next = 0;
  for (let o = 0; o < outer; o++) {
    for (const { at: places, weights, isOutside } of samples) {
      for (let i = 0; i < inner; i++) {
        let sum = 0;
        places.forEach((place, k) => {
          sum += weights[k] * values[(o * axis + place) * inner + i];
        });
        result[next++] = isOutside ? outside : sum;
      }
    }
  }
  return result;
}

/** One axis after another, each a weighted sum of gathers: one for nearest neighbours, two for linear, four for cubic. */
function lower(node: Node, builder: PlanBuilder, opset: number): boolean {
  const settings = settingsOf(node, opset);
  const facts = node.inputs.map((value) => (value ? builder.fact(value) : undefined));
  const { dtype, shape } = builder.fact(node.inputs[0]);
  const axes = axesOf(node, facts, opset);
  const changed = axes.flatMap(({ scale }, at) => (scale === 1 ? [] : [at]));
  const canWeigh = settings.mode === 'nearest' || (dtype === 'float32' && shape.length <= maximumStepRank);
  if (!canWeigh || settings.transform === 'tf_crop_and_resize' || changed.length === 0) return false;
  let source: View = { operand: builder.place(node.inputs[0]).operand, shape };
  for (const at of changed) {
    const samples = samplesOf(node, axes[at], settings);
    const next = source.shape.map((dim, axis) => (axis === at ? samples.length : dim));
    const isLast = at === changed.at(-1);
    const target = isLast ? builder.output(node.outputs[0]).operand : builder.scratch(dtype, product(next));
    emitSamples(builder, `of axis ${at} of ${node.name}`, source, at, samples, target, dtype);
    source = { operand: target, shape: next };
  }
  return true;
}

/** target[.., j, ..] = sum over k of weights[j][k] * source[.., at[j][k], ..] along one axis. */
function emitSamples(
  builder: PlanBuilder,
  name: string,
  source: View,
  axis: number,
  samples: readonly Sample[],
  target: Operand,
  dtype: DType,
): void {
  const count = samples.length;
  if (count === 0) return;
  const shape = source.shape.map((dim, other) => (other === axis ? count : dim));
  // [count, 1, .., 1]
  const column = shape.slice(axis).map((_, i) => (i === 0 ? count : 1));
  const taps = samples[0].at.length;
  const part = taps > 1 ? builder.scratch(dtype, product(shape)) : target;
  for (let tap = 0; tap < taps; tap++) {
    const places = Int32Array.from(samples, ({ at }) => at[tap]);
    const about = { shape: [count], layout: 'plain' } as const;
    const indices = builder.weight({ ...about, name: `places ${tap} ${name}`, dtype: 'int32', data: places });
    const y = tap === 0 ? target : part;
    builder.step('gather', [source.operand, indices], [y], {
      elementBytes: elementBytes(dtype),
      ...sizesAround(source.shape, axis),
      count,
    });
    if (taps === 1) return;
    const data = Float32Array.from(samples, ({ weights }) => weights[tap]);
    const weights = builder.weight({ ...about, name: `weights ${tap} ${name}`, dtype: 'float32', data });
    emitBinary(builder, 'mul', { operand: y, shape }, { operand: weights, shape: column }, y, shape);
    if (tap > 0) emitBinary(builder, 'add', { operand: target, shape }, { operand: part, shape }, target, shape);
  }
}

const definition = {
  infer: (node: Node, inputs: readonly (Fact | undefined)[], opset: number) => {
    const { dtype, shape } = requireInput(node, inputs, 0);
    const axes = axesOf(node, inputs, opset);
    return [{ dtype, shape: shape.map((dim, at) => (axes[at].scale === 1 ? dim : axes[at].output)) }];
  },
  evaluate,
  lower,
  rowIndependent: (node: Node, inputs: readonly (Fact | undefined)[]) =>
    typeof requireInput(node, inputs, 0).shape[0] !== 'number',
};

export const resizeOperators: readonly Operator[] = [
  ...define([[10, lastOpset, allDTypes]], { name: 'Resize', ...definition }),
  ...define([[7, 9, allDTypes]], { name: 'Upsample', ...definition }),
];
