/** Packs weights into panels with the runtime's WASM kernel, at plan time. */
import { latin1 } from '#wasm/plain';
import { panelLength } from '../runtime/panels.js';
import type { Tensor } from '../runtime/tensor.js';
import { bindKernels, createMemory, decodeLatin1, pageBytes } from '../runtime/wasm.js';
import { Workspace } from '../runtime/workspace.js';

interface PackKernels {
  heap_base(): number;
  f32_pack_linear(
    dstPtr: number,
    wPtr: number,
    strideN: number,
    strideK: number,
    biasPtr: number,
    biasStride: number,
    N: number,
    K: number,
  ): void;
}

interface Packer {
  readonly kernels: PackKernels;
  readonly workspace: Workspace;
}

let shared: Packer | undefined;

function packer(): Packer {
  if (!shared) {
    const memory = createMemory(pageBytes);
    const { exports } = bindKernels<PackKernels>(decodeLatin1(latin1), memory);
    shared = { kernels: exports, workspace: new Workspace(memory, exports.heap_base()) };
  }
  return shared;
}

/**
 * The panels of a linear layer, see runtime/panels.ts.
 * @param W  [N, K]
 * @param b  [N], or null for zeros
 * @returns panelLength(N, K) floats that the caller owns
 * @throws MEMORY_LIMIT when W and its panels do not fit a WASM memory together
 */
export function packPanels(W: Tensor<'float32'>, b: Tensor<'float32'> | null): Float32Array<ArrayBuffer> {
  const { kernels, workspace } = packer();
  const [N, K] = W.dims;
  return workspace.scope(() => {
    const weights = workspace.copyIn('float32', W.data);
    const bias = b && workspace.copyIn('float32', b.data);
    const panels = workspace.allocate('float32', panelLength(N, K));
    kernels.f32_pack_linear(panels.ptr, weights.ptr, K, 1, bias?.ptr ?? 0, 1, N, K);
    return workspace.copyOut(panels) as Float32Array<ArrayBuffer>;
  });
}
