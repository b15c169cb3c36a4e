/**
 * Binds a plan's symbolic sizes and checks every step against its buffers, in f64, before anything is allocated.
 *
 *     Plan + { batch: 64 } ─▶ buffer sizes, and per step: params as numbers, operands, the regions they touch
 */

import { stepKinds } from '#step-kinds';
import { bindParams } from './bind-params.js';
import { KerfError } from './errors.js';
import { type Bindings, type Extent, evaluate } from './extent.js';
import { int8PanelLength, panelLength } from './panels.js';
import type { Operand, Plan, PlanWeight, Step, WeightLayout } from './plan.js';
import { referenceKind, referenceShapes } from './reference.js';
import type { BoundParams, OperandSpec, Region, StepKind } from './step-kind.js';
import { type DType, elementCount } from './tensor.js';

/** The error of a plan that breaks a rule, as it is or at the sizes that the inputs have. */
const invalid = (where: string, problem: string) =>
  new KerfError('PACKAGE_INVALID', where, `${problem}. Build the package again, or check the sizes of the inputs.`);

/** Elements of the largest buffer: every address below it is exact in f64. */
export const maximumElements = 2 ** 32;

/** Work of the largest step, about a minute of one core; a file that asks for more is not a network for this machine. */
export const maximumStepWork = 2 ** 40;

/** An operand with its place resolved: element `offset` of a buffer, or of a weight. */
export interface BoundOperand {
  readonly isWeight: boolean;
  readonly isWrite: boolean;
  readonly index: number;
  readonly offset: number;
  readonly dtype: DType;
}

export interface BoundStep {
  readonly index: number;
  readonly step: Step;
  /** Null for a reference step. */
  readonly kind: StepKind | null;
  readonly params: BoundParams;
  /** By slot: the kind's reads, then its writes; undefined where an optional one is absent. */
  readonly operands: readonly (BoundOperand | undefined)[];
  /** Elements touched, relative to the operand's offset; only of operands that are present. */
  readonly regions: readonly Region[];
  readonly work: number;
}

export interface BoundPlan {
  readonly plan: Plan;
  readonly bindings: Bindings;
  /** Elements of each buffer. */
  readonly sizes: readonly number[];
  readonly steps: readonly BoundStep[];
  readonly work: number;
}

/** How messages name a step. */
export function stepName(step: Step, index: number): string {
  return step.node === undefined ? `step ${index} (${step.kind})` : `node "${step.node}" (${step.kind})`;
}

/** Elements of a weight, as its layout stores them. */
export function weightLength(shape: readonly number[], layout: WeightLayout): number {
  if (layout === 'plain') return elementCount(shape);
  return (layout === 'panels' ? panelLength : int8PanelLength)(shape[0], shape[1]);
}

/** The dtype of a weight in memory: panels that are stored as float16 are widened when they are loaded. */
export function loadedDtype({ dtype, layout }: Pick<PlanWeight, 'dtype' | 'layout'>): DType {
  return layout === 'panels' ? 'float32' : dtype;
}

function bindSize(extent: Extent, bindings: Bindings, where: string): number {
  const size = evaluate(extent, bindings);
  if (!Number.isInteger(size) || size < 0 || size > maximumElements) {
    throw invalid(where, `invalid size: got ${size}, expected a whole number from 0 to ${maximumElements}`);
  }
  return size;
}

/** What every plan was bound to last: it is checked at the sizes that the first run often has, and sizes grow one by one. */
const lastBound = new WeakMap<Plan, BoundPlan>();

/** Which symbols the operands and params of each step name, or seem to: a text that holds a name may mean another. */
const namesOfSteps = new WeakMap<Plan, readonly (readonly string[])[]>();

function namesOf(plan: Plan): readonly (readonly string[])[] {
  let names = namesOfSteps.get(plan);
  if (!names) {
    names = plan.steps.map(({ reads, writes, params }) => {
      const operands = [...reads, ...writes];
      const sizes = operands.map((one) => one && 'buffer' in one && plan.buffers[one.buffer]?.size);
      const text = JSON.stringify([operands, sizes, params]);
      return plan.symbols.filter((name) => text.includes(JSON.stringify(name)));
    });
    namesOfSteps.set(plan, names);
  }
  return names;
}

/**
 * Binds `plan`.
 * @param bindings  a value for each of `plan.symbols`
 * @throws PACKAGE_INVALID when a size is not a whole number, or a step would touch anything outside its operands;
 *   MODEL_LIMIT when a step asks for more than {@link maximumStepWork}
 * @complexity O(steps)
 */
export function bindPlan(plan: Plan, bindings: Bindings): BoundPlan {
  const last = lastBound.get(plan);
  const isSame = (name: string) => last!.bindings.get(name) === bindings.get(name);
  if (last && plan.symbols.every(isSame)) return last;
  const sizes = plan.buffers.map((buffer, b) => bindSize(buffer.size, bindings, `buffer ${b}`));
  for (const port of [...plan.inputs, ...plan.outputs]) {
    const where = `port "${port.name}"`;
    const count = elementCount(port.shape.map((dim) => bindSize(dim, bindings, where)));
    if (!(count <= sizes[port.buffer])) {
      throw invalid(where, `larger than its buffer: got ${count} elements, expected at most ${sizes[port.buffer]}`);
    }
  }
  const names = last && namesOf(plan);
  const steps = plan.steps.map((step, index) =>
    names?.[index].every(isSame) ? last!.steps[index] : bindStep(plan, step, index, sizes, bindings),
  );
  const bound = { plan, bindings, sizes, steps, work: steps.reduce((sum, step) => sum + step.work, 0) };
  lastBound.set(plan, bound);
  return bound;
}

function bindStep(plan: Plan, step: Step, index: number, sizes: readonly number[], bindings: Bindings): BoundStep {
  const where = stepName(step, index);
  if (step.kind === referenceKind) return bindReference(plan, step, index, sizes, bindings, where);
  const kind = stepKinds.get(step.kind);
  if (!kind) throw new KerfError('PACKAGE_VERSION', where, 'unknown step kind. Use a newer version of kerf.');
  const operands = bindOperands(plan, step, kind.reads.length, bindings, where);
  checkOperands(plan, step, kind, operands, where);
  const params = bindParams(step, kind, bindings, where);
  const problem = kind.dtypeProblem?.(
    params,
    operands.map((operand) => operand?.dtype),
  );
  if (problem) throw invalid(where, problem);
  const regions = kind.regions(params).filter(({ operand }) => operands[operand]);
  checkRegions(plan, operands, regions, sizes, where);
  const work = kind.work(params);
  if (!(work <= maximumStepWork)) {
    throw new KerfError(
      'MODEL_LIMIT',
      where,
      `too much work: got ${work} multiply-adds, expected at most ${maximumStepWork}. Use fewer rows.`,
    );
  }
  return { index, step, kind, params, operands, regions, work };
}

function bindReference(
  plan: Plan,
  step: Step,
  index: number,
  sizes: readonly number[],
  bindings: Bindings,
  where: string,
): BoundStep {
  const operands = bindOperands(plan, step, step.reads.length, bindings, where);
  const shapes = referenceShapes(step, bindings);
  if (shapes.length !== operands.length) {
    throw invalid(where, `shapes do not match: got ${shapes.length}, expected ${operands.length}`);
  }
  const regions = shapes.map((shape, operand) => ({ operand, first: 0, end: elementCount(shape) }));
  checkRegions(plan, operands, regions, sizes, where);
  return { index, step, kind: null, params: {}, operands, regions, work: 0 };
}

/** The operands by slot: absent optional reads leave their slots empty. */
function bindOperands(plan: Plan, step: Step, readSlots: number, bindings: Bindings, where: string) {
  const bind = (operand: Operand, isWrite: boolean): BoundOperand => {
    const isWeight = 'weight' in operand;
    const index = isWeight ? operand.weight : operand.buffer;
    const target = isWeight ? plan.weights[index] : plan.buffers[index];
    if (!target) throw invalid(where, `operand does not exist: got ${isWeight ? 'weight' : 'buffer'} ${index}`);
    if (isWrite && isWeight) throw invalid(where, 'it writes to a weight');
    const dtype = 'layout' in target ? loadedDtype(target) : target.dtype;
    return { isWeight, isWrite, index, offset: bindSize(operand.offset ?? 0, bindings, where), dtype };
  };
  const operands: (BoundOperand | undefined)[] = step.reads.map((operand) => bind(operand, false));
  while (operands.length < readSlots) operands.push(undefined);
  return [...operands, ...step.writes.map((operand) => bind(operand, true))];
}

function checkOperands(
  plan: Plan,
  step: Step,
  kind: StepKind,
  operands: readonly (BoundOperand | undefined)[],
  where: string,
): void {
  const specs = [...kind.reads, ...kind.writes];
  if (operands.length !== specs.length || step.writes.length !== kind.writes.length) {
    throw invalid(where, `wrong number of operands: got ${step.reads.length} and ${step.writes.length}`);
  }
  specs.forEach((spec, slot) => {
    const operand = operands[slot];
    if (operand) checkOperand(plan, spec, operand, where);
    else if (!spec.optional) throw invalid(where, `operand "${spec.name}" is missing`);
  });
}

function checkOperand(plan: Plan, spec: OperandSpec, operand: BoundOperand, where: string): void {
  if (spec.dtypes && !spec.dtypes.includes(operand.dtype)) {
    throw invalid(where, `wrong dtype of "${spec.name}": got ${operand.dtype}, expected ${spec.dtypes.join(' or ')}`);
  }
  if (!operand.isWeight) return;
  const { layout } = plan.weights[operand.index];
  if (layout !== (spec.layout ?? 'plain')) {
    throw invalid(where, `wrong layout of "${spec.name}": got ${layout}, expected ${spec.layout ?? 'plain'}`);
  }
}

function checkRegions(
  plan: Plan,
  operands: readonly (BoundOperand | undefined)[],
  regions: readonly Region[],
  sizes: readonly number[],
  where: string,
): void {
  for (const { operand: slot, first, end } of regions) {
    const { isWeight, index, offset } = operands[slot]!;
    const length = isWeight ? plan.weights[index].data.length : sizes[index];
    // Where there are no rows nothing is touched, though columns keep their offsets.
    if (end > first && !(offset + first >= 0 && offset + end <= length)) {
      throw invalid(
        where,
        `operand ${slot} is out of bounds: got elements ${offset + first} to ${offset + end}, expected 0 to ${length}`,
      );
    }
  }
}
