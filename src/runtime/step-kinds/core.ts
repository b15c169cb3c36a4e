/** The steps of linear packages: what the core of `kerf/runtime` holds, and the core module (assembly/core.ts) runs. */
import type { Step } from '../plan.js';
import type { StepKind } from '../step-kind.js';
import { gemm } from './linear.js';
import { copy, gatherColumns } from './move.js';
import { softmax } from './softmax.js';
import { unary } from './unary.js';

export const coreStepKinds: readonly (readonly [string, StepKind])[] = [
  ['gemm', gemm],
  ['unary', unary],
  ['softmax', softmax],
  ['copy', copy],
  ['gather-columns', gatherColumns],
];

/** Functions that the core module has, of kinds of which it has some. */
const coreFunctions: Readonly<Record<string, readonly unknown[]>> = {
  unary: ['identity', 'relu', 'leaky-relu', 'clip', 'sigmoid', 'tanh'],
  softmax: ['softmax'],
};

/** Whether the core module runs a step; its params may be of any type still. */
export function isCoreStep({ kind, params }: Pick<Step, 'kind' | 'params'>): boolean {
  const functions = coreFunctions[kind];
  if (functions) return functions.includes(params['f']) && (params['inner'] ?? 1) === 1;
  return coreStepKinds.some(([name]) => name === kind);
}
