/**
 * The one representative of all rescalings of a network's hidden units: the most probable one under the laws.
 *
 * In units of each law's sigma a unit has squares S_in on the way in, of n_in weights, and S_out on the way out, of
 * n_out. Factors c = e^t multiply them by c^2 and 1 / c^2, and the density of normal weights is largest where
 *
 *     c^2 S_in - n_in = S_out / c^2 - n_out
 *
 * for all units at once: the excess over the law is the same on both sides. The problem is convex in t, so there is one
 * solution, and it does not depend on how the file scaled its units.
 */
import type { TensorData } from '../runtime/tensor.js';
import type { Block } from '../runtime/workspace.js';
import { analysisKernels } from './analysis.js';
import type { Joint, Part } from './joints.js';

/** What the solution says of the units of one joint. */
export interface Balanced {
  readonly joint: Joint;
  /** ln c of every unit. */
  readonly logs: TensorData<'float64'>;
  /** Sums of squares in and out in sigma units, neighbours balanced, the unit itself as in the file. */
  readonly incoming: TensorData<'float64'>;
  readonly outgoing: TensorData<'float64'>;
}

/** Largest change of ln c in the last sweep. */
const settled = 1e-7;
const mostSweeps = 200;

/** x = c^2 with x S_in - n_in = S_out / x - n_out; where a side is zero, the other side gets its law's size. */
export function balancePoint(incoming: number, outgoing: number, nIn: number, nOut: number): number {
  if (incoming === 0) return outgoing === 0 ? 1 : outgoing / nOut;
  if (outgoing === 0) return nIn / incoming;
  const half = 0.5 * (nIn - nOut);
  const root = Math.sqrt(half * half + incoming * outgoing);
  return half >= 0 ? (half + root) / incoming : outgoing / (root - half);
}

/** A vector of e^(power t) for the units of a joint; address 0, all ones, where there is none. */
function factorsOf(all: readonly Balanced[], joint: number, power: number): Block<'float64'> | null {
  if (joint < 0) return null;
  return analysisKernels().workspace.copyIn(
    'float64',
    all[joint].logs.map((t) => Math.exp(power * t)) as TensorData<'float64'>,
  );
}

type AlongKernel = (M: number, N: number, wPtr: number, scalePtr: number, outPtr: number) => void;

/** A kernel's result over rows or columns of a part, with e^(power t) of the units on the other side as weights. */
function along(
  part: Part,
  kernel: AlongKernel,
  count: number,
  all: readonly Balanced[],
  joint: number,
  power: number,
): TensorData<'float64'> {
  const { workspace } = analysisKernels();
  const { rows, columns, values } = part.input;
  return workspace.scope(() => {
    const weights = workspace.copyIn('float32', values);
    const factors = factorsOf(all, joint, power);
    const out = workspace.allocate('float64', count);
    kernel(rows, columns, weights.ptr, factors?.ptr ?? 0, out.ptr);
    return workspace.copyOut(out);
  });
}

/** Squares of each unit in sigma units: over rows of a weight, over columns of a bias or of an outgoing weight. */
function incomingSquares({ incoming, bias, units }: Joint, all: readonly Balanced[]): TensorData<'float64'> {
  const { kernels } = analysisKernels();
  const sums = along(incoming, kernels.f32_row_squares, units, all, incoming.source, -2);
  const scale = 1 / incoming.law.std ** 2;
  const offsets = bias?.input.values;
  return sums.map((sum, i) => sum * scale + (offsets ? (offsets[i] / bias!.law.std) ** 2 : 0)) as TensorData<'float64'>;
}

function outgoingSquares({ outgoing, units }: Joint, all: readonly Balanced[]): TensorData<'float64'>[] {
  const { kernels } = analysisKernels();
  return outgoing.map((part) => {
    const sums = along(part, kernels.f32_column_squares, units, all, part.own, 2);
    return sums.map((sum) => sum / part.law.std ** 2) as TensorData<'float64'>;
  });
}

/** Sums of squares of whole tensors in sigma units, by part. */
type Totals = Map<Part, number>;

/** Balances the units of one joint with its neighbours held; returns the largest change. */
function settleUnits(all: Balanced[], index: number, totals: Totals): number {
  const { joint, logs } = all[index];
  const incoming = incomingSquares(joint, all);
  const parts = outgoingSquares(joint, all);
  const outgoing = incoming.map((_, i) => parts.reduce((sum, squares) => sum + squares[i], 0)) as TensorData<'float64'>;
  let change = 0;
  let inside = 0;
  const outside = parts.map(() => 0);
  for (let i = 0; i < joint.units; i++) {
    const x = balancePoint(incoming[i], outgoing[i], joint.incomingCount, joint.outgoingCount);
    const t = 0.5 * Math.log(x);
    change = Math.max(change, Math.abs(t - logs[i]));
    logs[i] = t;
    inside += incoming[i] * x;
    parts.forEach((squares, p) => {
      outside[p] += squares[i] / x;
    });
  }
  totals.set(joint.incoming, inside);
  joint.outgoing.forEach((part, p) => {
    totals.set(part, outside[p]);
  });
  all[index] = { joint, logs, incoming, outgoing };
  return change;
}

/**
 * Factors common to all units of a joint that balance whole tensors: ln c by joint. Units settle in few sweeps, but what
 * is common to a layer creeps from layer to layer; its problem has one number a tensor and is solved to the end.
 * @param totals  squares of each tensor in sigma units
 */
export function commonLogs(joints: readonly Joint[], totals: ReadonlyMap<Part, number>): Float64Array {
  const logs = new Float64Array(joints.length);
  for (let turn = 0, change = 1; turn < 100_000 && change > 1e-12; turn++) {
    change = 0;
    for (const [j, { incoming, outgoing, units, incomingCount, outgoingCount }] of joints.entries()) {
      const at = (index: number) => (index < 0 ? 0 : logs[index]);
      const inside = totals.get(incoming)! * Math.exp(-2 * at(incoming.source));
      const outside = outgoing.reduce((sum, part) => sum + totals.get(part)! * Math.exp(2 * at(part.own)), 0);
      const t = 0.5 * Math.log(balancePoint(inside, outside, units * incomingCount, units * outgoingCount));
      change = Math.max(change, Math.abs(t - logs[j]));
      logs[j] = t;
    }
  }
  return logs;
}

/**
 * Balances all joints.
 * @param joints  from {@link jointsOf}
 * @complexity O(weights) a sweep; about five sweeps
 */
export function balance(joints: readonly Joint[]): Balanced[] {
  const all: Balanced[] = joints.map((joint) => {
    const zeros = () => new Float64Array(joint.units);
    return { joint, logs: zeros(), incoming: zeros(), outgoing: zeros() };
  });
  const totals: Totals = new Map();
  for (let sweep = 0, change = 1; sweep < mostSweeps && change > settled; sweep++) {
    change = 0;
    for (const index of all.keys()) change = Math.max(change, settleUnits(all, index, totals));
    const common = commonLogs(joints, totals);
    for (const [index, { logs }] of all.entries()) {
      for (let i = 0; i < logs.length; i++) logs[i] += common[index];
      change = Math.max(change, Math.abs(common[index]));
    }
  }
  return all;
}
