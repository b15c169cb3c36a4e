/**
 * Reference steps: rare operators that run as plain TypeScript in the tool. The runtime has none of them; it hands such
 * a step to the function that the tool injects, and refuses the plan where nothing was injected.
 *
 *     params: { op: 'Name', ..., readShapes: { json: Extent[][] }, writeShapes: { json: Extent[][] } }
 */
import { KerfError } from './errors.js';
import { type Bindings, type Extent, evaluate } from './extent.js';
import type { Step } from './plan.js';
import type { Tensor } from './tensor.js';

/** Name of the step kind. */
export const referenceKind = 'reference';

/**
 * Computes one reference step.
 * @param inputs  one tensor an entry of `step.reads`, of the bound `readShapes`; views that end with the call
 * @param outputs  dtype and shape of each entry of `step.writes`, of the bound `writeShapes`
 * @returns one tensor an entry of `step.writes`
 */
export type RunReference = (
  step: Step,
  inputs: readonly Tensor[],
  outputs: readonly Pick<Tensor, 'type' | 'dims'>[],
) => readonly Tensor[];

/** The bound shapes of a reference step's operands, reads first, then writes. */
export function referenceShapes(step: Step, bindings: Bindings): number[][] {
  return [...shapesOf(step, 'readShapes'), ...shapesOf(step, 'writeShapes')].map((shape) =>
    shape.map((dim) => evaluate(dim, bindings)),
  );
}

function shapesOf(step: Step, name: string): readonly (readonly Extent[])[] {
  const param = step.params[name] as { readonly json: readonly (readonly Extent[])[] } | undefined;
  return param?.json ?? [];
}

/**
 * Refuses a plan that needs reference steps where there are none.
 * @param advice  where they are
 * @throws REFERENCE_STEP naming the operators
 */
export function refuseReferences(steps: readonly Step[], advice = 'Run it with kerf instead of kerf/runtime.'): void {
  const operators = steps.filter((step) => step.kind === referenceKind).map((step) => String(step.params['op']));
  if (operators.length === 0) return;
  const names = [...new Set(operators)].sort().join(', ');
  throw new KerfError(
    'REFERENCE_STEP',
    'plan',
    `it has steps without a kernel: got ${names}, expected kernel steps only. ${advice}`,
    { operators: names },
  );
}
