/** Matrices from panels, see panels.ts. */
import { halfToNumber } from '../../graph/operators/half.js';
import { panelWidth } from '../../runtime/panels.js';
import type { PlanWeight } from '../../runtime/plan.js';
import { Tensor } from '../../runtime/tensor.js';

/** W [N, K], and b [N] or what stands in its place. */
export interface Unpacked {
  readonly W: Tensor;
  readonly b: Tensor;
}

/** Calls back for each panel: its first output, its width, how many outputs it has. */
function forEachPanel(N: number, visit: (n: number, width: number, outputs: number) => void): void {
  for (let n = 0; n < N; n += 16) {
    const width = panelWidth(N, n / 16);
    visit(n, width, Math.min(width, N - n));
  }
}

/** @param first  element at which the panels begin */
export function unpackPanels({ data, dtype }: PlanWeight, N: number, K: number, first: number): Unpacked {
  const numbers = data as Float32Array | Uint16Array;
  const read = dtype === 'float16' ? (at: number) => halfToNumber(numbers[at]) : (at: number) => numbers[at];
  const [W, b] = [new Float32Array(N * K), new Float32Array(N)];
  let at = first;
  forEachPanel(N, (n, width, outputs) => {
    for (let j = 0; j < outputs; j++) {
      b[n + j] = read(at + j);
      for (let k = 0; k < K; k++) W[(n + j) * K + k] = read(at + (k + 1) * width + j);
    }
    at += width * (K + 1);
  });
  return { W: new Tensor('float32', W, [N, K]), b: new Tensor('float32', b, [N]) };
}

/** The integers of int8 panels as they are, and for each output its scale and the word in front. */
export function unpackBytes({ data }: PlanWeight, N: number, K: number) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const integers = new Int8Array(N * K);
  const [scales, words] = [new Float32Array(N), new DataView(new ArrayBuffer(4 * N))];
  let at = 0;
  forEachPanel(N, (n, width, outputs) => {
    for (let j = 0; j < outputs; j++) {
      words.setUint32(4 * (n + j), view.getUint32(at + 4 * j, true), true);
      scales[n + j] = view.getFloat32(at + 4 * (width + j), true);
      for (let k = 0; k < K; k++) {
        integers[(n + j) * K + k] = view.getInt8(at + 8 * width + (k - (k % 2)) * width + 2 * j + (k % 2));
      }
    }
    at += width * (8 + K + (K % 2));
  });
  return { integers, scales, words };
}

/** Weights of int8 panels as the numbers that they stand for, with the bias. */
export function unpackInt8(weight: PlanWeight, N: number, K: number): Unpacked {
  const { integers, scales, words } = unpackBytes(weight, N, K);
  const W = Float32Array.from(integers, (integer, i) => integer * scales[Math.floor(i / Math.max(1, K))]);
  const b = Float32Array.from({ length: N }, (_, n) => words.getFloat32(4 * n, true));
  return { W: new Tensor('float32', W, [N, K]), b: new Tensor('float32', b, [N]) };
}
