/**
 * `auto`: which law each tensor was initialised from, by scale and shape.
 * A network is built by one framework with few schemes, so its layers decide together: the scheme that lies nearest to
 * all of them is the null of those that no longer look like any law. Training spreads weights and seldom shrinks them,
 * so a scheme that would need shrinking is unlikely. A large tensor that fits another law closely keeps that law.
 */
import type { TensorData } from '../runtime/tensor.js';
import type { Block } from '../runtime/workspace.js';
import { analysisKernels } from './analysis.js';
import { type Fans, hasScores, type Law, type LawRule, parseLaw } from './laws.js';
import type { Moments } from './moments.js';
import { familyByRows } from './row-scales.js';
import { score } from './scores.js';
import { measureSpectrum } from './spectrum.js';
import { takeTurn } from './take-turn.js';
import { kolmogorovSmirnov, sortScratch } from './tensor-tests.js';
import { allowedDistance, allowedScaleError, smallestSpectrum } from './verdict.js';

/** In order of preference where two laws coincide, as glorot and lecun do on square matrices. */
const linearRules = [
  'torch-linear',
  'glorot-uniform',
  'keras-glorot-normal',
  'kaiming-uniform',
  'kaiming-normal',
  'keras-he-normal',
  'lecun-uniform',
  'lecun-normal',
  'keras-lecun-normal',
  'glorot-normal',
  // Convolutions of residual networks.
  'kaiming-normal-fan-out',
  'keras-he-normal-fan-out',
  'normal:0.02',
  'truncated-normal:0.02',
].map(parseLaw);

/** Defaults of embedding tables; TensorFlow's is a normal of variance 1 / dimension cut at two deviations. */
function embeddingRules({ fanOut }: Fans): LawRule[] {
  const cut = `truncated-normal:${Number((1 / Math.sqrt(fanOut)).toPrecision(4))}`;
  return [cut, 'normal:1', 'uniform:0.05', 'normal:0.02', 'truncated-normal:0.02', 'glorot-uniform'].map(parseLaw);
}

/** One tensor that needs a law. */
export interface Candidate {
  readonly name: string;
  /** Layers have one scheme for weight and bias; null where the layer is not known. */
  readonly layer: string | null;
  readonly kind: 'weight' | 'bias' | 'embedding';
  readonly fans: Fans;
  readonly values: TensorData<'float32'>;
  readonly moments: Moments;
  /** Quantisation step; 0 when the weights are exact. */
  readonly step: number;
  /** What the values are to be multiplied by before they are compared with a rule's law. */
  readonly factorOf: (rule: LawRule) => number;
  /** Whether its scale is known only together with that of its neighbours. */
  readonly isBalanced: boolean;
  /** Whether its hidden units differ from each other no more than chance allows; then it may be fresh. */
  readonly isEven: boolean;
}

/** How a law compares with a tensor. */
interface Match {
  readonly rule: LawRule;
  readonly law: Law;
  readonly ks: number;
  readonly scaleRatio: number;
}

/** Largest number of weights that inference reads of one tensor; a fixed stride picks them. */
const sampleSize = 1 << 18;

/** A sorted sample of the tensor, in a block with room for sorting. */
function sortedSample(values: TensorData<'float32'>): Block<'float32'> {
  const { kernels, workspace } = analysisKernels();
  const stride = Math.max(1, Math.floor(values.length / sampleSize));
  const n = Math.floor(values.length / stride);
  const sample = workspace.allocate('float32', n);
  const scratch = workspace.allocate('float32', n + sortScratch);
  const view = workspace.view(sample);
  for (let i = 0; i < n; i++) view[i] = values[i * stride];
  kernels.f32_sort(n, sample.ptr, scratch.ptr);
  return sample;
}

function lawOf(rule: LawRule, { kind, fans }: Candidate): Law {
  return kind === 'bias' ? rule.bias(fans) : rule.weight(fans);
}

/** KS distance and scale against each rule that gives a law with scores, nearest first. */
function compare(candidate: Candidate, rules: readonly LawRule[]): Match[] {
  const { workspace } = analysisKernels();
  return workspace.scope(() => {
    const sample = sortedSample(candidate.values);
    const scores = workspace.allocate('float32', sample.length);
    const scratch = workspace.allocate('float32', sample.length + sortScratch);
    const matches: Match[] = [];
    for (const rule of rules) {
      const law = lawOf(rule, candidate);
      if (!hasScores(law)) continue;
      const factor = candidate.factorOf(rule);
      const scaleRatio = (factor * candidate.moments.std) / law.std;
      score(sample, { ...law, scale: law.scale / factor, std: law.std / factor }, null, scores);
      matches.push({ rule, law, scaleRatio, ks: kolmogorovSmirnov(scores, scratch).ks });
    }
    return matches.sort((a, b) => a.ks - b.ks);
  });
}

/** Agreement as the verdict `initialisation` asks for. */
function fitsClosely({ ks, scaleRatio, law }: Match, count: number): boolean {
  return ks <= allowedDistance(count) && Math.abs(scaleRatio - 1) <= allowedScaleError(law, count);
}

/**
 * Whether a tensor looks initialised to zero: all zero, or far more weights at zero than any density puts there.
 * A zero-initialised table keeps zeros where no input ever came.
 */
function looksZeroInitialised(candidate: Candidate): boolean {
  const { moments, step } = candidate;
  if (moments.smallest === 0 && moments.largest === 0) return true;
  const { values } = candidate;
  const { kernels, workspace } = analysisKernels();
  const atZero = workspace.scope(() => {
    const weights = workspace.copyIn('float32', values);
    if (step > 0) return values.length - kernels.f32_count_beyond(values.length, weights.ptr, 0.5 * step);
    return values.length - kernels.f32_count_other(values.length, weights.ptr, 0);
  });
  // A normal density of the same scale puts step / (sqrt(2 pi) std) there; 2.5 of it, and 5 %, is out of its reach.
  const expected = step / (2.5066 * moments.std);
  return values.length >= 64 && atZero / values.length > Math.max(0.05, 2.5 * expected);
}

/** Cost of a bias that no longer looks like its law: biases move early, so it is bounded. */
const movedBias = 0.5;
/** Cost of a scale under .9 of the law's, which training without decay does not produce. */
const shrunk = 2;
/** Cost of a factor e in the scale; less where balancing spreads over all layers what the last ones grew. */
const growth = 1;
const balancedGrowth = 0.1;
/** Cost of a tensor that its law cannot produce at all. */
const impossible = 4;

/** How unlikely a tensor is under a rule; near 0 for its own law. */
function costOf(candidate: Candidate, matches: readonly Match[], rule: LawRule): number {
  const isZero = candidate.moments.smallest === 0 && candidate.moments.largest === 0;
  const match = matches.find((entry) => entry.rule === rule);
  if (!match) return isZero ? 0 : movedBias;
  if (isZero) return impossible;
  if (candidate.kind === 'bias') return Math.min(movedBias, match.ks);
  const isShrunk = match.scaleRatio < 0.9 - allowedScaleError(match.law, candidate.moments.count);
  const perFactor = candidate.isBalanced ? balancedGrowth : growth;
  return match.ks + perFactor * Math.abs(Math.log(match.scaleRatio)) + (isShrunk ? shrunk : 0);
}

/** The rule of least cost over the weights and biases of linear layers; null without any. */
function elect(candidates: readonly Candidate[], matches: readonly (readonly Match[])[]): LawRule | null {
  let best: { rule: LawRule; cost: number } | null = null;
  for (const rule of linearRules) {
    let cost = 0;
    for (const [i, candidate] of candidates.entries()) {
      if (candidate.kind !== 'embedding') cost += costOf(candidate, matches[i], rule);
    }
    if (!best || cost < best.cost - 1e-9) best = { rule, cost };
  }
  return candidates.some(({ kind }) => kind === 'weight') ? (best?.rule ?? null) : null;
}

/** The inferred law of a tensor, or why there is none. */
export interface Inference {
  readonly law: Law | null;
  readonly noNull?: string;
  /** Name of the rule with which the weights agree as the verdict `initialisation` asks for, in shape and scale. */
  readonly close?: string;
}

/** An embedding that no known law fits: moved if it is far above every one of them, else nothing can be said. */
function farAboveAll(candidate: Candidate, rules: readonly LawRule[]): Inference {
  const laws = rules.map((rule) => lawOf(rule, candidate)).filter(hasScores);
  const nearest = laws.sort((a, b) => b.std - a.std)[0];
  if (nearest && candidate.moments.std > 1.5 * nearest.std) return { law: nearest };
  return { law: null, noNull: 'no known law fits its scale and shape' };
}

const zeros = parseLaw('zeros').weight({ fanIn: 1, fanOut: 1 });

/** Outputs of a layer: its fan-out counts them for every place of a convolution's window. */
const rowsOf = ({ values, fans }: Candidate): number => values.length / fans.fanIn;

/** The family of the rows of a matrix, each at its own scale. */
function rowFamily(candidate: Candidate, ks: number): Law['family'] | null {
  const { values, fans } = candidate;
  const { workspace } = analysisKernels();
  return workspace.scope(() => familyByRows(workspace.copyIn('float32', values), rowsOf(candidate), fans.fanIn, ks));
}

/** Weights from which a tensor may keep a law of its own, other than its network's. */
const ownLawFrom = 1000;

function inferOne(candidate: Candidate, matches: readonly Match[], elected: LawRule | null): Inference {
  const count = candidate.moments.count;
  if (candidate.kind === 'bias') {
    if (candidate.moments.smallest === 0 && candidate.moments.largest === 0) return { law: zeros };
    return { law: elected ? elected.bias(candidate.fans) : null, noNull: 'the law of its layer is not known' };
  }
  const [best] = matches;
  const voted = matches.find((match) => match.rule === elected);
  if (voted && fitsClosely(voted, count)) return { law: voted.law, close: voted.rule.name };
  if (best && !candidate.isBalanced && count >= ownLawFrom && fitsClosely(best, count))
    return { law: best.law, close: best.rule.name };
  if (looksZeroInitialised(candidate)) return { law: zeros };
  const family = candidate.kind === 'weight' && best ? rowFamily(candidate, best.ks) : null;
  if (family) {
    return { law: null, noNull: `every row is ${family} at a scale of its own, as after folding a normalisation in` };
  }
  if (voted) return { law: voted.law };
  return farAboveAll(candidate, embeddingRules(candidate.fans));
}

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
function unlistedFamily(
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

/** Laws of all tensors under the elected rule; a bias follows a weight of its layer that keeps a law of its own. */
function inferEach(
  candidates: readonly Candidate[],
  matches: readonly (readonly Match[])[],
  elected: LawRule | null,
): Inference[] {
  const rules = new Map<string | null, LawRule>();
  const infer = (wantsBias: boolean) =>
    candidates.map((candidate, i) => {
      const { kind, layer } = candidate;
      if ((kind === 'bias') !== wantsBias) return null;
      const inference = inferOne(candidate, matches[i], (wantsBias && layer !== null && rules.get(layer)) || elected);
      if (inference.close && layer !== null) rules.set(layer, parseLaw(inference.close));
      return inference;
    });
  const weights = infer(false);
  return infer(true).map((bias, i) => (bias ?? weights[i])!);
}

/** Laws of all tensors of a model, in the order of `candidates`. */
export async function inferLaws(candidates: readonly Candidate[], signal?: AbortSignal): Promise<Inference[]> {
  const matches: Match[][] = [];
  for (const candidate of candidates) {
    matches.push(compare(candidate, candidate.kind === 'embedding' ? embeddingRules(candidate.fans) : linearRules));
    await takeTurn(signal);
  }
  const unlisted = unlistedFamily(candidates, matches);
  if (unlisted) {
    const noNull = `its shape is exactly ${unlisted}, at a scale that no known law gives`;
    return candidates.map((candidate, i) =>
      candidate.kind === 'weight' ? { law: null, noNull } : inferOne(candidate, matches[i], null),
    );
  }
  return inferEach(candidates, matches, elect(candidates, matches));
}
