/** The verdict on one tensor, from the numbers of its tests. */

import type { FamilyResult, SpectrumResult, Verdict } from './evidence.js';
import type { Law } from './laws.js';

/** What the verdict is decided from. */
export interface VerdictFacts {
  readonly law: Law | null;
  readonly count: number;
  readonly ks: number;
  readonly scaleRatio: number;
  readonly weights: FamilyResult;
  readonly spectrum: SpectrumResult | null;
  /** Why no law applies, where that is known. */
  readonly noNull?: string;
}

export interface Decision {
  readonly verdict: Verdict;
  readonly reason: string;
}

/** Smallest min(out, in) for which the spectrum has a say. */
export const smallestSpectrum = 16;

function percent(share: number): string {
  return `${(100 * share).toPrecision(3)} %`;
}

/** Largest KS distance that still counts as the law: .02, or the 1 % point of the test where that is wider. */
export function allowedDistance(count: number): number {
  return Math.max(0.02, 1.63 / Math.sqrt(count));
}

/** Fourth moment over the square of the second, by family; sets the sampling error of a scale. */
export const kurtosis: Partial<Record<Law['family'], number>> = { normal: 3, 'truncated-normal': 2.37, uniform: 1.8 };

/** Largest |scaleRatio - 1| that still counts as the law: .03, or the .1 % point of its sampling error. */
export function allowedScaleError(law: Law, count: number): number {
  return Math.max(0.03, 3.29 * Math.sqrt(((kurtosis[law.family] ?? 3) - 1) / (4 * count)));
}

/** Largest number of supported weights that still counts as 1 %; one, which 5 % of pure families show, always does. */
function allowedSupport(tested: number): number {
  return Math.max(1, 0.01 * tested);
}

/** What speaks against `initialisation`; empty when nothing does. */
function objections(facts: VerdictFacts, law: Law): string[] {
  const { count, ks, scaleRatio, weights, spectrum } = facts;
  const scaleError = allowedScaleError(law, count);
  const found: string[] = [];
  const limit = allowedDistance(count);
  if (!(ks <= limit)) found.push(`its distance from the law is ${ks.toPrecision(2)}, over ${limit.toPrecision(2)}`);
  if (Math.abs(scaleRatio - 1) > scaleError) {
    found.push(`its scale is ${scaleRatio.toPrecision(3)} of the law's`);
  }
  if (weights.supported > allowedSupport(weights.tested)) {
    found.push(`${percent(weights.supported / weights.tested)} of the weights are supported`);
  }
  if (spectrum && spectrum.rank >= smallestSpectrum && spectrum.supported > 0) {
    found.push(`${spectrum.supported} of ${spectrum.rank} directions are supported`);
  }
  return found;
}

/** Largest ratio of two estimates of a refitted scale that still agree. */
const agreement = 1.1;

/**
 * What is to be said where the two estimates of a refitted noise scale disagree; null where they agree, or are not two.
 * Groups and singular values see the same scale only if what remains of the initialisation is one bulk of noise.
 */
function disputedScale(spectrum: SpectrumResult | null): string | null {
  const { refitted = false, sigma = Number.NaN, sigmaByGroups = Number.NaN } = spectrum ?? {};
  if (!refitted || !(Math.max(sigmaByGroups / sigma, sigma / sigmaByGroups) > agreement)) return null;
  const [bulk, groups] = [sigma.toPrecision(3), sigmaByGroups.toPrecision(3)];
  return `two estimates of the scale of its noise differ (${bulk} by its singular values, ${groups} by groups of weights), so none is claimed`;
}

/** Applies the rules of the verdict; the reason is one or two sentences. */
export function decide(facts: VerdictFacts): Decision {
  const { law, scaleRatio, spectrum } = facts;
  if (law === null) return { verdict: 'no-null', reason: `${facts.noNull ?? 'no known law fits'}.` };
  const disputed = disputedScale(spectrum);
  // Shrunk by decay, the law holds only at a refitted scale; at its own or a larger one the weights themselves tell.
  if (disputed && scaleRatio < 1 - allowedScaleError(law, facts.count)) {
    return {
      verdict: 'no-null',
      reason: `its scale is ${scaleRatio.toPrecision(3)} of that of ${law.name}, and ${disputed}.`,
    };
  }
  const decision = decideAtScale(facts, law);
  return disputed
    ? { ...decision, reason: `${decision.reason} ${disputed[0].toUpperCase()}${disputed.slice(1)}.` }
    : decision;
}

function decideAtScale(facts: VerdictFacts, law: Law): Decision {
  const { scaleRatio, weights } = facts;
  const share = weights.supported / Math.max(1, weights.tested);
  if (scaleRatio > Math.max(1.5, 1 + allowedScaleError(law, facts.count))) {
    return { verdict: 'moved', reason: `its scale is ${scaleRatio.toPrecision(3)} times that of ${law.name}.` };
  }
  if (share >= 0.5)
    return { verdict: 'moved', reason: `${percent(share)} of its weights are supported against ${law.name}.` };
  const against = objections(facts, law);
  if (against.length > 0) return { verdict: 'partly', reason: `against ${law.name}, ${against.join(', ')}.` };
  return { verdict: 'initialisation', reason: `nothing distinguishes it from ${law.name}.` };
}
