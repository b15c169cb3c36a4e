/** Functions of one operand, element by element. Output may be the very input, else disjoint. */
import type { StepKind } from '../step-kind.js';
import { spanRegion } from './box.js';
import { integerWord, pointerWord, realOf, realWord, sizeOf, wordOf } from './params.js';

const float32 = ['float32'] as const;

/**
 * The functions of `unary`, in the order of assembly/operators/unary-vector.ts, with the defaults of alpha and beta:
 * leaky-relu alpha x below 0; clip to [alpha, beta]; elu alpha (e^x - 1) below 0;
 * hard-sigmoid clip(alpha x + beta, 0, 1); hard-swish x times that; silu x sigmoid(alpha x + beta x^3).
 */
const unaryDefaults = {
  identity: [0, 0],
  relu: [0, 0],
  'leaky-relu': [0.01, 0],
  clip: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  neg: [0, 0],
  abs: [0, 0],
  sqrt: [0, 0],
  reciprocal: [0, 0],
  floor: [0, 0],
  ceil: [0, 0],
  round: [0, 0],
  sign: [0, 0],
  exp: [0, 0],
  log: [0, 0],
  sigmoid: [0, 0],
  tanh: [0, 0],
  erf: [0, 0],
  'hard-sigmoid': [0.2, 0.5],
  'hard-swish': [0.2, 0.5],
  elu: [1, 0],
  softplus: [0, 0],
  silu: [1, 0],
  gelu: [0, 0],
} as const;

export const unaryWords = Object.keys(unaryDefaults) as (keyof typeof unaryDefaults)[];

/** y[i] = f(x[i]) for i < count. */
export const unary: StepKind = {
  opcode: 3,
  reads: [{ name: 'x', dtypes: float32 }],
  writes: [{ name: 'y', dtypes: float32 }],
  params: {
    f: { type: 'word', words: unaryWords },
    count: { type: 'size' },
    alpha: { type: 'real', optional: true },
    beta: { type: 'real', optional: true },
  },
  work: (params) => sizeOf(params, 'count'),
  regions(params) {
    const count = sizeOf(params, 'count');
    return [spanRegion(0, count), spanRegion(1, count)];
  },
  encode(params, [x, y]) {
    const f = wordOf(params, 'f', unaryWords);
    const [alpha, beta] = unaryDefaults[unaryWords[f]];
    return [
      ...[x, y].map(pointerWord),
      f,
      integerWord(sizeOf(params, 'count')),
      realWord(realOf(params, 'alpha', alpha)),
      realWord(realOf(params, 'beta', beta)),
    ];
  },
};
