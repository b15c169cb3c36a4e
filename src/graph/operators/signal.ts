/** Signal operators: window functions, MelWeightMatrix, DFT and STFT; reference steps. */
import { type DType, dtypeOfOnnxNumber, elementCount, type Tensor } from '../../runtime/tensor.js';
import type { Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { constantInput, integerOf, nodeError, requireInput } from './attributes.js';
import { define, lastOpset } from './define.js';
import { fillBigints, fillNumbers, floatDTypes, isFloat, toNumbers } from './elements.js';
import { normaliseAxis, requireStatic } from './shapes.js';

const wideIntegers: readonly DType[] = ['int32', 'int64'];

/** A number that comes as a scalar input. */
function scalarOf(tensor: Tensor | undefined, fallback?: number): number | undefined {
  return tensor && tensor.size > 0 ? toNumbers(tensor)[0] : fallback;
}

function outputDType(node: Node): DType {
  return dtypeOfOnnxNumber(integerOf(node, 'output_datatype', 1)) ?? 'float32';
}

function filled(dtype: DType, dims: readonly number[], valueAt: (i: number) => number): Tensor {
  return isFloat(dtype)
    ? fillNumbers(dtype, dims, valueAt)
    : fillBigints(dtype, dims, (i) => BigInt(Math.trunc(valueAt(i))));
}

/** A window of `size` places: a sum of cosines with the given coefficients, alternating in sign. */
function defineWindow(name: string, coefficients: readonly number[]): readonly Operator[] {
  const sizeOf = (node: Node, tensor: Tensor | undefined): number => {
    const size = scalarOf(tensor, -1)!;
    if (size >= 0 && size < 2 ** 31) return size;
    throw nodeError('MODEL_INVALID', node, `size: got ${size}, expected 0 or more.`);
  };
  return define([[17, lastOpset, wideIntegers]], {
    name,
    infer: (node, inputs) => [{ dtype: outputDType(node), shape: [sizeOf(node, constantInput(node, inputs, 0))] }],
    evaluate: (node, inputs) => {
      const size = sizeOf(node, inputs[0]);
      const period = integerOf(node, 'periodic', 1) !== 0 ? size : size - 1;
      const value = (n: number) =>
        coefficients.reduce((sum, a, k) => sum + (k % 2 ? -a : a) * Math.cos((2 * Math.PI * k * n) / period), 0);
      return [filled(outputDType(node), [size], value)];
    },
  });
}

/** Weights [bins, mel bins] of triangles that stand evenly on the mel scale. */
function melWeights(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const [mels, length, rate, low, high] = [0, 1, 2, 3, 4].map((index) => scalarOf(requireInput(node, inputs, index))!);
  const toMel = (hertz: number) => 2595 * Math.log10(1 + hertz / 700);
  const toHertz = (mel: number) => 700 * (10 ** (mel / 2595) - 1);
  const step = (toMel(high) - toMel(low)) / (mels + 2);
  const edges = Array.from({ length: mels + 2 }, (_, i) =>
    Math.floor(((length + 1) * toHertz(i * step + toMel(low))) / rate),
  );
  const bins = Math.floor(length / 2) + 1;
  return [
    filled(outputDType(node), [bins, mels], (at) => {
      const [bin, m] = [Math.floor(at / mels), at % mels];
      const [left, centre, right] = edges.slice(m, m + 3);
      if (centre === left)
        return bin === centre ? 1 : bin >= centre && bin < right ? (right - bin) / (right - centre) : 0;
      if (bin >= left && bin <= centre) return (bin - left) / (centre - left);
      return bin >= centre && bin < right ? (right - bin) / (right - centre) : 0;
    }),
  ];
}

/** sum_n x[n] e^(sign 2 pi i k n / N) for k < count, by definition. */
function transform(
  re: ArrayLike<number>,
  im: ArrayLike<number>,
  N: number,
  count: number,
  sign: number,
): readonly (readonly [re: number, im: number])[] {
  return Array.from({ length: count }, (_, k) => {
    let [a, b] = [0, 0];
    for (let n = 0; n < N; n++) {
      const angle = (sign * 2 * Math.PI * ((k * n) % N)) / N;
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      a += (re[n] ?? 0) * c - (im[n] ?? 0) * s;
      b += (re[n] ?? 0) * s + (im[n] ?? 0) * c;
    }
    return [a, b] as const;
  });
}

interface Dft {
  readonly axis: number;
  readonly N: number;
  readonly dims: readonly number[];
  readonly isInverse: boolean;
}

/** An attribute, the second axis by default; from opset 20 on an input, the last axis but one by default. */
function dftAxis(node: Node, input: Tensor | undefined, opset: number): number {
  return opset < 20 ? integerOf(node, 'axis', 1) : (scalarOf(input, -2) as number);
}

/** x [.., axis, .., 1 or 2]: the last axis holds real and imaginary parts. */
function dftOf(node: Node, dims: readonly number[], lengthInput: Tensor | undefined, given: number): Dft {
  const axis = normaliseAxis(node, given, dims.length);
  const N = scalarOf(lengthInput, dims[axis])!;
  const isInverse = integerOf(node, 'inverse', 0) !== 0;
  const isOneSided = integerOf(node, 'onesided', 0) !== 0;
  if (dims.length < 2 || axis === dims.length - 1 || ![1, 2].includes(dims.at(-1)!) || (isInverse && isOneSided)) {
    throw nodeError('SHAPE_MISMATCH', node, `x: got [${dims}], expected [N, .., 1 or 2] and an axis before the last.`);
  }
  const kept = isOneSided ? Math.floor(N / 2) + 1 : N;
  return { axis, N, isInverse, dims: dims.map((size, at) => (at === axis ? kept : at === dims.length - 1 ? 2 : size)) };
}

function dft(node: Node, x: Tensor, lengthInput: Tensor | undefined, given: number): Tensor {
  const { axis, N, dims, isInverse } = dftOf(node, x.dims, lengthInput, given);
  const [values, parts] = [toNumbers(x), x.dims.at(-1)!];
  const inner = elementCount(x.dims.slice(axis + 1, -1));
  const [size, count] = [x.dims[axis], dims[axis]];
  const result = new Float64Array(elementCount(dims));
  for (let line = 0; line < elementCount(x.dims.slice(0, axis)) * inner; line++) {
    const [o, i] = [Math.floor(line / inner), line % inner];
    const part = (which: number) =>
      which < parts
        ? Array.from({ length: Math.min(N, size) }, (_, n) => values[((o * size + n) * inner + i) * parts + which])
        : [];
    transform(part(0), part(1), N, count, isInverse ? 1 : -1).forEach(([a, b], k) => {
      const at = ((o * count + k) * inner + i) * 2;
      result[at] = isInverse ? a / N : a;
      result[at + 1] = isInverse ? b / N : b;
    });
  }
  return fillNumbers(x.type, dims, (i) => result[i]);
}

interface Stft {
  readonly length: number;
  readonly step: number;
  readonly frames: number;
  readonly bins: number;
}

function stftOf(
  node: Node,
  dims: readonly number[],
  inputs: readonly (Tensor | undefined)[],
  windowSize: number | undefined,
): Stft {
  const step = scalarOf(inputs[1], 0)!;
  const length = scalarOf(inputs[3], windowSize ?? 0)!;
  if (dims.length !== 3 || !(step >= 1) || !(length >= 1) || length > dims[1]) {
    throw nodeError(
      'SHAPE_MISMATCH',
      node,
      `x: got [${dims}] in frames of ${length} each ${step}, expected [N, samples, 1].`,
    );
  }
  if (windowSize !== undefined && windowSize < length) {
    throw nodeError(
      'SHAPE_MISMATCH',
      node,
      `window: got ${windowSize} numbers, expected one each of ${length} samples.`,
    );
  }
  const frames = Math.floor((dims[1] - length) / step) + 1;
  return { length, step, frames, bins: integerOf(node, 'onesided', 1) !== 0 ? Math.floor(length / 2) + 1 : length };
}

function stft(node: Node, inputs: readonly (Tensor | undefined)[]): Tensor {
  const [x, window] = [requireInput(node, inputs, 0), inputs[2]];
  const { length, step, frames, bins } = stftOf(node, x.dims, inputs, window?.size);
  const [values, weights, parts] = [toNumbers(x), window && toNumbers(window), x.dims[2]];
  const result: number[] = [];
  for (let n = 0; n < x.dims[0]; n++) {
    for (let frame = 0; frame < frames; frame++) {
      const part = (which: number) =>
        Array.from({ length }, (_, i) => {
          const value = which < parts ? values[(n * x.dims[1] + frame * step + i) * parts + which] : 0;
          return value * (weights ? weights[i] : 1);
        });
      for (const [a, b] of transform(part(0), part(1), length, bins, -1)) result.push(a, b);
    }
  }
  return fillNumbers(x.type, [x.dims[0], frames, bins, 2], (i) => result[i]);
}

export const signalOperators: readonly Operator[] = [
  ...defineWindow('HannWindow', [0.5, 0.5]),
  ...defineWindow('HammingWindow', [25 / 46, 21 / 46]),
  ...defineWindow('BlackmanWindow', [0.42, 0.5, 0.08]),
  ...define([[17, lastOpset, wideIntegers]], {
    name: 'MelWeightMatrix',
    infer: (node, inputs) => {
      const [mels, length] = [0, 1].map((index) => scalarOf(constantInput(node, inputs, index), 0)!);
      return [{ dtype: outputDType(node), shape: [Math.floor(length / 2) + 1, mels] }];
    },
    evaluate: melWeights,
  }),
  ...define([[17, lastOpset, floatDTypes]], {
    name: 'DFT',
    infer: (node, inputs, opset) => {
      const x = requireInput(node, inputs, 0);
      const axis = dftAxis(node, constantInput(node, inputs, 2), opset);
      const { dims } = dftOf(node, requireStatic(node, x.shape, 'x'), constantInput(node, inputs, 1), axis);
      return [{ dtype: x.dtype, shape: dims }];
    },
    evaluate: (node, inputs, opset) => {
      return [dft(node, requireInput(node, inputs, 0), inputs[1], dftAxis(node, inputs[2], opset))];
    },
  }),
  ...define([[17, lastOpset, floatDTypes]], {
    name: 'STFT',
    infer: (node, inputs) => {
      const x = requireInput(node, inputs, 0);
      const [window] = inputs[2] ? requireStatic(node, inputs[2].shape, 'window') : [];
      const known = [undefined, constantInput(node, inputs, 1), undefined, constantInput(node, inputs, 3)];
      const dims = requireStatic(node, x.shape, 'x');
      const { frames, bins } = stftOf(node, dims, known, window);
      return [{ dtype: x.dtype, shape: [dims[0], frames, bins, 2] }];
    },
    evaluate: (node, inputs) => [stft(node, inputs)],
  }),
];
