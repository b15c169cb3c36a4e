/** What the matrices of a recurrent cell are multiplied with, at all times of some rows of data. */
import type { Graph } from '../graph/graph.js';
import type { Feeds } from '../runtime/executor.js';
import type { Evaluate } from './context.js';
import type { LayerSamples } from './layer-samples.js';
import type { Vector } from './matrix.js';
import { cellOf } from './recurrences.js';
import { freshName, type Linear } from './rewrite.js';
import { chunksOf, rowCount, samplesPerRun, takeRange, thinIndexes, thinRows } from './rows.js';

/** Rows of data: each gives a sample at every time. */
const recurrentRows = 1024;

/** Rows whose states of all times are looked at together. */
const chunkRows = 256;

/** The graph with a cell's states as a value, and its name. */
function withStates(graph: Graph, { node }: Linear): readonly [Graph, string] {
  if (node.outputs[0]) return [graph, node.outputs[0]];
  const value = freshName(graph, `${node.name}/states`);
  const nodes = graph.nodes.map((one) =>
    one.name === node.name ? { ...one, outputs: [value, ...one.outputs.slice(1)] } : one,
  );
  return [{ ...graph, nodes }, value];
}

/**
 * Inputs [T, n, I], or states [T, 1, n, H] without the time that no later one reads. A model of a fixed first axis runs
 * several times for them, and what it gives stands one run behind the other.
 * @param weights  of all rows
 * @returns no rows where the values do not have one sample for each row of data at each time
 */
export async function sampleTimes(
  graph: Graph,
  layer: Linear,
  rows: Feeds,
  evaluate: Evaluate,
  weights: Vector | null,
): Promise<LayerSamples> {
  const isState = layer.recurrence === 'state';
  const [source, value] = isState ? withStates(graph, layer) : [graph, layer.input];
  const isReverse = cellOf(graph, layer.node)?.isReverse ?? false;
  const unit = samplesPerRun(graph);
  const few = thinRows(rows, recurrentRows);
  const [all, thinned, columns] = [rowCount(rows), rowCount(few), layer.weight.dims[1]];
  // Samples beside copies that fill up a last run say nothing of time.
  const n = thinned - (thinned % (unit ?? 1));
  const kept = thinIndexes(all, thinned);
  const parts: Float32Array[] = [];
  const spread: number[] = [];
  let positions = 1;
  for (const { first, end } of chunksOf(graph, n, chunkRows)) {
    const tensor = (await evaluate(source, takeRange(few, first, end), [value]))[value];
    const step = unit ?? end - first;
    const [runs, values] = [(end - first) / step, tensor.data as Float32Array];
    const T = tensor.dims[0] / runs;
    const [size, row] = [tensor.size / runs, tensor.size / runs / T];
    const isCut = isState && T > 1;
    for (let run = 0; run < runs; run++) {
      const [from, to] = [run * size, (run + 1) * size];
      parts.push(values.subarray(from + (isCut && isReverse ? row : 0), to - (isCut && !isReverse ? row : 0)));
      for (let t = isCut ? 1 : 0; t < T; t++) {
        for (let b = first + run * step; b < first + (run + 1) * step; b++) spread.push(weights?.[kept[b]] ?? 1);
      }
    }
    positions = T;
  }
  const data = joined(parts);
  const count = data.length === spread.length * columns ? spread.length : 0;
  const mean = spread.reduce((sum, weight) => sum + weight, 0) / spread.length;
  const own = weights && { weights: Float64Array.from(spread, (weight) => weight / mean) };
  return { samples: { rows: count, columns, data, ...own }, positions };
}

function joined(parts: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const data = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    data.set(part, offset);
    offset += part.length;
  }
  return data;
}
