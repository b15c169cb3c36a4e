/** How tensors compare with known laws. */
import type { TensorData } from '../runtime/tensor.js';
import type { Block } from '../runtime/workspace.js';
import { analysisKernels } from './analysis.js';
import { type Fans, hasScores, type Law, type LawRule, parseLaw } from './laws.js';
import type { Moments } from './moments.js';
import { score } from './scores.js';
import { kolmogorovSmirnov, sortScratch } from './tensor-tests.js';
import { allowedDistance, allowedScaleError } from './verdict.js';

/** In order of preference where two laws coincide, as glorot and lecun do on square matrices. */
export const linearRules = [
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
  'normal:0.02',
  'truncated-normal:0.02',
  'kaiming-normal-fan-out',
  'keras-he-normal-fan-out',
].map(parseLaw);

/**
 * Rules of few networks, residual ones: candidates for all layers only where one fits closely, since training spreads
 * weights towards their scales too.
 */
export const rareRules: ReadonlySet<LawRule> = new Set(linearRules.filter(({ name }) => name.endsWith('fan-out')));

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
export interface Match {
  readonly rule: LawRule;
  readonly law: Law;
  readonly ks: number;
  readonly scaleRatio: number;
}

/** Largest number of weights that inference reads of one tensor; a fixed stride picks them. */
const sampleSize = 1 << 18;

/** A sorted sample of the tensor, in a block with room for sorting. */
export function sortedSample(values: TensorData<'float32'>): Block<'float32'> {
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

export function lawOf(rule: LawRule, { kind, fans }: Candidate): Law {
  return kind === 'bias' ? rule.bias(fans) : rule.weight(fans);
}

/** KS distance and scale against each rule that gives a law with scores, nearest first. */
export function compare(candidate: Candidate, rules: readonly LawRule[]): Match[] {
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
export function fitsClosely({ ks, scaleRatio, law }: Match, count: number): boolean {
  return ks <= allowedDistance(count) && Math.abs(scaleRatio - 1) <= allowedScaleError(law, count);
}

/** Weights from which a tensor may keep a law of its own, other than its network's. */
export const ownLawFrom = 1000;

/** Outputs of a layer: its fan-out counts them for every place of a convolution's window. */
export const rowsOf = ({ values, fans }: Candidate): number => values.length / fans.fanIn;
