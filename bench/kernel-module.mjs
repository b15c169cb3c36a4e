/** The kernels as the runtime loads them, on a memory of their own. */
import { requireRevectorized } from '../build/src/executors/revectorize.js';
import { sessionKernels } from '../build/src/executors/session-kernels.js';
import { bindRuntime } from '../build/src/runtime/kernels.js';
import { panelLength } from '../build/src/runtime/panels.js';
import { plainKernels } from '../build/src/runtime/plain-kernels.js';
import { createMemory } from '../build/src/runtime/wasm.js';
import { Workspace } from '../build/src/runtime/workspace.js';

/** The kernels that sessions use here; those of 256 bits where KERF_BENCH_REVECTORIZE is set. */
export async function hostKernels() {
  const chosen = process.env.KERF_BENCH_REVECTORIZE ? requireRevectorized() : sessionKernels(undefined);
  return (await chosen).own;
}

/** Name of a build with its tile, for tables. */
export const buildName = ({ build, tiles }) => (tiles === 2 ? `${build}, 256 bits` : build);

export function loadKernels(build = plainKernels()) {
  const memory = createMemory(1 << 16);
  const kernels = bindRuntime(build, memory);
  return { kernels, workspace: new Workspace(memory, kernels.heap_base()) };
}

/** Packs W [N, K] and b [N]; returns the block of panels. */
export function packLinear({ kernels, workspace }, w, b, N, K) {
  const panels = workspace.allocate('float32', panelLength(N, K));
  workspace.scope(() => {
    const weights = workspace.copyIn('float32', w);
    const bias = workspace.copyIn('float32', b);
    kernels.f32_pack_linear(panels.ptr, weights.ptr, K, 1, bias.ptr, 1, N, K);
  });
  return panels;
}
