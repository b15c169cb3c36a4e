/**
 * Opt-in for V8 on x64 with AVX2: pairs of 128-bit vectors are joined to 256 bits. The flag is V8's own experiment and
 * holds for the whole process, so nothing turns it on unasked; what it gives is measured before it is used.
 */
import { setFlagsFromString } from 'node:v8';
import { latin1, sharedAt } from '#wasm/relaxed';
import { tilesOfHost } from '../runtime/choose-kernels.js';
import { compileDeflated } from '../runtime/compile-deflated.js';
import { KerfError } from '../runtime/errors.js';
import { bindRuntime, type Kernels, tallTiles } from '../runtime/kernels.js';
import { passesSelfTest } from '../runtime/self-test.js';
import { createMemory } from '../runtime/wasm.js';
import type { SessionKernels } from './session-kernels.js';

/** Longest that V8 is given to optimise a kernel, and then to show its speed, in milliseconds. */
const [warmUpMs, timingMs] = [120, 20];

/** Least gain that is taken for one. */
const leastGain = 1.2;

export interface Revectorized extends SessionKernels {
  /** Speed of the wide tile over that of the tile without it, on a layer that stays in the cache. */
  readonly gain: number;
}

let revectorized: Promise<Revectorized | null> | undefined;

/** Best time of a 96 x 64 layer of 256 inputs, in milliseconds, once V8 has optimised it. */
function bestMs(kernels: Kernels): number {
  const [rows, outputs, inputs] = [96, 64, 256];
  const memory = createMemory(4 * (rows * inputs + (1 + inputs) * outputs + rows * outputs) + 65536);
  const { f32_gemm, heap_base } = bindRuntime(kernels, memory);
  const xPtr = Math.ceil(heap_base() / 64) * 64;
  const panelPtr = xPtr + 4 * rows * inputs;
  const yPtr = panelPtr + 4 * (1 + inputs) * outputs;
  new Float32Array(memory.buffer, xPtr, (yPtr - xPtr) / 4).fill(0.5);
  const run = () => f32_gemm(yPtr, outputs, xPtr, inputs, panelPtr, rows, outputs, inputs, 0, 0, 0, -1e30, 1e30);
  for (const end = performance.now() + warmUpMs; performance.now() < end; ) run();
  let best = Number.POSITIVE_INFINITY;
  for (const end = performance.now() + timingMs; performance.now() < end; ) {
    const start = performance.now();
    run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

async function turnOn(): Promise<Revectorized | null> {
  if (process.arch !== 'x64' || tilesOfHost() === tallTiles.none) return null;
  const before = bestMs({ build: 'relaxed', module: await compileDeflated(latin1), tiles: tallTiles.half });
  setFlagsFromString('--experimental-wasm-revectorize');
  const compile = async (shared?: number): Promise<Kernels> => {
    // A section of another name makes it another module, which V8 does not take from its cache.
    const module = await compileDeflated(latin1, shared, [0, 5, 4, ...Buffer.from('wide')]);
    return { build: 'relaxed', module, tiles: tallTiles.wide };
  };
  const own = await compile();
  const gain = before / bestMs(own);
  // After the timing, so that it is the optimised code that is tested.
  if (!(gain >= leastGain) || !passesSelfTest(own)) return null;
  return { own, shared: await compile(sharedAt), gain };
}

/**
 * Turns revectorization on, once a process; takes about 0.3 s.
 * @returns the kernels that profit from it; null where it does not pay: another processor, an older V8, no AVX2
 */
export function revectorize(): Promise<Revectorized | null> {
  revectorized ??= turnOn();
  return revectorized;
}

/** As {@link revectorize}. @throws KERNELS_UNSUPPORTED where it does not pay */
export async function requireRevectorized(): Promise<SessionKernels> {
  const kernels = await revectorize();
  if (kernels) return kernels;
  throw new KerfError(
    'KERNELS_UNSUPPORTED',
    'option "revectorize"',
    'it does not pay on this host: expected Node 24 or newer on x64 with AVX2. Leave it out.',
  );
}
