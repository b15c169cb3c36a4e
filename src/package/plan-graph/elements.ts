/** Steps that compute element by element, along one axis, or move elements. */
import type { Extent } from '../../runtime/extent.js';
import { allocate, type DType, Tensor, type TensorData } from '../../runtime/tensor.js';
import type { Conversion, Converter } from './converter.js';
import { int64, type Value } from './graph-writer.js';

/** ONNX operators of `unary`, where one is all that it takes. */
const unaryOps: Readonly<Record<string, string>> = {
  ...{ identity: 'Identity', relu: 'Relu', 'leaky-relu': 'LeakyRelu', neg: 'Neg', abs: 'Abs', sqrt: 'Sqrt' },
  ...{ reciprocal: 'Reciprocal', floor: 'Floor', ceil: 'Ceil', round: 'Round', sign: 'Sign', exp: 'Exp', log: 'Log' },
  ...{ sigmoid: 'Sigmoid', tanh: 'Tanh', erf: 'Erf', 'hard-sigmoid': 'HardSigmoid', elu: 'Elu', softplus: 'Softplus' },
};

/** Defaults of alpha and beta, see step-kinds/unary.ts. */
const defaults: Readonly<Record<string, readonly number[]>> = {
  'leaky-relu': [0.01],
  'hard-sigmoid': [0.2, 0.5],
  elu: [1],
};

/** alpha x + beta x^3, as `silu` has it. */
function cubic(step: Converter, x: Value): Value {
  const [alpha, beta] = [step.real('alpha', 1), step.real('beta', 0)];
  if (beta === 0) return alpha === 1 ? x : step.writer.op('Mul', [x, step.scalar(alpha)], x.shape);
  const { writer } = step;
  const square = writer.op('Mul', [x, x], x.shape);
  const bent = writer.op('Mul', [square, step.scalar(beta)], x.shape);
  return writer.op('Mul', [x, writer.op('Add', [bent, step.scalar(alpha)], x.shape)], x.shape);
}

export const unary: Conversion = (step) => {
  const { writer } = step;
  const f = step.word('f');
  const x = step.memory.readAll(step.operand(0), step.size('count'));
  const real = (name: string, i: number) => step.real(name, defaults[f]?.[i] ?? 0);
  if (f === 'clip') {
    step.write(
      0,
      step.clip(x, step.real('alpha', Number.NEGATIVE_INFINITY), step.real('beta', Number.POSITIVE_INFINITY)),
    );
  } else if (f === 'hard-swish') {
    const slope = { alpha: step.real('alpha', 0.2), beta: step.real('beta', 0.5) };
    step.write(0, writer.op('Mul', [x, writer.op('HardSigmoid', [x], x.shape, slope)], x.shape));
  } else if (f === 'silu') {
    step.write(0, writer.op('Mul', [x, writer.op('Sigmoid', [cubic(step, x)], x.shape)], x.shape));
  } else if (f === 'gelu') {
    const half = writer.op('Mul', [x, step.scalar(Math.SQRT1_2)], x.shape);
    const share = writer.op('Add', [writer.op('Erf', [half], x.shape), step.scalar(1)], x.shape);
    const whole = writer.op('Mul', [x, share], x.shape);
    step.write(0, writer.op('Mul', [whole, step.scalar(0.5)], x.shape));
  } else {
    const names = ['alpha', 'beta'].slice(0, defaults[f]?.length ?? 0);
    const attributes = Object.fromEntries(names.map((name, i) => [name, real(name, i)]));
    step.write(0, writer.op(unaryOps[f], [x], x.shape, attributes));
  }
};

const binaryOps: Readonly<Record<string, string>> = {
  ...{ add: 'Add', sub: 'Sub', mul: 'Mul', div: 'Div', max: 'Max', min: 'Min', pow: 'Pow' },
};

export const binary: Conversion = (step) => {
  const dims = step.sizes('dims');
  const operands = ['stridesA', 'stridesB'].map((name, slot) => step.read(slot, dims, step.sizes(name)));
  const y = step.writer.op(binaryOps[step.word('f')], operands, dims);
  // Both may be broadcast along an axis of their own.
  step.write(0, step.writer.expand({ ...y, shape: broadcast(operands) }, dims), dims);
};

function broadcast(values: readonly Value[]): readonly Extent[] {
  return values[0].shape.map((_, axis) => values.map(({ shape }) => shape[axis]).find((dim) => dim !== 1) ?? 1);
}

export const select: Conversion = (step) => {
  const { writer } = step;
  const dims = step.sizes('dims');
  const [a, b, c] = ['stridesA', 'stridesB', 'stridesC'].map((name, slot) => step.read(slot, dims, step.sizes(name)));
  const condition =
    step.word('f') === 'nan'
      ? writer.op('IsNaN', [c], c.shape)
      : writer.op('Cast', [c], c.shape, { to: codes.bool as number });
  const y = writer.op('Where', [condition, a, b], dims);
  step.write(0, writer.expand({ ...y, shape: broadcast([a, b, c]) }, dims), dims);
};

/** Codes of the dtypes in an ONNX file. */
const codes: Partial<Record<DType, number>> = {
  ...{ float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float64: 11 },
};

export const cast: Conversion = (step) => {
  const to = step.word('to') as DType;
  const x = step.memory.readAll(step.operand(0), step.size('count'));
  step.write(0, step.writer.push('Cast', [x], to, [x.shape], { to: codes[to]! })[0]);
};

export const fill: Conversion = (step) => {
  const dtype = step.memory.dtypeOf(step.step.writes[0]);
  const data = allocate(dtype, 1);
  if (step.params['bits'] === undefined) data[0] = step.real('value', 0);
  else new Int32Array(data.buffer)[0] = step.count('bits');
  const value = step.writer.constant('value', new Tensor(dtype, data as TensorData, [1]));
  step.write(0, step.writer.expand(value, [step.size('count')]));
};

/** x [outer, axis, inner], without an inner axis of one element. */
function alongAxis(step: Converter): Value {
  const [outer, axis, inner] = [step.size('outer'), step.size('axis'), step.size('inner')];
  return step.read(0, inner === 1 ? [outer, axis] : [outer, axis, inner]);
}

export const softmax: Conversion = (step) => {
  const x = alongAxis(step);
  const op = step.word('f') === 'softmax' ? 'Softmax' : 'LogSoftmax';
  step.write(0, step.writer.op(op, [x], x.shape, { axis: 1 }));
};

const reduceOps: Readonly<Record<string, string>> = {
  ...{ mean: 'ReduceMean', max: 'ReduceMax', min: 'ReduceMin', prod: 'ReduceProd', sumsq: 'ReduceSumSquare' },
  ...{ l1: 'ReduceL1', l2: 'ReduceL2', 'log-sum-exp': 'ReduceLogSumExp' },
};

export const reduce: Conversion = (step) => {
  const x = alongAxis(step);
  const shape = x.shape.filter((_, axis) => axis !== 1);
  step.write(0, step.word('f') === 'sum' ? sumOver(step, x, 1) : reduceOver(step, reduceOps[step.word('f')], x, shape));
};

/** Takes its axes as an attribute before opset 18, as an input from then on. */
function reduceOver({ writer }: Converter, op: string, x: Value, shape: readonly Extent[]): Value {
  if (writer.opset < 18) return writer.op(op, [x], shape, { axes: [1], keepdims: 0 });
  return writer.op(op, [x, writer.constant('axes', int64([1]))], shape, { keepdims: 0 });
}

/** ReduceSum takes its axes as an input. */
export function sumOver({ writer }: Converter, x: Value, axis: number): Value {
  const axes = writer.constant('axes', int64([axis]));
  const shape = x.shape.filter((_, at) => at !== axis);
  return writer.op('ReduceSum', [x, axes], shape, { keepdims: 0 });
}

export const copy: Conversion = (step) => {
  const dims = step.sizes('dims');
  // What copies nothing bounds sizes, and a bound is of the plan alone.
  if (dims.includes(0)) return;
  const x = step.read(0, dims, step.sizes('srcStrides'));
  step.write(0, step.writer.expand(x, dims), dims, step.sizes('dstStrides'));
};

export const gatherColumns: Conversion = (step) => {
  const [M, N, columns] = [step.size('M'), step.size('N'), step.size('columns')];
  const x = step.read(0, [M, columns], [step.size('ldx', columns), 1]);
  const y = step.writer.op('Gather', [x, step.read(1, [N])], [M, N], { axis: 1 });
  step.write(0, y, [M, N], [step.size('ldy', N), 1]);
};

export const gather: Conversion = (step) => {
  const [outer, axis, inner, count] = ['outer', 'axis', 'inner', 'count'].map((name) => step.size(name));
  const dims = [outer, axis, inner].filter((dim, at) => at === 1 || dim !== 1);
  const at = outer === 1 ? 0 : 1;
  const x = step.read(0, dims);
  const shape = dims.map((dim, i) => (i === at ? count : dim));
  step.write(0, step.writer.op('Gather', [x, step.read(1, [count])], shape, { axis: at }));
};

/** Sum or mean of the rows that ids >= 0 name, plus a bias. */
export const embeddingBag: Conversion = (step) => {
  const { writer } = step;
  const [M, L, V, D] = ['M', 'L', 'V', 'D'].map((name) => step.size(name));
  const constant = (value: number) => writer.constant('limit', new Tensor('int32', Int32Array.of(value), []));
  const ids = step.read(0, [M, L]);
  const zero = constant(0);
  const isKept = writer.push('GreaterOrEqual', [ids, zero], 'bool', [ids.shape])[0];
  const safe = writer.op('Max', [ids, zero], ids.shape);
  const rows = writer.op('Gather', [step.read(1, [V, D]), safe], [M, L, D], { axis: 0 });
  const weights = writer.push('Cast', [isKept], 'float32', [ids.shape], { to: 1 })[0];
  const kept = writer.op('Mul', [rows, writer.reshape(weights, [M, L, 1])], [M, L, D]);
  let y = sumOver(step, kept, 1);
  if (step.word('mode') === 'mean') {
    const count = writer.op('Max', [sumOver(step, weights, 1), step.scalar(1)], [M]);
    y = writer.op('Div', [y, writer.reshape(count, [M, 1])], [M, D]);
  }
  if (step.has(2)) y = writer.op('Add', [y, step.read(2, [D])], [M, D]);
  step.write(0, y, [M, D], [step.size('ldy', D), 1]);
};
