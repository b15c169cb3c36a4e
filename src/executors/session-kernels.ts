/** The kernels of the tool's sessions: for the calling thread, and for a pool's shared memory. */
import { chooseKernels } from '../runtime/choose-kernels.js';
import { compileDeflated } from '../runtime/compile-deflated.js';
import type { Kernels } from '../runtime/kernels.js';

export interface SessionKernels {
  readonly own: Kernels;
  /** The same build for shared memory; absent where it is the plain one, which the pool has. */
  readonly shared?: Kernels;
}

let sharedRelaxed: WebAssembly.Module | undefined;

/**
 * Chooses the build by `choice`, by the variable KERF_WASM, or by what the host can do, in this order.
 * @throws OPTION_INVALID, KERNELS_UNSUPPORTED
 */
export async function sessionKernels(choice: unknown): Promise<SessionKernels> {
  const variable = process.env['KERF_WASM'];
  const own = await (choice === undefined && variable
    ? chooseKernels(variable, 'variable KERF_WASM')
    : chooseKernels(choice ?? 'auto', 'option "kernels"'));
  if (own.build === 'plain') return { own };
  const { latin1, sharedAt } = await import('#wasm/relaxed');
  sharedRelaxed ??= await compileDeflated(latin1, sharedAt);
  return { own, shared: { ...own, module: sharedRelaxed } };
}
