/** Two networks of one shape and a rule between them. */
import type { Cascade, CascadeRule } from '../../src/runtime/cascade.js';
import type { Plan } from '../../src/runtime/plan.js';
import { mlpPlan } from './plans.js';

/** x [batch, 20] -> y [batch, 10], in softmax. */
export const compressedPlan = (): Plan => mlpPlan(20, 8, 10, 5);

export const originalPlan = (): Plan => {
  const plan = mlpPlan(20, 33, 10, 1);
  return { ...plan, weights: plan.weights.map((weight) => ({ ...weight, name: `original/${weight.name}` })) };
};

/** About a third of random rows has a smaller margin than tau. */
export const rule: CascadeRule = { outputs: ['y'], decision: 'argmax', at: 0, tau: 0.05, maxFallbackRate: 1 };

export const cascadeOf = (changes: Partial<CascadeRule> = {}): Cascade => ({
  plan: originalPlan(),
  rule: { ...rule, ...changes },
});
