/** Hidden units: incoming row, bias and outgoing columns tested together. */
import type { Layer } from '../graph/layers.js';
import type { TensorData } from '../runtime/tensor.js';
import type { TensorOutcome } from './analyze-tensor.js';
import type { FamilyResult, UnitEvidence } from './evidence.js';
import { chiSquareLogP, reject } from './multiple-testing.js';

export interface UnitTest {
  readonly layer: string;
  readonly family: FamilyResult;
  readonly evidence: UnitEvidence;
}

/** The tensors of one layer's units: incoming rows, bias, outgoing columns; `width` weights of each unit. */
interface Side {
  readonly outcome: TensorOutcome;
  readonly along: 'rows' | 'columns';
  readonly width: number;
}

/** Everything that belongs to the units of a layer, or null where a part of it has no null hypothesis. */
function sidesOf(
  layer: Layer,
  following: readonly Layer[],
  outcomes: ReadonlyMap<string, TensorOutcome>,
): Side[] | null {
  const [units, fanIn] = layer.weight.dims;
  if (layer.kind !== 'linear' || following.length === 0) return null;
  if (following.some((next) => next.weight.dims[1] !== units)) return null;
  const sides: Side[] = [{ outcome: outcomes.get(layer.tensor)!, along: 'rows', width: fanIn }];
  for (const next of following) {
    sides.push({ outcome: outcomes.get(next.tensor)!, along: 'columns', width: next.weight.dims[0] });
  }
  if (sides.some(({ outcome }) => !outcome.tests && !outcome.touched)) return null;
  const bias = layer.biasTensor ? outcomes.get(layer.biasTensor) : undefined;
  // A bias whose law is a point has no score; the unit is tested without it.
  if (bias?.tests || bias?.touched) sides.push({ outcome: bias, along: 'columns', width: 1 });
  return sides;
}

/** Log p-values by the chi-square of all squared scores of a unit. */
function scoreLogP(sides: readonly Side[], units: number): TensorData<'float64'> {
  const sums = new Float64Array(units);
  let df = 0;
  for (const { outcome, along, width } of sides) {
    const squares = along === 'rows' ? outcome.tests!.rowSquares : outcome.tests!.columnSquares;
    for (let unit = 0; unit < units; unit++) sums[unit] += squares[unit];
    df += width;
  }
  return chiSquareLogP(sums, df);
}

/** Under a checkpoint a unit is supported iff training touched one of its weights: ln p is 0 or -Infinity. */
function touchedLogP(sides: readonly Side[], units: number): TensorData<'float64'> {
  return Float64Array.from({ length: units }, (_, unit) =>
    sides.some(({ outcome, along }) => outcome.touched![along][unit] > 0) ? Number.NEGATIVE_INFINITY : 0,
  );
}

/**
 * Tests each hidden unit of each layer that feeds other layers.
 * Null hypothesis: the unit's incoming row, bias and outgoing columns are draws of their laws. Statistic: the sum of
 * their squared scores, chi-square with as many degrees of freedom, exact; for units that may be rescaled, the product
 * of {@link productLogP}. Benjamini-Hochberg over the units of one
 * layer; adjacent layers share weights, so the rate holds per layer, never for the network.
 */
export function testUnits(
  layers: readonly Layer[],
  outcomes: ReadonlyMap<string, TensorOutcome>,
  unitLogP: ReadonlyMap<string, TensorData<'float64'>>,
  fdr: number,
): UnitTest[] {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  return layers.flatMap((layer) => {
    const following = layer.next.map((name) => byName.get(name)).filter((next) => next !== undefined);
    const rescalable = unitLogP.get(layer.name);
    const sides = sidesOf(layer, following, outcomes);
    if (!sides) return [];
    const units = layer.weight.dims[0];
    const isTouch = !rescalable && sides.every(({ outcome }) => outcome.touched);
    if (!rescalable && !isTouch && !sides.every(({ outcome }) => outcome.tests)) return [];
    const logP = rescalable ?? (isTouch ? touchedLogP(sides, units) : scoreLogP(sides, units));
    const { family: tested, flags } = reject(logP, fdr);
    const family: FamilyResult = isTouch ? { ...tested, control: 'per-test', level: 0 } : tested;
    return [
      { layer: layer.name, family, evidence: { layer: layer.name, pValues: logP.map(Math.exp), supported: flags } },
    ];
  });
}
