/** Panels of fewer bytes: int8 weights, and float16. */
import { analysisKernels } from '../evidence/analysis.js';
import type { Int8Weights } from '../graph/operator.js';
import { int8PanelLength } from '../runtime/panels.js';

/** The int8 panels of a layer, see runtime/panels.ts; weights that are unsigned bytes are stored less 128. */
export function packInt8Panels({ bytes, N, K, strideN, strideK, add, scale }: Int8Weights): Int8Array<ArrayBuffer> {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const [w, scales] = [workspace.copyIn(bytes.type, bytes.data), workspace.copyIn('float32', scale)];
    const adds = add instanceof Int32Array ? workspace.copyIn('int32', add) : workspace.copyIn('float32', add);
    const panels = workspace.allocate('int8', int8PanelLength(N, K));
    const flip = bytes.type === 'uint8' ? 128 : 0;
    kernels.i8_pack_linear(panels.ptr, w.ptr, strideN, strideK, flip, adds.ptr, scales.ptr, N, K);
    return workspace.copyOut(panels) as Int8Array<ArrayBuffer>;
  });
}

/** The half bits nearest to float32 numbers. */
export function narrowToHalf(values: Float32Array<ArrayBuffer>): Uint16Array<ArrayBuffer> {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const source = workspace.copyIn('float32', values);
    const halves = workspace.allocate('float16', values.length);
    kernels.f32_narrow(halves.ptr, source.ptr, values.length);
    return workspace.copyOut(halves) as Uint16Array<ArrayBuffer>;
  });
}
