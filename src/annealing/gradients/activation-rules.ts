/** Reverse rules of activations that are made of others, each as its slope. */
import type { Node } from '../../graph/graph.js';
import { realOf, textOf } from '../../graph/operators/attributes.js';
import { geluCubic, geluScale } from '../../graph/operators/scalar-functions.js';
import type { Tape } from './tape.js';

/** dy / dx from x and y. */
export type Slope = (tape: Tape, x: string, y: string, node: Node) => string;

const times = (tape: Tape, a: string, b: string | number) =>
  tape.emit('Mul', [a, typeof b === 'number' ? tape.scalar(b) : b]);

const plus = (tape: Tape, a: string, b: string | number) =>
  tape.emit('Add', [a, typeof b === 'number' ? tape.scalar(b) : b]);

/** 1 - v. */
const oneMinus = (tape: Tape, v: string) => tape.emit('Sub', [tape.scalar(1), v]);

/** The slope of x s(x), where s has the slope `slope`. */
const gated = (tape: Tape, x: string, s: string, slope: string) => plus(tape, s, times(tape, x, slope));

/** s (1 - s) factor: the slope of s = sigmoid(u) where u has the slope `factor`. */
const sigmoidSlope = (tape: Tape, s: string, factor: string | number) =>
  times(tape, times(tape, s, oneMinus(tape, s)), factor);

/** alpha where y = alpha x + beta was not cut off at 0 or 1, else 0. */
const hardSigmoidSlope = (tape: Tape, x: string, y: string, alpha: number, beta: number) =>
  times(tape, tape.sameness(plus(tape, times(tape, x, alpha), beta), y), alpha);

const hardSwish: Slope = (tape, x) => {
  const s = tape.emit('HardSigmoid', [x], { alpha: 1 / 6, beta: 0.5 });
  return gated(tape, x, s, hardSigmoidSlope(tape, x, s, 1 / 6, 0.5));
};

/** Phi(x) + x phi(x); by tanh, x sigmoid(2 u) with u = c (x + d x^3). */
const gelu: Slope = (tape, x, _, node) => {
  const square = times(tape, x, x);
  if (textOf(node, 'approximate', 'none') === 'tanh') {
    const u = times(tape, times(tape, x, plus(tape, times(tape, square, geluCubic), 1)), 2 * geluScale);
    const s = tape.emit('Sigmoid', [u]);
    const factor = times(tape, plus(tape, times(tape, square, 3 * geluCubic), 1), 2 * geluScale);
    return gated(tape, x, s, sigmoidSlope(tape, s, factor));
  }
  const share = times(tape, plus(tape, tape.emit('Erf', [times(tape, x, Math.SQRT1_2)]), 1), 0.5);
  const density = times(tape, tape.emit('Exp', [times(tape, square, -0.5)]), 1 / Math.sqrt(2 * Math.PI));
  return gated(tape, x, share, density);
};

const mish: Slope = (tape, x) => {
  const t = tape.emit('Tanh', [tape.emit('Softplus', [x])]);
  return gated(tape, x, t, times(tape, oneMinus(tape, times(tape, t, t)), tape.emit('Sigmoid', [x])));
};

const swish: Slope = (tape, x, _, node) => {
  const alpha = realOf(node, 'alpha', 1);
  const s = tape.emit('Sigmoid', [times(tape, x, alpha)]);
  return gated(tape, x, s, sigmoidSlope(tape, s, alpha));
};

/** (1 - |y|)^2. */
const softsign: Slope = (tape, _, y) => {
  const rest = oneMinus(tape, tape.emit('Abs', [y]));
  return times(tape, rest, rest);
};

export const slopes: readonly (readonly [string, Slope])[] = [
  [
    'HardSigmoid',
    (tape, x, y, node) => hardSigmoidSlope(tape, x, y, realOf(node, 'alpha', 0.2), realOf(node, 'beta', 0.5)),
  ],
  ['HardSwish', hardSwish],
  ['Gelu', gelu],
  ['Mish', mish],
  ['Swish', swish],
  ['Softsign', softsign],
];
