/** Networks that are fresh from a law of no known scale. */
import { analysisKernels } from './analysis.js';
import {
  type Candidate,
  fitsClosely,
  linearRules,
  type Match,
  ownLawFrom,
  rowsOf,
  sortedSample,
} from './law-matches.js';
import { type Law, parseLaw } from './laws.js';
import { score } from './scores.js';
import { measureSpectrum } from './spectrum.js';
import { kolmogorovSmirnov, sortScratch } from './tensor-tests.js';
import { smallestSpectrum } from './verdict.js';

/** The families that known laws have. */
const families = ['normal', 'uniform', 'truncated-normal'] as const;

/** Whether a tensor has a family's shape at its own scale, to within what chance allows at .1 %. */
function hasFamily({ values, fans, moments }: Candidate, family: (typeof families)[number]): boolean {
  const { workspace } = analysisKernels();
  const { std } = moments;
  return workspace.scope(() => {
    const sample = sortedSample(values);
    const scratch = workspace.allocate('float32', sample.length + sortScratch);
    const unit = parseLaw(`${family}:1`).weight(fans);
    score(sample, { ...unit, scale: (unit.scale * std) / unit.std, std }, null, sample);
    return kolmogorovSmirnov(sample, scratch).ks <= 1.95 / Math.sqrt(sample.length);
  });
}

/** Whether no direction stands out of the noise of a tensor's own scale. */
function isNoise(candidate: Candidate): boolean {
  const { values, fans } = candidate;
  const rows = rowsOf(candidate);
  if (Math.min(fans.fanIn, rows) < smallestSpectrum) return true;
  const { workspace } = analysisKernels();
  return workspace.scope(() => {
    const weights = workspace.copyIn('float32', values);
    return measureSpectrum(weights, rows, fans.fanIn, null).supported === 0;
  });
}

/**
 * The family of a network that is fresh from a law outside the list: none of its tensors is near a listed one, and all are
 * as exact as only fresh ones are.
 */
export function unlistedFamily(
  candidates: readonly Candidate[],
  matches: readonly (readonly Match[])[],
): Law['family'] | null {
  const large = candidates.flatMap((candidate, i) => {
    const isLarge = candidate.kind === 'weight' && candidate.moments.count >= ownLawFrom && candidate.moments.std > 0;
    return isLarge ? [{ candidate, matches: matches[i] }] : [];
  });
  if (large.some(({ candidate }) => !candidate.isEven)) return null;
  const isNear = (match: Match | undefined, { moments }: Candidate) => match && fitsClosely(match, moments.count);
  const isListed = linearRules.some((rule) =>
    large.every(({ candidate, matches: found }) =>
      isNear(
        found.find((match) => match.rule === rule),
        candidate,
      ),
    ),
  );
  // A tensor whose scale is its own must not be near any law; one whose scale is shared can be near any for itself.
  const isOneNear = large.some(
    ({ candidate, matches: found }) => !candidate.isBalanced && found.some((match) => isNear(match, candidate)),
  );
  if (isListed || isOneNear) return null;
  const exact = families.find((family) => large.every(({ candidate }) => hasFamily(candidate, family)));
  return exact && large.length > 0 && large.every(({ candidate }) => isNoise(candidate)) ? exact : null;
}
