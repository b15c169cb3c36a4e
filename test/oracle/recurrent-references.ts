/**
 * References of the recurrent steps in f64. Each value carries a bound on how far a kernel may be from it: what its own
 * roundings add, and what it takes over from the values before it, by the rules of first-order error analysis with the
 * products of two errors kept.
 */
import { panelLength } from '../../src/runtime/panels.js';
import type { BoundParams } from '../../src/runtime/step-kind.js';
import { type Expectation, gamma, type Read, type Reference, within } from './expectation.js';
import { panelIndex } from './linear-references.js';
import { sigmoid } from './special-functions.js';

/** Unit roundoff of float32, and its smallest denormal. */
const u = 2 ** -24;
const tiny = 2 ** -149;

/** A value, and a bound on the error of what the kernel has in its place. */
interface Near {
  readonly value: number;
  readonly error: number;
}

const exact = (value: number): Near => ({ value, error: 0 });

function plus(a: Near, b: Near): Near {
  const value = a.value + b.value;
  const error = a.error + b.error;
  return { value, error: error + u * (Math.abs(value) + error) };
}

function times(a: Near, b: Near): Near {
  const value = a.value * b.value;
  const error = Math.abs(a.value) * b.error + Math.abs(b.value) * a.error + a.error * b.error;
  return { value, error: error + u * (Math.abs(value) + error) + tiny };
}

/** sigmoid is within 4 ulp of its argument's, and its slope is at most 1/4; tanh 2 ulp, slope at most 1. */
const gate = ({ value, error }: Near): Near => ({
  value: sigmoid(value),
  error: 0.25 * error + 8 * u * sigmoid(value) + tiny,
});
const squash = ({ value, error }: Near): Near => ({
  value: Math.tanh(value),
  error: error + 4 * u * Math.abs(Math.tanh(value)) + tiny,
});

/** bias + sum of row `n` of the panels in `slot` times the state. */
function product(read: Read, slot: number, N: number, n: number, state: readonly Near[]): Near {
  const weight = (row: number) => read(slot, panelIndex(N, state.length, n, row)) as number;
  let [value, magnitude, error] = [weight(0), Math.abs(weight(0)), 0];
  state.forEach((h, k) => {
    value += h.value * weight(1 + k);
    magnitude += (Math.abs(h.value) + h.error) * Math.abs(weight(1 + k));
    error += h.error * Math.abs(weight(1 + k));
  });
  return { value, error: error + gamma(state.length + 1) * magnitude + (state.length + 1) * tiny };
}

interface Sizes {
  readonly T: number;
  readonly B: number;
  readonly H: number;
  readonly strideT: number;
  /** Inner rank; absent where the state's matrices are whole. */
  readonly rank?: number;
}

/** V h, or h itself where there is no inner rank. */
function innerOf(read: Read, slot: number, { H, rank = 0 }: Sizes, h: readonly Near[]): readonly Near[] {
  if (rank === 0) return h;
  readPanels(read, slot, rank, H);
  return Array.from({ length: rank }, (_, k) => product(read, slot, rank, k, h));
}

/** Kernels load whole panels: the pad columns are read too, and change nothing. */
function readPanels(read: Read, slot: number, N: number, H: number): void {
  for (let i = 0; i < panelLength(N, H); i++) read(slot, i);
}

/** The times in the order of the direction. */
function timesOf(params: BoundParams): number[] {
  const order = Array.from({ length: params.T as number }, (_, t) => t);
  return params.direction === 'reverse' ? order.reverse() : order;
}

function expectation(index: number, { value, error }: Near, result = 0): Expectation {
  return { ...within(index, value, error), result };
}

const lstm: Reference = (params, read, isPresent) => {
  const sizes = params as unknown as Sizes;
  const { T, B, H, strideT, rank = 0 } = sizes;
  if (T * B * H === 0) return [];
  readPanels(read, 1, 4 * H, rank || H);
  const expected: Expectation[] = [];
  const at = (slot: number, index: number) => exact(read(slot, index) as number);
  for (let b = 0; b < B; b++) {
    let h = Array.from({ length: H }, (_, j) => at(2, b * H + j));
    let c = h.map((_, j) => at(3, b * H + j));
    for (const t of timesOf(params)) {
      const z = (g: number, j: number) => at(0, ((t * B + b) * 4 + g) * H + j);
      const inner = innerOf(read, 5, sizes, h);
      const sum = (g: number, j: number) => plus(z(g, j), product(read, 1, 4 * H, g * H + j, inner));
      const peep = (g: number, j: number, base: Near, state: Near) =>
        isPresent(4) ? plus(base, times(at(4, g * H + j), state)) : base;
      const next = c.map((old, j) => {
        const forgotten = times(gate(peep(2, j, sum(2, j), old)), old);
        return plus(forgotten, times(gate(peep(0, j, sum(0, j), old)), squash(sum(3, j))));
      });
      h = next.map((cell, j) => times(gate(peep(1, j, sum(1, j), cell)), squash(cell)));
      c = next;
      expected.push(...h.map((value, j) => expectation(t * strideT + b * H + j, value)));
    }
    expected.push(...c.map((value, j) => expectation(b * H + j, value, 1)));
  }
  return expected;
};

const gru: Reference = (params, read) => {
  const sizes = params as unknown as Sizes;
  const { T, B, H, strideT, rank = 0 } = sizes;
  if (T * B * H === 0) return [];
  readPanels(read, 1, 2 * H, rank || H);
  readPanels(read, 2, H, rank || H);
  const expected: Expectation[] = [];
  const at = (slot: number, index: number) => exact(read(slot, index) as number);
  for (let b = 0; b < B; b++) {
    let h = Array.from({ length: H }, (_, j) => at(3, b * H + j));
    for (const t of timesOf(params)) {
      const z = (g: number, j: number) => at(0, ((t * B + b) * 3 + g) * H + j);
      const inner = innerOf(read, 4, sizes, h);
      const sums = (g: number) => h.map((_, j) => gate(plus(z(g, j), product(read, 1, 2 * H, g * H + j, inner))));
      const [update, reset] = [sums(0), sums(1)];
      const scaled = h.map((value, j) => times(reset[j], value));
      h = h.map((old, j) => {
        const back =
          params.reset === 'after' ? times(reset[j], product(read, 2, H, j, inner)) : product(read, 2, H, j, scaled);
        const fresh = squash(plus(z(2, j), back));
        const rest = plus(exact(1), { ...update[j], value: -update[j].value });
        return plus(times(rest, fresh), times(update[j], old));
      });
      expected.push(...h.map((value, j) => expectation(t * strideT + b * H + j, value)));
    }
  }
  return expected;
};

export const recurrentReferences: readonly (readonly [string, Reference])[] = [
  ['lstm', lstm],
  ['gru', gru],
];
