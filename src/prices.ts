/** Prices in time, from a table of costs: what annealing compares structures by. */
import type { Prices } from './annealing/prices.js';
import { bindSymbols, symbolsOf } from './graph/cost.js';
import type { Graph, Port } from './graph/graph.js';
import { buildPlan } from './plan/build-plan.js';
import { CostModel, type CostTable, freeOutputs } from './plan/cost-model.js';
import type { Bindings } from './runtime/extent.js';

/** Rows of a call for which structures are compared where nothing else is asked. */
export const pricedBatch = 64;

/** The bindings of a call on so many rows: the first axis of each input counts them, where its size is free. */
function bindRows(graph: Graph, bindings: Bindings, rows: number): Bindings {
  const first = new Set(graph.inputs.flatMap(({ shape }: Port) => (shape.length > 0 ? symbolsOf(shape[0]) : [])));
  return new Map([...bindSymbols(graph, bindings)].map(([name, size]) => [name, first.has(name) ? rows : size]));
}

/** Rows of a call of a network that was made for calls of `batch` rows, if it takes as many as it is given. */
function rowsOf({ inputs }: Graph, batch: number): number {
  const first = inputs[0]?.shape[0];
  return typeof first === 'number' ? first : batch;
}

/**
 * Prices in nanoseconds.
 * @param original  the network whose structures are compared
 * @param batch  rows of the calls for which they are; what a network fixes as its first axis goes before it
 * @param bindings  sizes of symbolic dimensions other than the rows
 */
export function timePrices(table: CostTable, original: Graph, batch: number, bindings: Bindings): Prices {
  const rows = rowsOf(original, batch);
  const model = new CostModel(table);
  const priceBy = (kind: 'call' | 'farCall') => (graph: Graph) => {
    const plan = buildPlan(graph);
    const known = new Map<number, number>();
    return (count: number) => {
      const price = known.get(count) ?? model[kind](plan, bindRows(graph, bindings, count));
      known.set(count, price);
      return price;
    };
  };
  return {
    unit: 'time',
    rows,
    ofGraph: priceBy('call'),
    ofFallback: priceBy('farCall'),
    ofLinear: (positions, inputs, out) =>
      table.step + out * model.output(Math.max(1, Math.round(positions * rows)), inputs),
    freeOutputs,
    ofGather: (columns) => table.step + table.gather * rows * columns,
  };
}
