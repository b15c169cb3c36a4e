/** The settings that evidence proposes, from gentle to aggressive. Fixed before the guard is looked at. */
import type { Evidence, TensorEvidence } from '../evidence/evidence.js';
import type { Graph } from '../graph/graph.js';
import { type Allocation, allocate } from './allocate.js';
import type { Setting } from './fit.js';
import { hiddenUnitsOf } from './hidden-units.js';
import type { Narrowing, Offers } from './offers.js';
import type { Prices } from './prices.js';
import { type Linear, layersOf } from './rewrite.js';
import { positions } from './submatrix.js';

/** Shares of the price, each about two thirds of the one before. */
const priceShares = [0.8, 0.6, 0.4, 0.25, 0.15, 0.1, 0.06, 0.04, 0.025, 0.015];

/** Smallest share of a layer's inputs that must go for a gather in front of it to pay. */
const gatherShare = 1 / 8;

/** Evidence on the weight of each linear layer, by node name. */
export type LayerEvidence = ReadonlyMap<string, TensorEvidence>;

/** Joins evidence to layers. */
export function evidenceByLayer({ tensors }: Evidence): LayerEvidence {
  return new Map(tensors.flatMap((tensor) => (tensor.layer && tensor.spectrum ? [[tensor.layer, tensor]] : [])));
}

/** Whether a rank makes a layer cheaper. */
function isCheaper({ weight }: Linear, rank: number): boolean {
  const [out, inputs] = weight.dims;
  return rank * (out + inputs) < out * inputs;
}

/** The base ranks of at least 1, for the layers that get cheaper. */
export function cheaperRanks(graph: Graph, baseRanks: ReadonlyMap<string, number>): Map<string, number> {
  const ranks = new Map<string, number>();
  for (const linear of layersOf(graph)) {
    const base = baseRanks.get(linear.name);
    if (base === undefined) continue;
    const rank = Math.max(1, base);
    if (isCheaper(linear, rank)) ranks.set(linear.name, rank);
  }
  return ranks;
}

/** Hidden units that evidence supports, by layer, where it rejects the others' need. */
export function supportedUnits(graph: Graph, { units }: Evidence): Map<string, Int32Array<ArrayBuffer>> {
  const kept = new Map<string, Int32Array<ArrayBuffer>>();
  const sizes = new Map(hiddenUnitsOf(graph).map(({ producer }) => [producer.name, producer.weight.dims[0]]));
  for (const { layer, supported } of units) {
    // A trimmed layer has other unit numbers than the evidence.
    if (sizes.get(layer) !== supported.length) continue;
    const positionsKept = positions(supported);
    if (positionsKept.length > 0 && positionsKept.length < supported.length) kept.set(layer, positionsKept);
  }
  return kept;
}

/** The setting that takes out unsupported units alone. */
export const unitsSetting = (units: Setting['units']): Setting => ({ name: 'units', units, ranks: new Map() });

/**
 * Settings from gentle to aggressive: ranks, hidden units and inputs allocated across layers at falling prices.
 * @param at  the setting at a share of the price
 */
export function rankSettings(at: (share: number) => Setting | null): readonly Setting[] {
  const settings: Setting[] = [];
  for (const share of priceShares) {
    const setting = at(share);
    const last = settings.at(-1);
    if (setting && !(last && isSame(setting, last))) settings.push(setting);
  }
  return settings;
}

/** The setting whose share of the price is midway between two, if it is another one. */
export function settingBetween(
  at: (share: number) => Setting | null,
  { share: high, ...dearer }: Setting,
  { share: low, ...cheaper }: Setting,
): Setting | null {
  const setting = high && low ? at(Number(Math.sqrt(high * low).toPrecision(3))) : null;
  return setting && !isSame(setting, dearer) && !isSame(setting, cheaper) ? setting : null;
}

/** Whether two allocations of the same offers agree: what is kept follows from how much is. */
function isSame(a: Setting, b: Setting): boolean {
  const [one, other] = [a, b].map(({ ranks, units, columns, heads = new Map() }) => {
    return [...ranks, ...sizes(units), ...sizes(columns), ...heads];
  });
  return JSON.stringify(one) === JSON.stringify(other);
}

const sizes = (kept: Setting['units'] = new Map()) => [...kept].map(([name, { length }]) => [name, length]);

/**
 * The setting at a share of the price; null where it saves nothing, or cannot be.
 * @param whole  price of the whole graph
 */
export function settingAt(
  { layers, narrowings }: Offers,
  whole: number,
  share: number,
  known: Setting['units'],
  prices: Omit<Prices, 'ofGraph'>,
): Setting | null {
  const { ofLinear, unit } = prices;
  const linear = layers.reduce((sum, { positions, out, inputs }) => sum + ofLinear(positions, inputs, out), 0);
  const products = narrowings.reduce((sum, { products: its, costs }) => {
    return its ? sum + ofLinear(its.rows, costs.length, its.size) : sum;
  }, 0);
  const rest = whole - linear - products;
  const allocation = layers.length > 0 ? allocate(layers, narrowings, share * whole - rest, prices) : null;
  if (!allocation) return null;
  const decided = new Set(narrowings.flatMap(({ writers, kind }) => (kind === 'units' ? writers : [])));
  const undecided = [...known].filter(([layer]) => !decided.has(layer));
  const units = new Map([...undecided, ...keptOf(narrowings, 'units', allocation, 0)]);
  const columns = keptOf(narrowings, 'columns', allocation, gatherShare);
  const heads = headWidths(narrowings, allocation);
  if (allocation.ranks.size + units.size + columns.size + heads.size === 0) return null;
  const isNarrowed = units.size + columns.size + heads.size > 0;
  const name = `${isNarrowed ? 'units, ' : ''}ranks at ${share} of the ${unit}`;
  return { name, share, units, columns, heads, ranks: allocation.ranks };
}

/** Places that heads keep, by name, where some go. */
function headWidths(narrowings: readonly Narrowing[], { widths }: Allocation): ReadonlyMap<string, number> {
  const cut = narrowings.filter(({ kind, name, order }) => kind === 'heads' && widths.get(name)! < order.length);
  return new Map(cut.map(({ name }) => [name, widths.get(name) as number]));
}

/** Positions that an allocation keeps, ascending, by layer, where at least a share of them goes. */
function keptOf(
  narrowings: readonly Narrowing[],
  kind: Narrowing['kind'],
  { widths }: Allocation,
  least: number,
): Map<string, Int32Array<ArrayBuffer>> {
  const kept = new Map<string, Int32Array<ArrayBuffer>>();
  for (const { name, layer, writers, order, kind: its } of narrowings) {
    const gone = order.length - (widths.get(name) as number);
    if (its !== kind || gone === 0 || gone < least * order.length) continue;
    for (const its of kind === 'units' ? writers : [layer]) kept.set(its, order.slice(gone).sort());
  }
  return kept;
}
