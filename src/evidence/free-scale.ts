/** Layers whose output is normalised: their scale is free, so only their shape can speak against a law. */
import type { Block } from '../runtime/workspace.js';
import type { Law } from './laws.js';
import { loadValues } from './load-values.js';
import { measureMoments } from './moments.js';
import { familyShapes, hasRowShape } from './row-scales.js';
import type { Dither } from './scores.js';
import { measureSpectrum } from './spectrum.js';
import type { TensorInput } from './tensor-input.js';
import { testTensor } from './tensor-tests.js';
import { decide } from './verdict.js';

/** Operators that give every channel a scale of its own; the others give one to all. */
const byChannel = new Set(['BatchNormalization', 'GroupNormalization', 'InstanceNormalization']);

/** The law at the scale of the weights themselves. */
function atOwnScale(law: Law, std: number): Law {
  return { ...law, scale: (law.scale * std) / law.std, std };
}

/** Whether the tensor has the law's shape at scales of its own, by the rules of the verdict. */
function hasShape(
  input: TensorInput,
  law: Law,
  weights: Block<'float32'>,
  normaliser: string,
  { dither, level }: { readonly dither: Dither | null; readonly level: number },
): boolean {
  const { rows, columns } = input;
  loadValues(input, weights);
  if (byChannel.has(normaliser)) return hasRowShape(weights, rows, columns, law);
  const { std } = measureMoments(input.name, weights);
  if (!(std > 0)) return false;
  const own = atOwnScale(law, std);
  const spectrum = Math.min(rows, columns) < 2 ? null : measureSpectrum(weights, rows, columns, std);
  const { ks, weights: supported } = testTensor(weights, rows, columns, own, dither, level);
  const facts = { law: own, count: weights.length, ks, scaleRatio: 1, weights: supported, spectrum };
  return decide(facts).verdict === 'initialisation';
}

/**
 * The law whose shape a tensor has when its free scale is left out of account; null when its shape speaks against the law
 * as well.
 * @param law  the null; where it was inferred, its scale was a guess, so the other families are asked too
 * @param weights  room for the tensor, filled anew and used up
 * @param normaliser  what normalises the layer's output
 * @returns its name
 */
export function shapeAtFreeScale(
  input: TensorInput,
  law: Law,
  isInferred: boolean,
  weights: Block<'float32'>,
  normaliser: string,
  options: { readonly dither: Dither | null; readonly level: number },
): string | null {
  if (hasShape(input, law, weights, normaliser, options)) return law.name;
  const others = isInferred ? familyShapes.filter(({ family }) => family !== law.family) : [];
  const found = others.find((other) => hasShape(input, other, weights, normaliser, options));
  return found ? `a ${found.family} law` : null;
}
