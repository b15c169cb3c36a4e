import type { Samples } from '../../src/annealing/matrix.js';
import type { Tensor } from '../../src/runtime/tensor.js';

/** Keeps the weights of each row with the largest |w| ||x||, as Wanda does; the others become zero. */
export function keepByWanda(weight: Tensor<'float32'>, x: Samples, keep: number): Float32Array {
  const [rows, columns] = weight.dims;
  const norms = new Float64Array(columns);
  x.data.forEach((value, e) => {
    norms[e % columns] += value * value;
  });
  const kept = weight.data.slice();
  for (let i = 0; i < rows; i++) {
    const row = kept.subarray(i * columns, (i + 1) * columns);
    const order = Array.from(row.keys()).sort((a, b) => row[b] ** 2 * norms[b] - row[a] ** 2 * norms[a]);
    for (const j of order.slice(Math.round(keep * columns))) row[j] = 0;
  }
  return kept;
}
