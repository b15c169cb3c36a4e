/** Recurrent layers, one direction. The plan has the products with the inputs in a step before, which is taken back. */
import { type Extent, multiply } from '../../runtime/extent.js';
import { Tensor } from '../../runtime/tensor.js';
import type { Conversion, Converter } from './converter.js';
import type { Value } from './graph-writer.js';

type Floats = Float32Array<ArrayBuffer>;

const transposedProduct = (a: Floats, v: Floats, rows: number, rank: number, H: number): Floats => {
  const out = new Float32Array(rows * H);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < H; j++) {
      let sum = 0;
      for (let r = 0; r < rank; r++) sum += a[i * rank + r] * v[r * H + j];
      out[i * H + j] = sum;
    }
  }
  return out;
};

/** The state's matrix [rows, H] and its bias, from the panels of one read, and of the inner matrix where there is one. */
function stateMatrix(step: Converter, slot: number, rows: number, inner: number) {
  const [H, rank] = [step.count('H'), step.count('rank', 0)];
  const known = step.memory.matrix(step.operand(slot), rows, rank || H);
  const data = (value: Value | undefined) => value?.tensor?.data as Floats | undefined;
  const [W, b] = [data(known?.W), data(known?.b)];
  if (!W || !b) throw step.refuse('its weights are made at run time');
  if (rank === 0) return { W, b };
  // V [rank, H] is stored as a layer of `rank` outputs.
  const v = data(step.memory.matrix(step.operand(inner), rank, H)?.W);
  if (!v) throw step.refuse('its weights are made at run time');
  return { W: transposedProduct(W, v, rows, rank, H), b };
}

function identity(n: number): Tensor {
  const data = new Float32Array(n * n);
  for (let i = 0; i < n; i++) data[i * (n + 1)] = 1;
  return new Tensor('float32', data, [1, n, n]);
}

interface Cell {
  readonly op: 'LSTM' | 'GRU';
  readonly gates: number;
  /** R [gates H, H] and its bias. */
  readonly R: Floats;
  readonly b: Floats;
  /** Inputs behind the sequence lengths. */
  readonly states: readonly (Value | null)[];
  readonly attributes: Readonly<Record<string, number>>;
}

/** Largest matrix of inputs that is made up, in rows. */
const mostRows = 4096;

/** x [T, B, I], W [1, n, I] and its bias: of the layer that made the products, else the products and the identity. */
function inputsOf(step: Converter, T: Extent, B: Extent, n: number): { x: Value; W: Tensor; b?: Floats } {
  const { writer } = step;
  const z = step.read(0, [T, B, n]);
  const made = writer.makerOf(z);
  const [x, W, b] = made?.inputs ?? [];
  if (made?.op === 'Gemm' && x && W?.tensor?.dims[0] === n && b?.tensor) {
    const I = W.tensor.dims[1];
    const biasData = b.tensor.data as Floats;
    return { x: writer.reshape(x, [T, B, I]), W: W.tensor.reshape([1, n, I]), b: biasData };
  }
  if (n > mostRows) throw step.refuse('the products with its inputs are made in another way');
  return { x: z, W: identity(n) };
}

/** Y [T, B, H], and what else the layer gives. */
function layer(step: Converter, { op, gates, R, b, states, attributes }: Cell): Value[] {
  const { writer } = step;
  const [T, B, H] = [step.size('T'), step.size('B'), step.count('H')];
  const n = gates * H;
  const { x, W: inputs, b: inputBias } = inputsOf(step, T, B, n);
  const bias = new Float32Array(2 * n);
  if (inputBias) bias.set(inputBias);
  bias.set(b, n);
  const constants = [inputs, new Tensor('float32', R, [1, n, H]), new Tensor('float32', bias, [1, 2 * n])];
  const [W, r, B2] = constants.map((tensor, i) => writer.constant(['inputs', 'states', 'biases'][i], tensor));
  const direction = step.word('direction');
  const shapes: (readonly Extent[] | null)[] = [[T, 1, B, H], null, ...(op === 'LSTM' ? [[1, B, H]] : [])];
  const outputs = writer.push(op, [x, W, r, B2, null, ...states], 'float32', shapes, {
    ...attributes,
    hidden_size: H,
    direction,
  });
  const y = writer.reshape(outputs[0], [T, B, H]);
  step.write(0, y, [T, B, H], [step.size('strideT', multiply(B, H)), H, 1]);
  return outputs;
}

/** The first state [1, B, H] in a read. */
function firstState(step: Converter, slot: number): Value {
  return step.read(slot, [1, step.size('B'), step.count('H')]);
}

export const lstm: Conversion = (step) => {
  const H = step.count('H');
  const { W: R, b } = stateMatrix(step, 1, 4 * H, 5);
  const states: (Value | null)[] = [firstState(step, 2), firstState(step, 3)];
  if (step.has(4)) states.push(step.read(4, [1, 3 * H]));
  const [, , cell] = layer(step, { op: 'LSTM', gates: 4, R, b, states, attributes: {} });
  step.write(1, step.writer.reshape(cell, [step.size('B'), H]));
};

export const gru: Conversion = (step) => {
  const H = step.count('H');
  const [both, last] = [stateMatrix(step, 1, 2 * H, 4), stateMatrix(step, 2, H, 4)];
  const join = (a: Floats, b: Floats) => Float32Array.from([...a, ...b]);
  const [R, b] = [join(both.W, last.W), join(both.b, last.b)];
  const attributes = { linear_before_reset: step.word('reset') === 'after' ? 1 : 0 };
  layer(step, { op: 'GRU', gates: 3, R, b, states: [firstState(step, 3)], attributes });
};
