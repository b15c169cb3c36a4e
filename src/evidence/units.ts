/** Hidden units: incoming row, bias and outgoing columns tested together. */
import type { Layer } from '../graph/layers.js';
import type { TensorOutcome } from './analyze-tensor.js';
import type { FamilyResult, UnitEvidence } from './evidence.js';
import { chiSquareLogP, reject } from './multiple-testing.js';
import type { TensorInput } from './tensor-input.js';
import type { TensorTests } from './tensor-tests.js';

export interface UnitTest {
  readonly layer: string;
  readonly family: FamilyResult;
  readonly evidence: UnitEvidence;
}

/** Adds the squared scores of one tensor to the units' sums; returns the degrees of freedom that came with them. */
function add(sums: Float64Array, squares: Float64Array, each: number): number {
  for (let unit = 0; unit < sums.length; unit++) sums[unit] += squares[unit];
  return each;
}

/**
 * Tests each hidden unit of each layer that feeds other layers.
 * Null hypothesis: the unit's incoming row, bias and outgoing columns are draws of their laws. Statistic: the sum of
 * their squared scores, chi-square with as many degrees of freedom, exact. Benjamini-Hochberg over the units of one
 * layer; adjacent layers share weights, so the rate holds per layer, never for the network.
 */
export function testUnits(
  layers: readonly Layer[],
  inputs: readonly TensorInput[],
  outcomes: readonly TensorOutcome[],
  fdr: number,
): UnitTest[] {
  const tests = new Map(inputs.map(({ name }, i) => [name, outcomes[i].tests]));
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  return layers.flatMap((layer) => {
    const incoming = layer.kind === 'linear' ? tests.get(layer.tensor) : null;
    const following = layer.next.map((name) => byName.get(name)).filter((next) => next !== undefined);
    const outgoing = following.map((next) => tests.get(next.tensor) ?? null);
    if (!incoming || following.length === 0 || outgoing.some((test) => !test)) return [];
    const [units, fanIn] = layer.weight.dims;
    if (following.some((next) => next.weight.dims[1] !== units)) return [];
    const sums = new Float64Array(units);
    let df = add(sums, incoming.rowSquares, fanIn);
    const bias = layer.biasTensor ? tests.get(layer.biasTensor) : null;
    if (bias) df += add(sums, bias.columnSquares, 1);
    for (const [i, next] of following.entries()) {
      df += add(sums, (outgoing[i] as TensorTests).columnSquares, next.weight.dims[0]);
    }
    const logP = chiSquareLogP(sums, df);
    const { family, flags } = reject(logP, fdr);
    const pValues = logP.map(Math.exp);
    return [{ layer: layer.name, family, evidence: { layer: layer.name, pValues, supported: flags } }];
  });
}
