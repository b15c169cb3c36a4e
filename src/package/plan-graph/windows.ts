/** Convolution and pooling. */
import { Tensor } from '../../runtime/tensor.js';
import type { Conversion, Converter } from './converter.js';

const volume = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);

/** The window over as many axes as the image has: leading ones of size 1 are left out. */
function windowOf(step: Converter) {
  const names = ['input', 'kernel', 'output', 'strides', 'dilations', 'pads'] as const;
  const lists = Object.fromEntries(names.map((name) => [name, step.counts(name)])) as Record<
    (typeof names)[number],
    readonly number[]
  >;
  const { input, kernel, output } = lists;
  const isFlat = (axis: number) => input[axis] === 1 && kernel[axis] === 1 && output[axis] === 1;
  const first = isFlat(0) ? (isFlat(1) ? 2 : 1) : 0;
  const [x, w, y, strides, dilations, begin] = names.map((name) => lists[name].slice(first));
  const end = y.map((count, axis) => {
    const reach = (count - 1) * strides[axis] + (w[axis] - 1) * dilations[axis] + 1;
    return Math.max(0, reach - x[axis] - begin[axis]);
  });
  const attributes = { kernel_shape: w, strides, dilations, pads: [...begin, ...end] };
  return { input: x, output: y, attributes };
}

export const conv: Conversion = (step) => {
  const { writer } = step;
  const [N, groups, C, O] = [step.size('N'), ...['groups', 'C', 'O'].map((name) => step.count(name))] as const;
  const { input, output, attributes } = windowOf(step);
  const operand = step.operand(1);
  if (!('weight' in operand) || operand.offset) throw step.refuse('its weights are made at run time');
  const { name, data } = step.memory.plan.weights[operand.weight];
  const taps = C * volume(attributes.kernel_shape);
  const rows = groups * O;
  const [W, b] = [new Float32Array(rows * taps), new Float32Array(rows)];
  for (let row = 0; row < rows; row++) {
    const at = row * (1 + taps);
    b[row] = data[at] as number;
    W.set((data as Float32Array).subarray(at + 1, at + 1 + taps), row * taps);
  }
  const x = step.read(0, [N, groups * C, ...input]);
  const weights = writer.constant(name, new Tensor('float32', W, [rows, C, ...attributes.kernel_shape]));
  const bias = writer.constant(`${name}_bias`, new Tensor('float32', b, [rows]));
  const y = writer.op('Conv', [x, weights, bias], [N, rows, ...output], { ...attributes, group: groups });
  step.write(0, step.clamp(y));
};

/** A sum over windows is a convolution with ones. */
export const pool: Conversion = (step) => {
  const { writer } = step;
  const [N, groups] = [step.size('N'), step.count('groups')];
  const { input, output, attributes } = windowOf(step);
  const shape = [N, groups, ...output];
  const x = step.read(0, [N, groups, ...input]);
  if (step.word('f') === 'max') {
    step.write(0, writer.op('MaxPool', [x], shape, attributes));
    return;
  }
  const taps = volume(attributes.kernel_shape);
  const ones = new Tensor('float32', new Float32Array(groups * taps).fill(1), [groups, 1, ...attributes.kernel_shape]);
  step.write(0, writer.op('Conv', [x, writer.constant('ones', ones)], shape, { ...attributes, group: groups }));
};

/** softmax(scale q k^T + mask) v, see step-kinds/attention.ts. */
export const attention: Conversion = (step) => {
  const { writer } = step;
  const [B, H, M, T, D, E] = step.sizes('dims');
  const q = step.read(0, [B, H, M, D], [...step.sizes('stridesQ'), 1]);
  const k = step.read(1, [B, H, T, D], step.sizes('stridesK'));
  const v = step.read(2, [B, H, T, E], step.sizes('stridesV'));
  const product = writer.op('MatMul', [q, writer.transpose(k, [0, 1, 3, 2])], [B, H, M, T]);
  const scale = step.real('scale', 1);
  let scores = scale === 1 ? product : writer.op('Mul', [product, step.scalar(scale)], [B, H, M, T]);
  if (step.has(3)) {
    const mask = step.read(3, [B, H, M, T], [...step.sizes('stridesMask'), 1]);
    scores = writer.op('Add', [scores, mask], [B, H, M, T]);
  }
  const weights = writer.op('Softmax', [scores], [B, H, M, T], { axis: 3 });
  const y = writer.op('MatMul', [weights, v], [B, H, M, E]);
  step.write(0, y, [B, H, M, E], [...step.sizes('stridesY'), 1]);
};
