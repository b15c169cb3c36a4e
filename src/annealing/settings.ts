/** The settings that evidence proposes, from gentle to aggressive. Fixed before the guard is looked at. */
import type { Evidence, SpectrumResult, TensorEvidence } from '../evidence/evidence.js';
import type { Graph } from '../graph/graph.js';
import { allocateRanks, type Offer } from './allocate.js';
import type { Setting } from './fit.js';
import { hiddenUnitsOf } from './hidden-units.js';
import { type Linear, linearsOf } from './rewrite.js';
import { positions } from './submatrix.js';

/** Shares of the work, each about four fifths of the one before. */
const workShares = [0.6, 0.45, 0.35, 0.28, 0.22, 0.18, 0.145, 0.115, 0.09, 0.075, 0.06, 0.05, 0.04, 0.03, 0.02];

/** Layers with a side below this stay whole: the second step would cost more than it saves. */
const smallestSide = 16;

/** Largest share of directions above the null for which the bulk still says what noise is. */
const largestSupport = 0.4;

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
  for (const linear of linearsOf(graph)) {
    const base = baseRanks.get(linear.name);
    if (base === undefined) continue;
    const rank = Math.max(1, base);
    if (isCheaper(linear, rank)) ranks.set(linear.name, rank);
  }
  return ranks;
}

/** Whether the spectrum's null holds: there is one, and few enough directions rise above it. */
export function isSpectrumSound(spectrum: SpectrumResult | null): spectrum is SpectrumResult {
  return spectrum !== null && spectrum.supported <= largestSupport * spectrum.rank;
}

/** The number of directions that evidence supports, for layers whose null holds. */
export function supportedRanks(graph: Graph, evidence: LayerEvidence): Map<string, number> {
  const ranks = new Map<string, number>();
  for (const { name, weight } of linearsOf(graph)) {
    const spectrum = evidence.get(name)?.spectrum ?? null;
    if (Math.min(...weight.dims) >= smallestSide && isSpectrumSound(spectrum)) ranks.set(name, spectrum.supported);
  }
  return ranks;
}

/** Layers that may be factored at all. */
export function factorable(graph: Graph): readonly Linear[] {
  return linearsOf(graph).filter(({ weight }) => Math.min(...weight.dims) >= smallestSide);
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
 * Settings from gentle to aggressive: ranks allocated across layers at falling work, behind the given units.
 * @param offers  of the layers that may be factored
 * @param rest  multiply-adds of everything else
 */
export function rankSettings(offers: readonly Offer[], rest: number, units: Setting['units']): readonly Setting[] {
  const total = rest + offers.reduce((sum, { whole }) => sum + whole, 0);
  const settings: Setting[] = [];
  let last = '';
  for (const share of workShares) {
    const ranks = offers.length > 0 ? allocateRanks(offers, share * total - rest) : null;
    const key = JSON.stringify([...(ranks ?? [])]);
    if (!ranks || ranks.size === 0 || key === last) continue;
    last = key;
    settings.push({ name: `${units.size > 0 ? 'units, ' : ''}ranks at ${share} of the work`, units, ranks });
  }
  return settings;
}
