/** What structures cost: the unit in which they are compared. */
import type { Graph } from '../graph/graph.js';

export interface Prices {
  /** What the prices count: nanoseconds of a call, or multiply-adds. */
  readonly unit: 'time' | 'work';
  /** Rows of the call for which prices are. */
  readonly rows: number;
  /** The price of a call of a graph, by its number of rows. */
  ofGraph(graph: Graph): (rows: number) => number;
  /** The price of the rows of a call that a graph computes after another one, by their number. */
  ofFallback(graph: Graph): (rows: number) => number;
  /** A linear step at `positions` places of each row; outputs up to the next multiple of `freeOutputs` come for nothing. */
  ofLinear(positions: number, inputs: number, out: number): number;
  readonly freeOutputs: number;
  /** Picking some of a value's columns. */
  ofGather(columns: number): number;
}

/**
 * Prices in multiply-adds of one row.
 * @param cost  multiply-adds per sample of a graph
 */
export function workPrices(cost: (graph: Graph) => number): Prices {
  const ofGraph = (graph: Graph) => {
    const macs = cost(graph);
    return (rows: number) => rows * macs;
  };
  return {
    unit: 'work',
    rows: 1,
    ofGraph,
    ofFallback: ofGraph,
    ofLinear: (positions, inputs, out) => positions * inputs * out,
    freeOutputs: 1,
    ofGather: () => 0,
  };
}

/**
 * What it costs on average that each of `rows` rows runs a graph with probability `share`, all that do in one call.
 * @param price  of a call, by its number of rows
 * @complexity O(rows)
 */
export function priceOfShare(price: (rows: number) => number, rows: number, share: number): number {
  if (share <= 0) return 0;
  if (share >= 1) return price(rows);
  const odds = share / (1 - share);
  // Binomial weights, each from the one before; in logarithms, since the first of many rows underflows.
  let log = rows * Math.log1p(-share);
  let sum = 0;
  for (let m = 1; m <= rows; m++) {
    log += Math.log(((rows - m + 1) / m) * odds);
    sum += Math.exp(log) * price(m);
  }
  return sum;
}
