/** Tests of hidden units that rescaling cannot change: products and ratios of their two mean squares. */
import type { TensorData } from '../runtime/tensor.js';
import { analysisKernels } from './analysis.js';
import type { Balanced } from './balance.js';
import { componentOf, type Joint, type Part } from './joints.js';
import { squareMoments } from './laws.js';
import { momentsOf } from './moments.js';

/** Weights of one unit in a part. */
function countOf({ incoming, bias }: Joint, part: Part): number {
  if (part === bias) return 1;
  return part === incoming ? part.input.columns : part.input.rows;
}

function sumMoments(joint: Joint, parts: readonly (Part | null)[]) {
  let [count, variance, third] = [0, 0, 0];
  for (const part of parts) {
    if (!part) continue;
    const n = countOf(joint, part);
    const [second, skewed] = squareMoments[part.law.family]!;
    count += n;
    variance += n * second;
    third += n * skewed;
  }
  return { count, variance, third };
}

function sidesOf(joint: Joint) {
  return [sumMoments(joint, [joint.incoming, joint.bias]), sumMoments(joint, joint.outgoing)] as const;
}

/** ln (S_in / n_in) + sign ln (S_out / n_out) of every unit. */
function statisticsOf({ joint, incoming, outgoing }: Balanced, sign: number): TensorData<'float64'> {
  const { incomingCount, outgoingCount } = joint;
  return incoming.map((sum, i) => {
    return Math.log(sum / incomingCount) + sign * Math.log(outgoing[i] / outgoingCount);
  }) as TensorData<'float64'>;
}

/** ln P(statistic > x) under the laws, by the saddle point. */
function logTail(joint: Joint, statistics: TensorData<'float64'>, sign: number): TensorData<'float64'> {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const values = workspace.copyIn('float64', statistics);
    const fits = workspace.allocate('float64', 4);
    for (const [side, { count, variance, third }] of sidesOf(joint).entries()) {
      kernels.f64_fit_power_gamma(count, variance, third, fits.ptr + 16 * side);
    }
    kernels.f64_log_product_log_p(joint.units, values.ptr, fits.ptr, sign, values.ptr);
    return workspace.copyOut(values);
  });
}

/**
 * Log p-values of units. Null hypothesis: the weights of both sides are independent draws of their laws, up to a factor
 * of the unit. Statistic: the product of the mean squares in and out; alternative: larger. Saddle point; neighbours are
 * balanced, which makes it slightly conservative in layers narrower than about 32.
 */
export function productLogP(balanced: Balanced): TensorData<'float64'> {
  return logTail(balanced.joint, statisticsOf(balanced, 1), 1);
}

/**
 * ln of the product of the mean squares by unit, its mean and standard deviation over the units, and that deviation
 * under the null (first order). Dead units are left out of the two.
 */
export function productSpread(balanced: Balanced) {
  const [first, second] = sidesOf(balanced.joint);
  const nullSpread = Math.sqrt(first.variance / first.count ** 2 + second.variance / second.count ** 2);
  const logs = statisticsOf(balanced, 1);
  const known = Array.from(logs).filter(Number.isFinite);
  const mean = known.reduce((sum, x) => sum + x, 0) / Math.max(1, known.length);
  const variance = known.reduce((sum, x) => sum + (x - mean) ** 2, 0) / Math.max(1, known.length - 1);
  return { logs, mean, spread: Math.sqrt(variance), nullSpread };
}

/** Chance of calling a component of fresh layers rescaled, by its units and by its layers each. */
const rescaledLevel = 1e-6;

/** Two-sided log p-values from those of the upper tail; exact down to the level that is asked for. */
function twoSided(upper: number): number {
  return Math.min(0, Math.LN2 + Math.min(upper, Math.log(Math.max(-Math.expm1(upper), 1e-300))));
}

/** Least log p of the units of a joint: their mean squares in and out differ by more than their laws allow. */
function leastUnitLogP(balanced: Balanced): number {
  // A dead side says nothing of scale.
  const ratios = statisticsOf(balanced, -1).map((x) => (Number.isFinite(x) ? x : 0)) as TensorData<'float64'>;
  return logTail(balanced.joint, ratios, -1).reduce((least, upper) => Math.min(least, twoSided(upper)), 0);
}

/** Log p of a whole layer: its mean square in the file against that of the layers that follow; normal approximation. */
function layerLogP({ incoming, outgoing }: Joint): number {
  const { kernels } = analysisKernels();
  let [squares, count, variance] = [0, 0, 0];
  const add = ({ input, law }: Part) => {
    const { count: n, mean, std } = momentsOf(input);
    squares += (n * (mean ** 2 + std ** 2)) / law.std ** 2;
    count += n;
    variance += n * squareMoments[law.family]![0];
  };
  const side = (parts: readonly Part[]) => {
    [squares, count, variance] = [0, 0, 0];
    parts.forEach(add);
    return { log: Math.log(squares / count), variance: variance / count ** 2 };
  };
  const [first, second] = [side([incoming]), side(outgoing)];
  const z = Math.abs(first.log - second.log) / Math.sqrt(first.variance + second.variance);
  return Math.min(0, Math.LN2 + kernels.f64_normal_log_tail(z));
}

/**
 * Components in which some unit or layer stands rescaled in the file: mean squares in and out differ by more than the
 * laws allow, Bonferroni over the units and over the layers of the component. Elsewhere the file's own scales are as good
 * as any.
 */
export function rescaledComponents(all: readonly Balanced[]): ReadonlySet<number> {
  const joints = all.map(({ joint }) => joint);
  const members = new Map<number, Balanced[]>();
  for (const balanced of all) {
    const component = componentOf(joints, balanced.joint);
    members.set(component, [...(members.get(component) ?? []), balanced]);
  }
  const level = Math.log(rescaledLevel);
  const isRescaled = (component: readonly Balanced[]) => {
    const units = component.reduce((sum, { joint }) => sum + joint.units, 0);
    return component.some(
      (balanced) =>
        leastUnitLogP(balanced) + Math.log(units) < level ||
        layerLogP(balanced.joint) + Math.log(component.length) < level,
    );
  };
  return new Set([...members].filter(([, component]) => isRescaled(component)).map(([index]) => index));
}
