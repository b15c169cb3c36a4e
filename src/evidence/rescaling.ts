/** Hidden units that the file holds rescaled: undone before tensors are tested, so that verdicts do not depend on it. */
import type { Layer } from '../graph/layers.js';
import type { TensorData } from '../runtime/tensor.js';
import type { Block } from '../runtime/workspace.js';
import { analysisKernels } from './analysis.js';
import type { Null } from './analyze-tensor.js';
import { type Balanced, balance } from './balance.js';
import { componentOf, type Joint, jointsOf, type Part } from './joints.js';
import type { Law } from './laws.js';
import { familyShapes, hasUnitScales } from './row-scales.js';
import type { TensorInput } from './tensor-input.js';
import { productLogP, productSpread, rescaledComponents } from './unit-null.js';

/** What tensors are tested as, and what their units are tested by. */
export interface Rescaling {
  readonly inputs: readonly TensorInput[];
  readonly nulls: readonly Null[];
  /** Names of the tensors that stand in `inputs` other than in the file. */
  readonly balanced: ReadonlySet<string>;
  /** Log p-values of the units of each layer whose units may be rescaled. */
  readonly unitLogP: ReadonlyMap<string, TensorData<'float64'>>;
}

/**
 * A tensor with rows times e^t of its own units and columns over e^t of the units that feed it; made at each look.
 * @param finish  what else is done to the block of weights
 */
export function rescaledInput(
  input: TensorInput,
  rowLogs: TensorData<'float64'> | null,
  columnLogs: TensorData<'float64'> | null,
  finish: (weights: Block<'float32'>) => void = () => {},
): TensorInput {
  const { name, layer, kind, rows, columns, fans, step } = input;
  const sign = kind === 'bias' ? 1 : -1;
  return {
    ...{ name, layer, kind, rows, columns, fans, step },
    get values() {
      const { kernels, workspace } = analysisKernels();
      return workspace.scope(() => {
        const weights = workspace.copyIn('float32', input.values);
        const [left, right] = [rowLogs?.map(Math.exp), columnLogs?.map((t) => Math.exp(sign * t))].map((factors) =>
          factors ? workspace.copyIn('float64', factors as TensorData<'float64'>).ptr : 0,
        );
        kernels.f32_scale_rows_columns(rows, columns, weights.ptr, left, right, weights.ptr, columns);
        finish(weights);
        return workspace.copyOut(weights);
      });
    },
  };
}

/** A part as its joints leave it. A bias is one row, whose columns are the units themselves. */
export function balancedInput(
  { input, own, source }: Part,
  all: readonly Balanced[],
  finish?: (weights: Block<'float32'>) => void,
): TensorInput {
  const logs = (joint: number) => (joint < 0 ? null : all[joint].logs);
  return input.kind === 'bias'
    ? rescaledInput(input, null, logs(own), finish)
    : rescaledInput(input, logs(own), logs(source), finish);
}

/** Standard deviations that a balanced factor may be off by. */
const farthest = 4;

/** How far the factors of a part are known: under the null ln c has variance v / (4 (n_in + n_out)), v about 1. */
function reachOf({ own, source }: Part, joints: readonly Joint[]): number {
  const error = (joint: number) => {
    if (joint < 0) return 0;
    const { incomingCount, outgoingCount } = joints[joint];
    return 0.5 / Math.sqrt(incomingCount + outgoingCount);
  };
  return farthest * Math.hypot(error(own), error(source));
}

/**
 * A part as it is tested: weights that the error of their factors put just outside the support are taken back in.
 * Nothing else would be noticed of an error of a few per cent, but one weight outside its support rejects the law.
 */
function testedInput(part: Part, all: readonly Balanced[], joints: readonly Joint[]): TensorInput {
  const { family, scale } = part.law;
  if (family === 'normal') return balancedInput(part, all);
  const edge = family === 'uniform' ? scale : 2 * scale;
  const reach = reachOf(part, joints);
  const { kernels } = analysisKernels();
  return balancedInput(part, all, ({ length, ptr }) => kernels.f32_mirror_outside(length, ptr, edge, reach));
}

/** Spread of the units' scales over chance that speaks of a scale of their own. */
const leastUnitSpread = 2;

/**
 * Tensors that carry a scale of each unit which no rescaling takes away, with the reason: the product of a unit's mean
 * squares in and out, which rescaling keeps, spreads far beyond chance, while every row has a law's shape.
 * @param isInferred  whether a tensor's law was inferred: then its family was a guess too
 */
function scaledUnits(
  all: readonly Balanced[],
  joints: readonly Balanced[],
  isInferred: (input: TensorInput) => boolean,
): Map<string, string> {
  const found = new Map<string, string>();
  for (const balanced of joints) {
    const { incoming, outgoing, layer } = balanced.joint;
    const { logs, mean, spread, nullSpread } = productSpread(balanced);
    if (spread < leastUnitSpread * nullSpread) continue;
    const input = balancedInput(incoming, all);
    const scales = Array.from(logs, (x) => 0.5 * (x - mean));
    const laws = [incoming.law, ...(isInferred(incoming.input) ? familyShapes : [])];
    const law = laws.find((one) => hasUnitScales(input, one, scales, found.has(input.name)));
    if (!law) continue;
    const shape = law === incoming.law ? law.name : `a ${law.family} law`;
    found.set(
      input.name,
      `every row has the shape of ${shape} at a scale of its own, as after folding a normalisation in`,
    );
    for (const next of outgoing) {
      if (found.has(next.input.name)) continue;
      found.set(next.input.name, `its columns share the scales of the units of ${layer}, which have one each`);
    }
  }
  return found;
}

function lawsOf(inputs: readonly TensorInput[], nulls: readonly Null[]): (input: TensorInput) => Law | null {
  const laws = new Map(inputs.map(({ name }, i) => [name, nulls[i].initial ? null : nulls[i].law]));
  return ({ name }) => laws.get(name) ?? null;
}

function partsOf({ incoming, bias, outgoing }: Joint): Part[] {
  return bias ? [incoming, bias, ...outgoing] : [incoming, ...outgoing];
}

/**
 * Balances the hidden units whose scale is free and tests them; where some unit of a component is rescaled beyond
 * chance, its tensors are tested balanced. Fresh networks are left as they are, bit for bit.
 * @param nulls  of the inputs, in their order
 */
export function undoRescaling(
  layers: readonly Layer[],
  inputs: readonly TensorInput[],
  nulls: readonly Null[],
): Rescaling {
  const joints = jointsOf(layers, inputs, lawsOf(inputs, nulls));
  const all = balance(joints);
  const unitLogP = new Map(all.map((balanced) => [balanced.joint.layer, productLogP(balanced)]));
  const components = rescaledComponents(all);
  const rescaled = all.filter(({ joint }) => components.has(componentOf(joints, joint)));
  const inferred = new Set(inputs.filter((_, i) => nulls[i].source === 'inferred').map(({ name }) => name));
  const noNull = scaledUnits(all, rescaled, ({ name }) => inferred.has(name));
  const parts = new Map(rescaled.flatMap(({ joint }) => partsOf(joint)).map((part) => [part.input.name, part]));
  return {
    inputs: inputs.map((input) => {
      const part = parts.get(input.name);
      return part ? testedInput(part, all, joints) : input;
    }),
    nulls: nulls.map((given, i) => {
      const reason = noNull.get(inputs[i].name);
      return reason ? { law: null, source: 'none', noNull: reason } : given;
    }),
    balanced: new Set(parts.keys()),
    unitLogP,
  };
}
