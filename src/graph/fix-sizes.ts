/** Numbers in the place of sizes that a model leaves open. */
import { KerfError } from '../runtime/errors.js';
import type { Feeds } from '../runtime/executor.js';
import { add, type Bindings, type Extent, equals, multiply, symbol } from '../runtime/extent.js';
import { symbolsOf } from './cost.js';
import type { Graph, Model, Port } from './graph.js';

/** An extent in which sizes stand for the given symbols. */
function substitute(extent: Extent, sizes: ReadonlyMap<string, Extent>): Extent {
  if (typeof extent === 'number') return extent;
  return extent
    .map(([coefficient, ...names]): Extent => {
      const factors = names.map((name): Extent => sizes.get(name) ?? [[1, name]]);
      return factors.reduce(multiply, coefficient);
    })
    .reduce(add, 0);
}

/** The graph with some of its symbolic dimensions bound, or taken to be other sizes. */
export function bindGraph(graph: Graph, sizes: ReadonlyMap<string, Extent>): Graph {
  const bind = (port: Port): Port => ({ ...port, shape: port.shape.map((dim) => substitute(dim, sizes)) });
  return { ...graph, inputs: graph.inputs.map(bind) };
}

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

/** Symbols of the inputs' axes, each once: of all, or of those behind the first. */
function symbolsOfInputs({ inputs }: Graph, firstAxis: 0 | 1): readonly string[] {
  return [...new Set(inputs.flatMap(({ shape }) => shape.slice(firstAxis).flatMap(symbolsOf)))];
}

/**
 * A model with some of the sizes fixed that it leaves open: networks whose plan depends on them, such as convolutions of
 * images of any size, can be analysed and decomposed then.
 * @param sizes  whole numbers >= 1 by the names that the model gives its dimensions, e.g. `{ height: 224, width: 224 }`
 * @returns the same weights and nodes; inputs of other sizes are refused
 * @throws OPTION_INVALID for a name that no input has, or another number
 */
export function fixSizes(model: Model, sizes: Readonly<Record<string, number>>): Model {
  const known = symbolsOfInputs(model.graph, 0);
  for (const [name, size] of Object.entries(sizes)) {
    const isKnown = known.includes(name);
    if (isKnown && Number.isSafeInteger(size) && size >= 1) continue;
    const problem = isKnown
      ? `"${name}" is no size: got ${String(size)}, expected a whole number >= 1. Give one.`
      : `the model leaves no such size open: got "${name}", expected one of ${known.join(', ') || 'none'}. See kerf inspect.`;
    throw new KerfError('OPTION_INVALID', 'sizes', problem, { name, got: size });
  }
  return { ...model, graph: bindGraph(model.graph, new Map(Object.entries(sizes))) };
}
