/**
 * Reverse rules of operators on images. What windows gathered is spread again: the transposed convolution of the same
 * windows, for pools with a weight of one for each tap of each channel alone.
 */
import type { Node } from '../../graph/graph.js';
import { integerOf } from '../../graph/operators/attributes.js';
import { channelScales, isTraining } from '../../graph/operators/batch-normalization.js';
import { convSizes } from '../../graph/operators/conv-reference.js';
import { poolCounts, poolWindowsOf } from '../../graph/operators/pool.js';
import { asThreeAxes, placesOf, visitWindow, type Windows } from '../../graph/operators/windows.js';
import { isStatic } from '../../runtime/extent.js';
import { elementCount, Tensor } from '../../runtime/tensor.js';
import type { Rule } from './rules.js';
import type { Tape } from './tape.js';

/** Window attributes, with the padding written out. */
const attributesOf = ({ kernel, strides, dilations, begins, ends }: Windows, group: number) => ({
  kernel_shape: kernel,
  strides,
  dilations,
  pads: [...begins, ...ends],
  group,
});

/** Adds what stands at each place to what its window saw; undefined where windows reach beyond the padding. */
function spread(tape: Tape, dy: string, weights: string, windows: Windows, group: number): string | undefined {
  const { input, output, kernel, strides, dilations, begins, ends } = windows;
  const rest = input.map((size, axis) => {
    const reached = (output[axis] - 1) * strides[axis] + (kernel[axis] - 1) * dilations[axis] + 1;
    return size + begins[axis] + ends[axis] - reached;
  });
  if (rest.some((size) => size < 0)) return undefined;
  return tape.emit('ConvTranspose', [dy, weights], { ...attributesOf(windows, group), output_padding: rest });
}

/** dx spreads W^T dy over the windows. */
const conv: Rule = (tape, node, dy) => {
  const [x, w] = node.inputs;
  const weight = tape.constantOf(w);
  if (weight?.type !== 'float32') return undefined;
  const { windows } = convSizes(node, { shape: tape.shapeOf(x) }, { shape: weight.dims });
  const dx = spread(tape, dy, w, windows, integerOf(node, 'group', 1));
  return dx === undefined ? undefined : [dx, null, null];
};

/** Channels of an image; undefined where they are not known. */
function channelsOf(tape: Tape, x: string): number | undefined {
  const channels = tape.shapeOf(x)[1];
  return isStatic(channels) ? channels : undefined;
}

/** Weights [channels outputs, 1, kernel] that give each channel `outputs` numbers of its window. */
function depthwise(tape: Tape, channels: number, kernel: readonly number[], taps: Float32Array): string {
  const data = new Float32Array(channels * taps.length);
  for (let c = 0; c < channels; c++) data.set(taps, c * taps.length);
  return tape.constant(new Tensor('float32', data, [data.length / elementCount(kernel), 1, ...kernel]));
}

/** The mean of a window: every tap gets its share. */
const averagePool: Rule = (tape, node, dy) => {
  const [x] = node.inputs;
  const channels = channelsOf(tape, x);
  if (channels === undefined) return undefined;
  const windows = poolWindowsOf(node, { shape: tape.shapeOf(x) });
  const counts = Float32Array.from(poolCounts(node, windows));
  const share = tape.emit('Div', [dy, tape.constant(new Tensor('float32', counts, [1, 1, ...windows.output]))]);
  const ones = new Float32Array(elementCount(windows.kernel)).fill(1);
  const dx = spread(tape, share, depthwise(tape, channels, windows.kernel, ones), windows, channels);
  return dx === undefined ? undefined : [dx];
};

/** 1 for each tap of each place that lies inside the image, [1, 1, taps, places]. */
function insideOf(given: Windows): Tensor {
  const windows = asThreeAxes(given);
  const [taps, places] = [elementCount(windows.kernel), elementCount(windows.output)];
  const data = new Float32Array(taps * places);
  [...placesOf(windows)].forEach((place, p) => {
    visitWindow(windows, place, (tap) => {
      data[tap * places + p] = 1;
    });
  });
  return new Tensor('float32', data, [1, 1, taps, places]);
}

/** The largest of a window: those taps that are as large share the gradient. */
const maxPool: Rule = (tape, node, dy) => {
  const [[x], [y]] = [node.inputs, node.outputs];
  const channels = channelsOf(tape, x);
  if (channels === undefined) return undefined;
  const windows = poolWindowsOf(node, { shape: tape.shapeOf(x) });
  const [taps, places] = [elementCount(windows.kernel), elementCount(windows.output)];
  const identity = new Float32Array(taps * taps).map((_, e) => (e % (taps + 1) === 0 ? 1 : 0));
  const weights = depthwise(tape, channels, windows.kernel, identity);
  const [n] = tape.shapeOf(x);
  const seen = tape.emit('Conv', [x, weights], attributesOf(windows, channels));
  const shapes = [
    [n, channels, taps, places],
    [n, channels, 1, places],
    [n, channels * taps, ...windows.output],
  ];
  const [all, largest, gradient] = [seen, y, dy].map((value, i) => tape.reshape(value, shapes[Math.min(i, 1)]));
  if (!all || !largest || !gradient) return undefined;
  const same = tape.emit('Mul', [tape.sameness(all, largest), tape.constant(insideOf(windows))]);
  const share = tape.emit('Div', [gradient, tape.sum(same, [2])]);
  const back = tape.reshape(tape.emit('Mul', [same, share]), shapes[2]);
  const dx = back === undefined ? undefined : spread(tape, back, weights, windows, channels);
  return dx === undefined ? undefined : [dx];
};

/** The mean, or the largest, of all places of a channel. */
const globalPool =
  (isMean: boolean): Rule =>
  (tape, { inputs: [x], outputs: [y] }, dy) => {
    const [, , ...sizes] = tape.shapeOf(x);
    if (!sizes.every(isStatic)) return undefined;
    if (isMean) {
      const share = tape.emit('Mul', [dy, tape.scalar(1 / elementCount(sizes as number[]))]);
      return [tape.emit('Add', [tape.emit('Sub', [x, x]), share])];
    }
    const same = tape.sameness(x, y);
    const count = tape.sum(
      same,
      sizes.map((_, axis) => axis + 2),
    );
    return [tape.emit('Mul', [same, tape.emit('Div', [dy, count])])];
  };

/** y = x scale + shift of given moments. */
const batchNorm: Rule = (tape, node: Node, dy) => {
  const constants = node.inputs.map((value) => tape.constantOf(value));
  if (isTraining(node, tape.graph.opset) || constants.slice(1).some((tensor) => tensor?.type !== 'float32')) {
    return undefined;
  }
  const scale = Float32Array.from(channelScales(node, constants).scale);
  const dims = tape.shapeOf(node.inputs[0]).map((_, axis) => (axis === 1 ? scale.length : 1));
  return [tape.emit('Mul', [dy, tape.constant(new Tensor('float32', scale, dims))]), null, null, null, null];
};

export const windowRules: readonly (readonly [string, Rule])[] = [
  ['Conv', conv],
  ['MaxPool', maxPool],
  ['AveragePool', averagePool],
  ['GlobalAveragePool', globalPool(true)],
  ['GlobalMaxPool', globalPool(false)],
  ['BatchNormalization', batchNorm],
];
