/** Products: linear layers, products of two values, and those of integers. */
import { add, type Extent } from '../../runtime/extent.js';
import { Tensor } from '../../runtime/tensor.js';
import type { Conversion, Converter } from './converter.js';
import type { Value } from './graph-writer.js';
import { unpackBytes } from './unpack.js';

/** The rows of both sources side by side: [M, K + R]. */
function inputsOf(step: Converter, batches: Extent): Value {
  const [M, K, R] = [step.size('M'), step.size('K'), step.size('R', 0)];
  const rows = (slot: number, width: Extent, ld: string, stride: string) => {
    const [dims, strides] = [
      [M, width],
      [step.size(ld, width), 1],
    ];
    return batches === 1
      ? step.read(slot, dims, strides)
      : step.read(slot, [batches, ...dims], [step.size(stride, 0), ...strides]);
  };
  const x = rows(0, K, 'ldx', 'strideX');
  if (R === 0) return x;
  const z = rows(2, R, 'ldz', 'strideZ');
  return step.writer.op('Concat', [x, z], [...x.shape.slice(0, -1), add(K, R)], { axis: x.shape.length - 1 });
}

/** A product with panels: Gemm of rows and constants, MatMul of the rest. */
export const gemm: Conversion = (step) => {
  const { writer } = step;
  const [M, N, batches] = [step.size('M'), step.size('N'), step.size('batches')];
  const depth = add(step.size('K'), step.size('R', 0));
  const matrix = step.memory.matrix(step.operand(1), N, depth);
  // Panels of a batch each were packed as such; those of a weight are all that it has.
  const areApart = batches !== 1 && step.size('stridePanels', 0) !== 0;
  if (!matrix || areApart !== (matrix.W.shape.length === 3)) throw step.refuse('its panels are packed in another way');
  const x = inputsOf(step, batches);
  const { W, b } = matrix;
  const shape = batches === 1 ? [M, N] : [batches, M, N];
  const y =
    x.shape.length === 2 && W.shape.length === 2
      ? writer.op('Gemm', [x, W, b], shape, { transB: 1 })
      : addBias(step, writer.op('MatMul', [x, turned(step, W)], shape), b);
  const strides = [step.size('strideY', 0), step.size('ldy', N), 1];
  const out = step.clamp(y);
  if (batches === 1) step.write(0, out, [M, N], strides.slice(1));
  else step.write(0, out, [batches, M, N], strides);
};

/** The last two axes swapped. */
function turned({ writer }: Converter, W: Value): Value {
  const rank = W.shape.length;
  const perm = W.shape.map((_, axis) => axis);
  [perm[rank - 2], perm[rank - 1]] = [rank - 1, rank - 2];
  return writer.transpose(W, perm);
}

function addBias({ writer }: Converter, y: Value, b: Value): Value {
  if (b.tensor && (b.tensor.data as Float32Array).every((x) => x === 0)) return y;
  const bias = b.shape.length === 1 ? b : writer.reshape(b, [b.shape[0], 1, b.shape[1]]);
  return writer.op('Add', [y, bias], y.shape);
}

/** The packing of an operand: nothing but another way to read it. */
export const pack: Conversion = (step) => {
  const { writer } = step;
  const [N, K, batches] = [step.size('N'), step.size('K'), step.size('batches')];
  const isOne = batches === 1;
  const dims = isOne ? [N, K] : [batches, N, K];
  const lead = (name: string) => (isOne ? [] : [step.size(name, 0)]);
  const read = (slot: number, name: string, sizes: readonly Extent[], strides: readonly Extent[]) =>
    writer.expand(step.read(slot, sizes, [...lead(name), ...strides]), sizes);
  const W = read(0, 'strideB', dims, [step.size('strideN'), step.size('strideK')]);
  const b = step.has(1)
    ? read(1, 'strideBias', dims.slice(0, -1), [step.size('biasStride', 1)])
    : writer.constant('zeros', new Tensor('float32', new Float32Array(1), [1]));
  step.memory.pack(step.step.writes[0], { W, b });
};

/** int8 weights: as the numbers that they stand for where the inputs are numbers. */
export const gemmInt8: Conversion = (step) => {
  if (step.word('dtype') === 'float32') return gemm(step);
  const { writer, memory } = step;
  const [M, N, K] = [step.size('M'), step.count('N'), step.count('K')];
  const operand = step.operand(1);
  if (!('weight' in operand)) throw step.refuse('its weights are made at run time');
  const { integers, words } = unpackBytes(memory.plan.weights[operand.weight], N, K);
  const W = new Tensor(
    'int8',
    Int8Array.from({ length: K * N }, (_, i) => integers[(i % N) * K + Math.floor(i / N)]),
    [K, N],
  );
  const added = Int32Array.from({ length: N }, (_, n) => words.getInt32(4 * n, true));
  const x = step.read(0, [M, K], [step.size('ldx', K), 1]);
  const zero = step.has(2) ? [step.read(2, [])] : [];
  const product = (right: Value) =>
    writer.push('MatMulInteger', [x, right, ...zero], 'int32', [[M, right.shape[1]]])[0];
  let y = product(writer.constant('integers', W));
  if (added.some((one) => one !== 0)) {
    // sum_k (x - z) added[n]: the row's sum, from a product with a column of ones.
    const ones = writer.constant('ones', new Tensor('int8', new Int8Array(K).fill(1), [K, 1]));
    const more = writer.constant('added', new Tensor('int32', added, [1, N]));
    y = writer.op('Add', [y, writer.op('Mul', [product(ones), more], [M, N])], [M, N]);
  }
  step.write(0, y, [M, N], [step.size('ldy', N), 1]);
};

/** saturate(round(x scale) + zero), in float64 as the step does it. */
export const requantize: Conversion = (step) => {
  const { writer } = step;
  const [M, N] = [step.size('M'), step.count('N')];
  const isSigned = step.word('dtype') === 'int8';
  const cast = (value: Value, to: 'float64' | 'int8' | 'uint8', code: number) =>
    writer.push('Cast', [value], to, [value.shape], { to: code })[0];
  const real = (value: number) => writer.constant('limit', new Tensor('float64', Float64Array.of(value), []));
  const scaled = writer.op('Mul', [cast(step.read(0, [M, N]), 'float64', 11), step.read(1, [N])], [M, N]);
  const rounded = writer.op('Round', [scaled], [M, N]);
  const moved = writer.op('Add', [rounded, cast(step.read(2, []), 'float64', 11)], [M, N]);
  const limits = isSigned ? [-128, 127] : [0, 255];
  const saturated = writer.op('Clip', [moved, ...limits.map(real)], [M, N]);
  step.write(0, cast(saturated, isSigned ? 'int8' : 'uint8', isSigned ? 3 : 2), [M, N]);
};
