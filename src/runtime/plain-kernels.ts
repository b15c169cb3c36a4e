/**
 * The plain module: fixed-width SIMD, the same bits on every host. `kerf/runtime` has lazy-plain-kernels.ts in its place
 * (`#plain-kernels`).
 */
import { latin1 } from '#wasm/plain';
import { compileKernels, type Kernels, kernelsOf } from './kernels.js';
import type { Step } from './plan.js';

let plain: Kernels | undefined;

/**
 * The plain module, compiled at the first call.
 * @throws KERNEL_TRAP when the host refuses to compile
 */
export function plainKernels(): Kernels {
  plain ??= kernelsOf(compileKernels(latin1));
  return plain;
}

/** Plain kernels that run the given steps. */
export async function loadPlainKernels(_steps: readonly Pick<Step, 'kind' | 'params'>[]): Promise<Kernels> {
  return plainKernels();
}
