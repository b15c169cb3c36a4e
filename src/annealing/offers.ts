/** What the layers of a graph offer to be saved: their directions, their hidden units and their inputs. */
import type { Graph } from '../graph/graph.js';
import type { Offer, Side } from './allocate.js';
import { type Elimination, eliminateInputs } from './eliminate.js';
import type { Fitter } from './fit.js';
import { type Heads, headsOf } from './heads.js';
import { unitGroupsOf } from './hidden-units.js';
import type { Matrix } from './matrix.js';
import { below } from './matrix-parts.js';
import { isPlain, type Linear, layersOf, outermost } from './rewrite.js';
import { allOf } from './submatrix.js';

/** Layers with a side below this are not factored: the second step would cost more than it saves. */
const smallestSide = 16;

/** Narrower heads stay. */
const smallestHead = 4;

/** Wider sides stay: the elimination grows with the cube of their width. */
const largestSide = 2048;

/** A side, and which positions go first. */
export interface Narrowing extends Side {
  readonly kind: 'units' | 'columns' | 'heads';
  /** The layer that makes the units, or reads the columns; the name of the heads. */
  readonly layer: string;
  /** Of heads the places are those of their own basis. */
  readonly order: Elimination['order'];
}

export interface Offers {
  readonly layers: readonly Offer[];
  readonly narrowings: readonly Narrowing[];
}

/** Layers that may be factored at all. */
export function factorable(graph: Graph): readonly Linear[] {
  return layersOf(graph).filter(({ weight }) => Math.min(...weight.dims) >= smallestSide);
}

/**
 * Gathers what there is to save.
 * Without gradients of all layers what they carry is in units of their own: shares of it then have to do for ranks, and
 * nothing is narrowed.
 */
export async function offersOf(fitter: Fitter): Promise<Offers> {
  const { graph, importance } = fitter;
  const linears = layersOf(graph);
  const isFactorable = new Set(factorable(graph).map(({ name }) => name));
  const isComparable = [...isFactorable].every((name) => importance.factors.has(name));
  const layers: Offer[] = [];
  for (const linear of linears) {
    const [out, inputs] = linear.weight.dims;
    const values = isFactorable.has(linear.name) ? (await fitter.spectrum(linear)).values : null;
    const { positions } = await fitter.inputs(linear);
    layers.push({
      name: linear.name,
      values: isComparable || !values ? values : sharesOf(values),
      out,
      inputs,
      positions,
    });
  }
  return { layers, narrowings: isComparable ? await narrowingsOf(fitter) : [] };
}

async function narrowingsOf(fitter: Fitter): Promise<readonly Narrowing[]> {
  const narrowings: Narrowing[] = [];
  for (const { producer, partners, consumers } of unitGroupsOf(fitter.graph, layersOf(fitter.graph))) {
    const elimination = await eliminate(fitter, consumers, producer.weight.dims[0]);
    const makers = [producer, ...partners];
    if (elimination) narrowings.push(narrowing('units', producer.name, elimination, consumers, makers));
  }
  for (const linear of outermost(fitter.graph).filter(isPlain)) {
    const elimination = await eliminate(fitter, [linear], linear.weight.dims[1]);
    if (elimination) narrowings.push(narrowing('columns', linear.name, elimination, [linear], []));
  }
  for (const heads of headsOf(fitter.graph)) {
    const narrowing = await headNarrowing(fitter, heads);
    if (narrowing) narrowings.push(narrowing);
  }
  return narrowings;
}

async function headNarrowing(fitter: Fitter, all: Heads): Promise<Narrowing | null> {
  const { name, makers, reader, heads, depth } = all;
  const basis = depth < smallestHead ? null : await fitter.headBasis(all);
  if (!basis) return null;
  const positionsOf = async (layer: Linear) => (await fitter.inputs(layer)).positions;
  const [first, second] = reader ? [reader, makers[0]] : makers;
  return {
    name,
    kind: 'heads',
    layer: name,
    order: allOf(depth),
    costs: basis.costs,
    readers: reader ? [reader.name] : [],
    writers: makers.map((maker) => maker.name),
    group: heads,
    outputs: heads,
    products: { rows: heads * (await positionsOf(first)), size: await positionsOf(second) },
  };
}

function narrowing(
  kind: 'units' | 'columns',
  layer: string,
  { order, costs }: Elimination,
  readers: readonly Linear[],
  makers: readonly Linear[],
): Narrowing {
  const group = readers[0].weight.dims[1] / order.length;
  const names = readers.map(({ name }) => name);
  const writers = makers.map((maker) => maker.name);
  return { name: `${kind} of ${layer}`, kind, layer, order, costs, readers: names, writers, group };
}

/**
 * In which order the inputs that layers share may go; null where nothing can be said.
 * @param units  what the inputs come from: of a channel all places or taps go together
 */
async function eliminate(fitter: Fitter, readers: readonly Linear[], units: number): Promise<Elimination | null> {
  const [{ input, weight, kernel }] = readers;
  const width = weight.dims[1];
  if (units < smallestSide || width > largestSide || readers.some((reader) => reader.input !== input)) return null;
  // Windows of different sizes are different inputs.
  if (readers.length > 1 && readers.some((reader) => kernel || reader.kernel)) return null;
  if (!readers.every(({ name }) => fitter.importance.factors.has(name))) return null;
  const { moments } = await fitter.inputs(readers[0]);
  if (!moments) return null;
  const effects: Matrix[] = [];
  for (const reader of readers) effects.push((await fitter.spectrum(reader)).effects);
  return eliminateInputs(below(effects), moments, width / units);
}

function sharesOf(values: Float64Array): Float64Array {
  const total = values.reduce((sum, value) => sum + value, 0);
  return values.map((value) => value / total);
}
