/** The plain kernels of `kerf/runtime`: the core, and the rest where a package needs it. */
import { latin1 } from '#wasm/core';
import { compileKernels, type Kernels, kernelsOf } from './kernels.js';
import type { Step } from './plan.js';
import { isCoreStep } from './step-kinds/core.js';

let core: Kernels | undefined;

/**
 * The core module, compiled at the first call.
 * @throws KERNEL_TRAP when the host refuses to compile
 */
export function plainKernels(): Kernels {
  core ??= kernelsOf(compileKernels(latin1));
  return core;
}

/** Plain kernels that run the given steps. */
export async function loadPlainKernels(steps: readonly Pick<Step, 'kind' | 'params'>[]): Promise<Kernels> {
  if (steps.every(isCoreStep)) return plainKernels();
  const { moreKernels } = await import('./more-kernels.js');
  return { ...plainKernels(), more: moreKernels() };
}
