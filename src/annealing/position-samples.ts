/**
 * What plain layers read and write where they are applied at many positions of a sample, as to the characters of a text:
 * at places that are drawn once for each sample, the same for a layer's inputs and outputs and for every setting.
 */
import type { Graph } from '../graph/graph.js';
import type { Feeds } from '../runtime/executor.js';
import { asSamples, type Evaluate } from './context.js';
import { Frontier } from './frontier.js';
import type { LayerSamples, Side } from './layer-samples.js';
import type { Vector } from './matrix.js';
import { randomWords } from './random.js';
import { isPlain, type Linear, layersOf } from './rewrite.js';
import { chunksOf, rowCount, takeRange, thinIndexes, thinRows } from './rows.js';

/** Rows that a fit takes at most, and their elements: 256 MiB. */
const mostRows = 2 ** 15;
const mostElements = 2 ** 26;

/** Samples that are looked at even where fewer would give enough rows: positions of one sample are alike. */
const fewestSamples = 512;

/** Positions that run together, and elements that are kept of what was computed: 256 MiB. */
const chunkPositions = 2 ** 14;
const mostKept = 2 ** 26;

/** How often each plain layer of a graph is applied to one row of data, by name; few rows are run to see. */
export async function positionsOf(graph: Graph, rows: Feeds, evaluate: Evaluate): Promise<ReadonlyMap<string, number>> {
  const plain = layersOf(graph).filter(isPlain);
  const end = chunksOf(graph, rowCount(rows), 1).next().value?.end ?? 0;
  const first = takeRange(rows, 0, end);
  const asked = [...new Set(plain.map(({ input }) => input))].filter((value) => !Object.hasOwn(first, value));
  const values = { ...first, ...(asked.length > 0 && (await evaluate(graph, first, asked))) };
  return new Map(plain.map(({ name, input }) => [name, asSamples(values[input]).rows / end]));
}

/** Rows of data and their places that a layer is looked at. */
export interface Places {
  readonly samples: number;
  readonly positions: number;
  /** Places of each sample, ascending; all of them where they do not give too many rows. */
  readonly perSample: number;
}

/** @param columns  of the layer in the original: what a row takes */
export function placesOf(n: number, positions: number, columns: number): Places {
  const limit = Math.min(mostRows, Math.floor(mostElements / columns));
  const samples = Math.min(n, Math.max(fewestSamples, Math.ceil(limit / positions)));
  return { samples, positions, perSample: Math.min(positions, Math.max(1, Math.floor(limit / samples))) };
}

/** One place drawn from each of `perSample` equal stretches of a sample, for n samples. */
export function drawPlaces(n: number, positions: number, perSample: number): Int32Array<ArrayBuffer> {
  const next = randomWords(positions);
  const stretch = positions / perSample;
  return Int32Array.from({ length: n * perSample }, (_, e) =>
    perSample === positions ? e % positions : Math.floor((e % perSample) * stretch + (next() / 2 ** 32) * stretch),
  );
}

/** Looks at layers at their places, in graphs of which each goes on from where the last was left. */
export class PositionSampler {
  readonly #frontiers = new Map<string, Frontier>();

  constructor(
    readonly rows: Feeds,
    readonly evaluate: Evaluate,
  ) {}

  /**
   * A side of a layer at its places.
   * @param weights  of all rows of data; null where all count alike
   * @returns no rows where the value does not have as many rows for each sample
   */
  async of(graph: Graph, layer: Linear, side: Side, places: Places, weights: Vector | null): Promise<LayerSamples> {
    const { samples: n, positions, perSample } = places;
    const drawn = drawPlaces(n, positions, perSample);
    const columns = layer.weight.dims[side === 'input' ? 1 : 0];
    const data = new Float32Array(n * perSample * columns);
    const chunk = Math.ceil(chunkPositions / positions);
    for (const { first, end } of chunksOf(graph, n, chunk)) {
      const whole = asSamples(await this.frontier(n, first, end).of(graph, layer[side]));
      const isUsual = whole.rows === (end - first) * positions && whole.columns === columns;
      if (!isUsual) return { samples: { rows: 0, columns, data: new Float32Array(0) }, positions };
      for (let row = first * perSample; row < end * perSample; row++) {
        const from = ((Math.floor(row / perSample) - first) * positions + drawn[row]) * columns;
        data.set(whole.data.subarray(from, from + columns), row * columns);
      }
    }
    const samples = { rows: n * perSample, columns, data, ...(weights && spread(weights, n, perSample)) };
    return { samples, positions };
  }

  /** What is known of samples first .. end - 1 of n that are evenly spread over the rows. */
  frontier(n: number, first: number, end: number): Frontier {
    const key = `${first} .. ${end} of ${n}`;
    const known = this.#frontiers.get(key);
    if (known) return known;
    const part = takeRange(thinRows(this.rows, n), first, end);
    const made = new Frontier(part, this.evaluate, (mostKept / n) * (end - first));
    this.#frontiers.set(key, made);
    return made;
  }
}

/** The weights of the rows that are looked at, once for each place, with mean 1. */
function spread(weights: Vector, n: number, perSample: number) {
  const own = Float64Array.from(thinIndexes(weights.length, n), (row) => weights[row]);
  const mean = own.reduce((sum, weight) => sum + weight, 0) / n;
  return { weights: Float64Array.from({ length: n * perSample }, (_, e) => own[Math.floor(e / perSample)] / mean) };
}
