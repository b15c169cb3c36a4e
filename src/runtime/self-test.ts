/** Whether a kernel module computes right on this host: one linear layer, against plain loops. */
import { bindRuntime, type Kernels } from './kernels.js';
import { panelLength } from './panels.js';
import { createMemory } from './wasm.js';
import { Workspace } from './workspace.js';

/** Rows, outputs, inputs: every tile of the linear layer and a ragged edge of each. */
const [rows, outputs, inputs] = [11, 45, 7];

/** Small whole numbers, so that every sum is exact, however it is rounded. */
function numbers(length: number, step: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, (_, i) => ((i * step) % 17) - 8);
}

/** Runs the layer on all rows and on the first alone, and compares every output with a loop over whole numbers. */
export function passesSelfTest(kernels: Kernels): boolean {
  const memory = createMemory(1);
  const bound = bindRuntime(kernels, memory);
  const workspace = new Workspace(memory, bound.heap_base());
  const [x, w, b] = [numbers(rows * inputs, 5), numbers(outputs * inputs, 7), numbers(outputs, 3)];
  const [xBlock, wBlock, bBlock] = [x, w, b].map((data) => workspace.copyIn('float32', data));
  const panels = workspace.allocate('float32', panelLength(outputs, inputs));
  const y = workspace.allocate('float32', rows * outputs);
  bound.f32_pack_linear(panels.ptr, wBlock.ptr, inputs, 1, bBlock.ptr, 1, outputs, inputs);
  return [rows, 1].every((M) => {
    workspace.view(y).fill(Number.NaN);
    const [lo, hi] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    bound.f32_gemm(y.ptr, outputs, xBlock.ptr, inputs, panels.ptr, M, outputs, inputs, 0, 0, 0, lo, hi);
    const isRight = (value: number, i: number) => {
      const [m, n] = [Math.floor(i / outputs), i % outputs];
      let sum = b[n];
      for (let k = 0; k < inputs; k++) sum += x[m * inputs + k] * w[n * inputs + k];
      return value === sum;
    };
    return workspace
      .view(y)
      .subarray(0, M * outputs)
      .every(isRight);
  });
}
