/**
 * `auto`: which law each tensor was initialised from, by scale and shape.
 * A network is built by one framework with few schemes, so its layers decide together: the scheme that lies nearest to
 * all of them is the null of those that no longer look like any law. Training spreads weights and seldom shrinks them,
 * so a scheme that would need shrinking is unlikely. A large tensor that fits another law closely keeps that law.
 */
import { analysisKernels } from './analysis.js';
import {
  type Candidate,
  compare,
  fitsClosely,
  lawOf,
  linearRules,
  type Match,
  ownLawFrom,
  rareRules,
  rowsOf,
} from './law-matches.js';
import { type Fans, hasScores, type Law, type LawRule, parseLaw } from './laws.js';
import { familyByRows } from './row-scales.js';
import { takeTurn } from './take-turn.js';
import { unlistedFamily } from './unlisted-family.js';
import { allowedScaleError } from './verdict.js';

/** Defaults of embedding tables; TensorFlow's is a normal of variance 1 / dimension cut at two deviations. */
function embeddingRules({ fanOut }: Fans): LawRule[] {
  const cut = `truncated-normal:${Number((1 / Math.sqrt(fanOut)).toPrecision(4))}`;
  return [cut, 'normal:1', 'uniform:0.05', 'normal:0.02', 'truncated-normal:0.02', 'glorot-uniform'].map(parseLaw);
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

/** Whether a large tensor looks fresh from a rule. */
function isKept(candidates: readonly Candidate[], matches: readonly (readonly Match[])[], rule: LawRule): boolean {
  return candidates.some(({ kind, moments: { count } }, i) => {
    const match = matches[i].find((entry) => entry.rule === rule);
    return kind === 'weight' && count >= ownLawFrom && match !== undefined && fitsClosely(match, count);
  });
}

/** The rule of least cost over the weights and biases of linear layers; null without any. */
function elect(candidates: readonly Candidate[], matches: readonly (readonly Match[])[]): LawRule | null {
  let best: { rule: LawRule; cost: number } | null = null;
  for (const rule of linearRules) {
    if (rareRules.has(rule) && !isKept(candidates, matches, rule)) continue;
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

/** The family of the rows of a matrix, each at its own scale. */
function rowFamily(candidate: Candidate, ks: number): Law['family'] | null {
  const { values, fans } = candidate;
  const { workspace } = analysisKernels();
  return workspace.scope(() => familyByRows(workspace.copyIn('float32', values), rowsOf(candidate), fans.fanIn, ks));
}

/** Biases of a layer from which their shape tells a law of their own from movement away from zero. */
const biasesFrom = 64;

const isTorchDefault = ({ rule }: Match) => rule.name === 'torch-linear';

function inferOne(candidate: Candidate, matches: readonly Match[], elected: LawRule | null): Inference {
  const count = candidate.moments.count;
  if (candidate.kind === 'bias') {
    if (candidate.moments.smallest === 0 && candidate.moments.largest === 0) return { law: zeros };
    if (!elected) return { law: null, noNull: 'the law of its layer is not known' };
    const law = elected.bias(candidate.fans);
    // Who initialises the weights anew often leaves the bias as the framework made it.
    const own = law.family === 'point' && count >= biasesFrom ? matches.find(isTorchDefault) : undefined;
    return { law: own && fitsClosely(own, count) ? own.law : law };
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
