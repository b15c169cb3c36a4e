/**
 * LSTM, GRU and RNN: the reference, over any direction, layout, activation and sequence length. kerf.LSTM and kerf.GRU are
 * the same with R = U V of inner rank: U [D, gates H, rank] in the place of R, and V [D, rank, H] as input 8.
 */
import { type Extent, equals, multiply } from '../../runtime/extent.js';
import type { Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { integerOf, nodeError, realOf, requireInput, textOf } from './attributes.js';
import { define, lastOpset } from './define.js';
import { fillNumbers, floatDTypes, toNumbers } from './elements.js';
import { lowerGru, lowerLstm } from './lower-recurrent.js';
import { recurrentFunction } from './recurrent-functions.js';
import { formatShape, mismatchCode } from './shapes.js';

export type CellName = 'LSTM' | 'GRU' | 'RNN';

/** Blocks of H rows in W and R: LSTM input, output, forget, cell; GRU update, reset, hidden. */
export const gateCount: Readonly<Record<CellName, number>> = { LSTM: 4, GRU: 3, RNN: 1 };

/** Functions of one direction, where the node names none. */
const functionNames: Readonly<Record<CellName, readonly string[]>> = {
  LSTM: ['Sigmoid', 'Tanh', 'Tanh'],
  GRU: ['Sigmoid', 'Tanh'],
  RNN: ['Tanh'],
};

/** Input V of kerf's own cells: behind all of ONNX's. */
export const innerInput = 8;

export interface RecurrentSizes {
  readonly T: Extent;
  readonly B: Extent;
  readonly I: number;
  readonly H: number;
  /** Inner rank of R; 0 where it is whole. */
  readonly rank: number;
  /** Whether each direction runs from the end. */
  readonly directions: readonly boolean[];
  readonly isBatchFirst: boolean;
}

const directionsOf: Readonly<Record<string, readonly boolean[]>> = {
  forward: [false],
  reverse: [true],
  bidirectional: [false, true],
};

/** @throws SHAPE_MISMATCH, MODEL_INVALID */
export function recurrentSizes(node: Node, inputs: readonly (Fact | undefined)[]): RecurrentSizes {
  const [x, w, r] = [0, 1, 2].map((index) => requireInput(node, inputs, index).shape);
  const name = textOf(node, 'direction', 'forward').toLowerCase();
  const directions = Object.hasOwn(directionsOf, name) ? directionsOf[name] : undefined;
  if (!directions)
    throw nodeError('MODEL_INVALID', node, `direction: got "${name}", expected forward, reverse or bidirectional.`);
  const gates = gateCount[node.op as CellName];
  const v = node.domain === 'kerf' ? requireInput(node, inputs, innerInput).shape : r;
  const H = integerOf(node, 'hidden_size', typeof v[2] === 'number' ? v[2] : 0);
  const rank = node.domain === 'kerf' && typeof v[1] === 'number' ? v[1] : 0;
  const isBatchFirst = integerOf(node, 'layout', 0) === 1;
  const I = x[2];
  const D = directions.length;
  const fits =
    x.length === 3 &&
    typeof I === 'number' &&
    equalDims(w, [D, gates * H, I]) &&
    equalDims(r, [D, gates * H, rank || H]) &&
    (v === r || equalDims(v, [D, rank, H]));
  if (!fits) {
    const got = [x, w, r].map(formatShape).join(', ');
    throw nodeError(
      mismatchCode(...x.slice(2), ...w, ...r),
      node,
      `shapes: got ${got}, expected x [T, B, I], W [${D}, ${gates * H}, I], R [${D}, ${gates * H}, ${H}].`,
    );
  }
  const [T, B] = isBatchFirst ? [x[1], x[0]] : x;
  const state: readonly Extent[] = isBatchFirst ? [B, D, H] : [D, B, H];
  const optional: readonly (readonly [number, readonly Extent[]])[] = [
    [3, [D, 2 * gates * H]],
    [4, [B]],
    [5, state],
    [6, state],
    [7, [D, 3 * H]],
  ];
  for (const [index, expected] of optional) {
    const given = inputs[index]?.shape;
    if (!given || equalDims(given, expected)) continue;
    const problem = `input ${index}: got ${formatShape(given)}, expected ${formatShape(expected)}.`;
    throw nodeError(mismatchCode(...given, ...expected), node, problem);
  }
  return { T, B, I, H, rank, directions, isBatchFirst };
}

function equalDims(a: readonly Extent[], b: readonly Extent[]): boolean {
  return a.length === b.length && a.every((dim, axis) => equals(dim, b[axis]));
}

function infer(node: Node, inputs: readonly (Fact | undefined)[]): readonly Fact[] {
  const { dtype } = requireInput(node, inputs, 0);
  const { T, B, H, directions, isBatchFirst } = recurrentSizes(node, inputs);
  const D = directions.length;
  const all = isBatchFirst ? [B, T, D, H] : [T, D, B, H];
  const last = isBatchFirst ? [B, D, H] : [D, B, H];
  const shapes = node.op === 'LSTM' ? [all, last, last] : [all, last];
  return shapes.map((shape) => ({ dtype, shape }));
}

/** One direction's numbers; `gate(g, j)` starts row j of gate g. */
interface Weights {
  readonly H: number;
  readonly I: number;
  w(row: number, i: number): number;
  r(row: number, j: number): number;
  /** Biases of W and of R. */
  bw(row: number): number;
  br(row: number): number;
  peephole(gate: number, j: number): number;
  readonly functions: readonly ((x: number) => number)[];
  readonly clip: number;
}

function weightsOf(node: Node, inputs: readonly (Tensor | undefined)[], sizes: RecurrentSizes, d: number): Weights {
  const { H, I } = sizes;
  const rows = gateCount[node.op as CellName] * H;
  const [ws, rs] = [toNumbers(requireInput(node, inputs, 1)), toNumbers(requireInput(node, inputs, 2))];
  const [bs, ps] = [inputs[3] && toNumbers(inputs[3]), inputs[7] && toNumbers(inputs[7])];
  const names = functionNames[node.op as CellName];
  return {
    H,
    I,
    w: (row, i) => ws[(d * rows + row) * I + i],
    r: (row, j) => rs[(d * rows + row) * H + j],
    bw: (row) => (bs ? bs[d * 2 * rows + row] : 0),
    br: (row) => (bs ? bs[d * 2 * rows + rows + row] : 0),
    peephole: (gate, j) => (ps ? ps[(d * 3 + gate) * H + j] : 0),
    functions: names.map((name, index) => recurrentFunction(node, d * names.length + index, name)),
    clip: realOf(node, 'clip', Number.POSITIVE_INFINITY),
  };
}

interface State {
  h: Float64Array;
  c: Float64Array;
}

/** One step of one sequence; x gives its inputs. */
type Step = (node: Node, weights: Weights, x: (i: number) => number, state: State) => State;

/** W x + R h and both biases for one row, kept apart. */
function partsOf(
  weights: Weights,
  x: (i: number) => number,
  h: ArrayLike<number>,
  row: number,
): readonly [number, number] {
  let own = weights.bw(row);
  let back = weights.br(row);
  for (let i = 0; i < weights.I; i++) own += weights.w(row, i) * x(i);
  for (let j = 0; j < weights.H; j++) back += weights.r(row, j) * h[j];
  return [own, back];
}

const clipped = ({ clip }: Weights, value: number) => Math.min(Math.max(value, -clip), clip);

const lstmStep: Step = (node, weights, x, { h, c }) => {
  const { H, functions } = weights;
  const [f, g, k] = functions;
  const sum = (gate: number, j: number) => partsOf(weights, x, h, gate * H + j).reduce((a, b) => a + b);
  const isCoupled = integerOf(node, 'input_forget', 0) !== 0;
  const [nextH, nextC] = [new Float64Array(H), new Float64Array(H)];
  for (let j = 0; j < H; j++) {
    const input = f(clipped(weights, sum(0, j) + weights.peephole(0, j) * c[j]));
    const forget = isCoupled ? 1 - input : f(clipped(weights, sum(2, j) + weights.peephole(2, j) * c[j]));
    nextC[j] = forget * c[j] + input * g(clipped(weights, sum(3, j)));
    const output = f(clipped(weights, sum(1, j) + weights.peephole(1, j) * nextC[j]));
    nextH[j] = output * k(nextC[j]);
  }
  return { h: nextH, c: nextC };
};

const gruStep: Step = (node, weights, x, { h, c }) => {
  const { H, functions } = weights;
  const [f, g] = functions;
  const gate = (which: number) =>
    Float64Array.from(h, (_, j) => {
      const [own, back] = partsOf(weights, x, h, which * H + j);
      return f(clipped(weights, own + back));
    });
  const [update, reset] = [gate(0), gate(1)];
  const isLinear = integerOf(node, 'linear_before_reset', 0) !== 0;
  const scaled = h.map((value, j) => reset[j] * value);
  const next = h.map((value, j) => {
    const [own, back] = partsOf(weights, x, isLinear ? h : scaled, 2 * H + j);
    const hidden = g(clipped(weights, own + (isLinear ? reset[j] * back : back)));
    return (1 - update[j]) * hidden + update[j] * value;
  });
  return { h: next, c };
};

const rnnStep: Step = (_, weights, x, { h, c }) => {
  const next = h.map((_value, j) => {
    const [own, back] = partsOf(weights, x, h, j);
    return weights.functions[0](clipped(weights, own + back));
  });
  return { h: next, c };
};

const steps: Readonly<Record<CellName, Step>> = { LSTM: lstmStep, GRU: gruStep, RNN: rnnStep };

function evaluate(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const x = requireInput(node, inputs, 0);
  const facts = inputs.map((tensor) => tensor && { dtype: tensor.type, shape: tensor.dims });
  const sizes = recurrentSizes(node, facts);
  const [T, B] = [sizes.T, sizes.B] as readonly number[];
  const { I, H, directions, isBatchFirst } = sizes;
  const D = directions.length;
  const [xs, lengths] = [toNumbers(x), inputs[4] && toNumbers(inputs[4])];
  const [h0, c0] = [inputs[5] && toNumbers(inputs[5]), inputs[6] && toNumbers(inputs[6])];
  const stateAt = (d: number, b: number) => (isBatchFirst ? b * D + d : d * B + b) * H;
  const placeAt = (t: number, d: number, b: number) => (isBatchFirst ? (b * T + t) * D + d : (t * D + d) * B + b) * H;
  const all = new Float64Array(T * D * B * H);
  const [lastH, lastC] = [new Float64Array(D * B * H), new Float64Array(D * B * H)];
  directions.forEach((isReverse, d) => {
    const weights = weightsOf(node, inputs, sizes, d);
    for (let b = 0; b < B; b++) {
      const start = stateAt(d, b);
      const initial = (values: ArrayLike<number> | undefined) =>
        Float64Array.from({ length: H }, (_, j) => (values ? values[start + j] : 0));
      let state: State = { h: initial(h0), c: initial(c0) };
      const length = Math.min(T, lengths ? lengths[b] : T);
      for (let s = 0; s < length; s++) {
        const t = isReverse ? length - 1 - s : s;
        const from = (isBatchFirst ? b * T + t : t * B + b) * I;
        state = steps[node.op as CellName](node, weights, (i) => xs[from + i], state);
        all.set(state.h, placeAt(t, d, b));
      }
      lastH.set(state.h, start);
      lastC.set(state.c, start);
    }
  });
  const shapes = infer(node, facts).map(({ shape }) => shape as readonly number[]);
  return shapes.map((dims, index) => fillNumbers(x.type, dims, (i) => [all, lastH, lastC][index][i]));
}

/** R = U V, [D, gates H, H]. */
function wholeState(u: Tensor, v: Tensor): Tensor {
  const [D, rows, rank] = u.dims;
  const H = v.dims[2];
  const [us, vs] = [toNumbers(u), toNumbers(v)];
  return fillNumbers(u.type, [D, rows, H], (e) => {
    const [d, row, j] = [Math.floor(e / (rows * H)), Math.floor(e / H), e % H];
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += us[row * rank + k] * vs[(d * rank + k) * H + j];
    return sum;
  });
}

function evaluateFactored(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const R = wholeState(requireInput(node, inputs, 2), requireInput(node, inputs, innerInput));
  const whole = [...inputs.slice(0, 2), R, ...inputs.slice(3, innerInput)];
  return evaluate({ ...node, domain: '', inputs: node.inputs.slice(0, innerInput) }, whole);
}

function macs(node: Node, inputs: readonly (Fact | undefined)[]): Extent {
  const { T, B, I, H, rank, directions } = recurrentSizes(node, inputs);
  const rows = gateCount[node.op as CellName] * H;
  return multiply(multiply(T, B), directions.length * (rows * (I + (rank || H)) + rank * H));
}

function defineCell(name: CellName, lower?: Operator['lower']): readonly Operator[] {
  const definition = { name, infer, evaluate, macs, ...(lower ? { lower } : {}) };
  return [
    ...define([[1, lastOpset, floatDTypes]], definition),
    ...(lower
      ? define([[1, lastOpset, floatDTypes]], { ...definition, domain: 'kerf', evaluate: evaluateFactored })
      : []),
  ];
}

export const recurrentOperators: readonly Operator[] = [
  ...defineCell('LSTM', lowerLstm),
  ...defineCell('GRU', lowerGru),
  ...defineCell('RNN'),
];
