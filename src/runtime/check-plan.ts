/** What must hold of a plan before it may run, beyond the types of its fields. */
import { checkRaces } from '#races';
import { type BoundPlan, bindPlan } from './bind-plan.js';
import { type Bindings, equals, evaluate, symbol } from './extent.js';
import { invalidPackage as invalid } from './invalid-package.js';
import type { Plan, PlanPort } from './plan.js';
import { checkWritten } from './written.js';

/** Values that symbols take, in this order, until every size is a whole number >= 0. */
const trialSizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** The smallest of the trial values for all symbols under which the plan's buffers have sizes. */
export function trialBindings(plan: Plan): Bindings {
  const bind = (value: number): Bindings => new Map(plan.symbols.map((name) => [name, value]));
  const fits = (bindings: Bindings) => plan.buffers.every(({ size }) => evaluate(size, bindings) >= 0);
  return bind(trialSizes.find((value) => fits(bind(value))) ?? 1);
}

/**
 * Checks a plan: ports, rows, the order of parts, and at the smallest sizes that every step stays inside its buffers,
 * that nothing is read before it is written, and that parts which may run together do not touch the same elements.
 * @throws PACKAGE_INVALID, PACKAGE_VERSION
 */
export function checkPlan(plan: Plan): BoundPlan {
  checkPorts(plan);
  checkRows(plan);
  checkParts(plan);
  const bound = bindPlan(plan, trialBindings(plan));
  checkWritten(bound);
  checkRaces(bound);
  return bound;
}

function checkPorts(plan: Plan): void {
  for (const ports of [plan.inputs, plan.outputs]) {
    const names = new Set(ports.map(({ name }) => name));
    if (names.size !== ports.length) throw invalid('plan', 'a port stands twice');
  }
  for (const { name, dtype, buffer } of [...plan.inputs, ...plan.outputs]) {
    if (plan.buffers[buffer]?.dtype === dtype) continue;
    throw invalid(`port "${name}"`, `its buffer differs: got ${plan.buffers[buffer]?.dtype}, expected ${dtype}`);
  }
  const inputs = new Set(plan.inputs.map(({ buffer }) => buffer));
  if (inputs.size !== plan.inputs.length) throw invalid('plan', 'two inputs share a buffer');
  const used = new Set(plan.inputs.flatMap(({ shape }) => shape.map((dim) => JSON.stringify(dim))));
  const free = plan.symbols.find((name) => !used.has(JSON.stringify(symbol(name))));
  if (free !== undefined) throw invalid('plan', `symbol "${free}" is not a dimension of any input`);
}

function checkRows({ rows, inputs, outputs }: Plan): void {
  if (rows === null) return;
  const isRows = ({ shape: [first, ...rest] }: PlanPort) =>
    first !== undefined && equals(first, symbol(rows)) && !JSON.stringify(rest).includes(JSON.stringify(rows));
  const wrong = [...inputs, ...outputs].find((port) => !isRows(port));
  if (wrong) throw invalid(`port "${wrong.name}"`, `"${rows}" is not its first dimension alone`);
}

/** Parts cover the steps one after the other, and wait for earlier ones only; so they are acyclic. */
function checkParts({ parts, steps }: Plan): void {
  const seen = new Set<number>();
  let next = 0;
  for (const { id, first, end, after } of parts) {
    const where = `part ${id}`;
    if (first !== next || end < first) throw invalid(where, `it has a wrong place: got ${first}, expected ${next}`);
    if (seen.has(id)) throw invalid(where, 'its id stands twice');
    const late = after.find((other) => !seen.has(other));
    if (late !== undefined) throw invalid(where, `it waits for part ${late}, which is not before it`);
    seen.add(id);
    next = end;
  }
  if (next !== steps.length)
    throw invalid('parts', `they do not cover the steps: got ${next}, expected ${steps.length}`);
}
