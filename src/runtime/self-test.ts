/** Whether a kernel module computes right on this host: one linear layer, against plain loops. */
import { bindRuntime, type Kernels } from './kernels.js';
import { panelLength } from './panels.js';
import { createMemory } from './wasm.js';

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
  let end = bound.heap_base();
  /** Copies numbers behind what stands in memory; all of it is far less than a page. */
  const place = (data: Float32Array): Float32Array => {
    const view = new Float32Array(memory.buffer, Math.ceil(end / 64) * 64, data.length);
    view.set(data);
    end = view.byteOffset + view.byteLength;
    return view;
  };
  const [x, w, b] = [place(numbers(rows * inputs, 5)), place(numbers(outputs * inputs, 7)), place(numbers(outputs, 3))];
  const panels = place(new Float32Array(panelLength(outputs, inputs)));
  const y = place(new Float32Array(rows * outputs));
  bound.f32_pack_linear(panels.byteOffset, w.byteOffset, inputs, 1, b.byteOffset, 1, outputs, inputs);
  return [rows, 1].every((M) => {
    y.fill(Number.NaN);
    const [lo, hi] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    const [yPtr, xPtr, panelPtr] = [y, x, panels].map(({ byteOffset }) => byteOffset);
    bound.f32_gemm(yPtr, outputs, xPtr, inputs, panelPtr, M, outputs, inputs, 0, 0, 0, lo, hi);
    const isRight = (value: number, i: number) => {
      const [m, n] = [Math.floor(i / outputs), i % outputs];
      let sum = b[n];
      for (let k = 0; k < inputs; k++) sum += x[m * inputs + k] * w[n * inputs + k];
      return value === sum;
    };
    return y.subarray(0, M * outputs).every(isRight);
  });
}
