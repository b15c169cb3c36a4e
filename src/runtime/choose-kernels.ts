/** Chooses the build of the kernels: by what the host can do, checked once, or as it is told. */
import { loadPlainKernels } from '#plain-kernels';
import { compileDeflated } from './compile-deflated.js';
import { KerfError } from './errors.js';
import { type KernelBuild, type Kernels, tallTiles } from './kernels.js';
import type { Step } from './plan.js';
import { passesSelfTest } from './self-test.js';
import { supportsRelaxedSimd } from './wasm-features.js';

/** `auto`: relaxed where the host has it and computes right with it, else plain. */
export type KernelChoice = 'auto' | KernelBuild;

let relaxed: Promise<Kernels | null> | undefined;

/**
 * Which tall tile pays. V8 12.4 spills its accumulators, 13.6 does not; of what a host without `process` can be asked,
 * Float16Array (V8 13.5) tells them apart.
 */
export function tilesOfHost(): number {
  return 'Float16Array' in globalThis ? tallTiles.half : tallTiles.none;
}

/** The relaxed build, or null where the host has no relaxed SIMD, fails the self-test, or cannot load the chunk. */
async function loadRelaxed(): Promise<Kernels | null> {
  if (!supportsRelaxedSimd()) return null;
  try {
    const { latin1 } = await import('#wasm/relaxed');
    const module = await compileDeflated(latin1);
    const kernels: Kernels = { build: 'relaxed', module, tiles: tilesOfHost() };
    return passesSelfTest(kernels) ? kernels : null;
  } catch {
    return null;
  }
}

/**
 * The kernels of a session.
 * @param choice  untrusted: an option or an environment variable
 * @param where  names it in messages
 * @param steps  what the kernels are to run
 * @throws OPTION_INVALID when it is no {@link KernelChoice}; KERNELS_UNSUPPORTED when it is `relaxed` and the host
 *   cannot; KERNEL_TRAP when the host refuses to compile
 */
export async function chooseKernels(choice: unknown, where: string, steps: readonly Step[] = []): Promise<Kernels> {
  if (choice === 'plain') return loadPlainKernels(steps);
  if (choice !== 'auto' && choice !== 'relaxed') {
    throw new KerfError(
      'OPTION_INVALID',
      where,
      `invalid value: got ${String(choice)}, expected "auto", "plain" or "relaxed".`,
    );
  }
  relaxed ??= loadRelaxed();
  const kernels = await relaxed;
  if (kernels) return kernels;
  if (choice === 'auto') return loadPlainKernels(steps);
  throw new KerfError(
    'KERNELS_UNSUPPORTED',
    where,
    'this host does not run relaxed SIMD, or fails its self-test. Use "plain", or Node 22 or newer.',
  );
}
