/** Sizes that a model leaves open, as data have them. */
import { withAgreeingSizes } from './graph/agreeing-sizes.js';
import { canonicalise } from './graph/canonicalise.js';
import { bindGraph, sizesOf } from './graph/fix-sizes.js';
import type { Graph } from './graph/graph.js';
import { buildPlan } from './plan/build-plan.js';
import { KerfError } from './runtime/errors.js';
import type { Feeds } from './runtime/executor.js';
import { type Bindings, evaluate } from './runtime/extent.js';
import type { Plan } from './runtime/plan.js';

export interface Settled {
  /** Canonical. */
  readonly graph: Graph;
  /** Its plan, dense. */
  readonly plan: Plan;
  /** Sizes that were fixed. */
  readonly fixed: Bindings;
}

/** Whether data have the sizes of a graph's inputs behind the first axis, as far as names tell. */
function hasSizes(graph: Graph, rows: Feeds | null): boolean {
  const sizes = sizesOf(graph, rows);
  return graph.inputs.every(({ name, shape }) =>
    shape.slice(1).every((dim, i) => {
      const [got, wanted] = [rows?.[name]?.dims?.[i + 1], evaluate(dim, sizes)];
      return got === undefined || Number.isNaN(wanted) || got === wanted;
    }),
  );
}

function settle(graph: Graph, fixed: Bindings, rows: Feeds | null): Settled {
  const make = (agreeing: Graph) => {
    const canonical = canonicalise(agreeing);
    return { graph: canonical, plan: buildPlan(canonical) };
  };
  const { made } = withAgreeingSizes(bindGraph(graph, fixed), make, (agreeing) => hasSizes(agreeing, rows));
  return { ...made, fixed };
}

/**
 * The canonical graph of a model, and its plan. Sizes that the model leaves open stay open where a plan for all of them
 * exists; where none does, they are those of the data.
 * @param rows  data whose first axis counts samples; null for none
 * @throws what canonicalise and buildPlan throw
 */
export function settleSizes(graph: Graph, rows: Feeds | null): Settled {
  try {
    return settle(graph, new Map(), rows);
  } catch (error) {
    const sizes = sizesOf(graph, rows);
    const isOpen = error instanceof KerfError && error.code === 'SHAPE_UNSUPPORTED';
    if (!isOpen || sizes.size === 0) throw error;
    return settle(graph, sizes, rows);
  }
}
