/**
 * Where a linear step may leave out the terms of zero inputs without changing a bit. 0 w is a zero only for a finite w,
 * and adding it changes nothing only where no sum is -0, so no bias may be -0 (assembly/linear/sparse-input.ts has the
 * proof). A package cannot claim this: the weights are looked at when they are loaded.
 */
import type { BoundStep } from './bind-plan.js';
import type { RuntimeKernels } from './kernels.js';
import { NR } from './panels.js';
import type { PlanWeight } from './plan.js';

/**
 * The [N, K] of panels, copied to `ptr`, that are finite and without a bias of -0; null for other weights.
 * @complexity reads the weight once
 */
export function skippableShape({ layout, shape }: PlanWeight, ptr: number, kernels: RuntimeKernels) {
  return layout === 'panels' && kernels.f32_panels_skippable(ptr, shape[0], shape[1]) !== 0 ? shape : null;
}

/**
 * Whether a linear step may skip: its panels are a weight, read as the matrix that was looked at, or as whole panels of it. Panels that a step
 * packs are not known beforehand, so they are multiplied in full.
 * @param skippable  by weight, from {@link skippableShape}
 */
export function maySkipZeros(
  { params, operands }: BoundStep,
  skippable: readonly (readonly number[] | null)[],
): boolean {
  const panels = operands[1];
  const shape = panels?.isWeight ? skippable[panels.index] : null;
  const { N, K, R = 0 } = params as Record<string, number>;
  if (!shape || K + R !== shape[1]) return false;
  const rest = shape[0] - panels!.offset / (1 + K + R);
  return (N === rest || (N < rest && N % NR === 0)) && (shape[0] - rest) % NR === 0;
}
