/** Sizes that a model leaves open, as data have them. */
import { canonicalise } from './graph/canonicalise.js';
import { symbolsOf } from './graph/cost.js';
import { bindGraph } from './graph/fix-sizes.js';
import type { Graph } from './graph/graph.js';
import { buildPlan } from './plan/build-plan.js';
import { KerfError } from './runtime/errors.js';
import type { Feeds } from './runtime/executor.js';
import { type Bindings, equals, symbol } from './runtime/extent.js';
import type { Plan } from './runtime/plan.js';

/** Sizes of the symbolic dimensions behind the first, as the data have them: cost is counted for these. */
export function sizesOf(graph: Graph, rows: Feeds | null | undefined): Bindings {
  const samples = new Set(graph.inputs.flatMap(({ shape }) => shape.slice(0, 1).flatMap(symbolsOf)));
  const sizes = new Map<string, number>();
  for (const { name: input, shape } of graph.inputs) {
    shape.slice(1).forEach((extent, i) => {
      const size = rows?.[input]?.dims?.[i + 1];
      const [name] = symbolsOf(extent);
      if (name === undefined || size === undefined || samples.has(name)) return;
      // Of a sum or a product the numbers alone tell no symbol's.
      if (equals(extent, symbol(name))) sizes.set(name, size);
    });
  }
  return sizes;
}

export interface Settled {
  /** Canonical. */
  readonly graph: Graph;
  /** Its plan, dense. */
  readonly plan: Plan;
  /** Sizes that were fixed. */
  readonly fixed: Bindings;
}

function settle(graph: Graph, fixed: Bindings): Settled {
  const canonical = canonicalise(bindGraph(graph, fixed));
  return { graph: canonical, plan: buildPlan(canonical), fixed };
}

/**
 * The canonical graph of a model, and its plan. Sizes that the model leaves open stay open where a plan for all of them
 * exists; where none does, they are those of the data.
 * @param rows  data whose first axis counts samples; null for none
 * @throws what canonicalise and buildPlan throw
 */
export function settleSizes(graph: Graph, rows: Feeds | null): Settled {
  try {
    return settle(graph, new Map());
  } catch (error) {
    const sizes = sizesOf(graph, rows);
    const isOpen = error instanceof KerfError && error.code === 'SHAPE_UNSUPPORTED';
    if (!isOpen || sizes.size === 0) throw error;
    return settle(graph, sizes);
  }
}
