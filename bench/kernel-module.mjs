/** The kernels as the runtime loads them, on a memory of their own. */

import { panelLength } from '../build/src/runtime/panels.js';
import { bindKernels, createMemory, decodeLatin1 } from '../build/src/runtime/wasm.js';
import { Workspace } from '../build/src/runtime/workspace.js';
import { latin1 } from '../build/wasm/plain.js';

export function loadKernels() {
  const { memory, exports } = bindKernels(decodeLatin1(latin1), createMemory(1 << 16));
  return { kernels: exports, workspace: new Workspace(memory, exports.heap_base()) };
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
