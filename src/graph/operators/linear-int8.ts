/**
 * kerf.LinearInt8: y = clamp(x W^T + b, lo, hi) with W = scale q, q int8 [N, K], a scale for each output; what Linear
 * becomes under `--weights int8`. Each row of x is rounded on the way, see assembly/linear/int8.ts.
 */
import { multiply } from '../../runtime/extent.js';
import type { Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator, PlanBuilder } from '../operator.js';
import { nodeError, realOf, requireInput } from './attributes.js';
import { always, define, lastOpset } from './define.js';
import { fillNumbers, toNumbers } from './elements.js';
import { emitGemm, type LinearSizes, linearSizes } from './linear.js';
import { roundToEven } from './scalar-functions.js';

const { fround } = Math;

function sizesOf(node: Node, inputs: readonly (Fact | undefined)[]): LinearSizes {
  const [x, w, scale, b] = [0, 1, 2].map((i) => requireInput(node, inputs, i)).concat(inputs[3] ?? []);
  const sizes = linearSizes(node, b ? [x, w, b] : [x, w]);
  if (x.dtype !== 'float32' || w.dtype !== 'int8' || scale.shape.length !== 1 || scale.shape[0] !== sizes.N) {
    const got = `${x.dtype}, ${w.dtype}, [${scale.shape}]`;
    throw nodeError('DTYPE_MISMATCH', node, `operands: got ${got}, expected float32, int8, [${sizes.N}].`);
  }
  return sizes;
}

/** A row as whole numbers and its scale: the largest becomes what K products by 128 can stand in 32 bits. */
function quantizeRow(row: Float32Array): { q: Float64Array; scale: number } {
  const limit = Math.max(1, Math.min(32767, Math.floor((2 ** 31 - 1) / 128 / Math.max(1, row.length))));
  const largest = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (!Number.isFinite(largest)) return { q: new Float64Array(row.length), scale: Number.NaN };
  if (largest < fround(1e-30)) return { q: new Float64Array(row.length), scale: 0 };
  const inverse = fround(limit / largest);
  return { q: Float64Array.from(row, (value) => roundToEven(fround(value * inverse))), scale: fround(largest / limit) };
}

function evaluate(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const [x, w, scale] = [0, 1, 2].map((i) => requireInput(node, inputs, i));
  const [N, K] = w.dims;
  const [weights, scales, bias] = [w.data as Int8Array, toNumbers(scale), inputs[3] && toNumbers(inputs[3])];
  const rows = Array.from({ length: K === 0 ? 0 : x.size / K }, (_, m) =>
    quantizeRow((x.data as Float32Array).subarray(m * K, (m + 1) * K)),
  );
  const [lo, hi] = [realOf(node, 'lo', Number.NEGATIVE_INFINITY), realOf(node, 'hi', Number.POSITIVE_INFINITY)];
  return [
    fillNumbers('float32', [...x.dims.slice(0, -1), N], (i) => {
      const n = i % N;
      const row = rows[Math.floor(i / N)] ?? { q: [], scale: 0 };
      let sum = 0;
      for (let k = 0; k < K; k++) sum += row.q[k] * weights[n * K + k];
      const y = fround((bias ? bias[n] : 0) + fround(fround(sum) * fround(row.scale * scales[n])));
      return Math.min(Math.max(y, lo), hi);
    }),
  ];
}

function lower(node: Node, builder: PlanBuilder): boolean {
  const facts = node.inputs.map((value) => (value ? builder.fact(value) : undefined));
  const sizes = sizesOf(node, facts);
  const [bytes, scale] = [facts[1]?.constant, facts[2]?.constant] as [Tensor<'int8'>?, Tensor<'float32'>?];
  const bias = facts[3] ? (facts[3].constant as Tensor<'float32'> | undefined) : null;
  if (!bytes || !scale || bias === undefined) return false;
  const { N, K } = sizes;
  const panels = builder.int8Panels(node.inputs[1], bias, () => {
    const add = (bias?.data ?? new Float32Array(N)) as Float32Array<ArrayBuffer>;
    return { bytes, N, K, strideN: K, strideK: 1, add, scale: scale.data as Float32Array<ArrayBuffer> };
  });
  emitGemm('gemm-int8', node, builder, panels, sizes, { dtype: 'float32' });
  return true;
}

export const linearInt8Operators: readonly Operator[] = define([[1, lastOpset, ['float32']]], {
  name: 'LinearInt8',
  domain: 'kerf',
  infer: (node, inputs) => {
    const { N } = sizesOf(node, inputs);
    return [{ dtype: 'float32', shape: [...requireInput(node, inputs, 0).shape.slice(0, -1), N] }];
  },
  evaluate,
  lower,
  rowIndependent: always,
  macs: (node, inputs) => {
    const { M, N, K } = sizesOf(node, inputs);
    return multiply(M, N * K);
  },
});
