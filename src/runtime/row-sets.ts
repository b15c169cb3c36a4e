/** Rows of tensors by number: out of their places, and back. */
import { allocate, elementCount, Tensor } from './tensor.js';

type Tensors = Readonly<Record<string, Tensor>>;

/** A copy of the given rows of every tensor; the tensors themselves when those are all rows. */
export function gatherRows(tensors: Tensors, rows: Int32Array): Tensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => {
      const { type, data, dims } = tensor;
      if (dims[0] === rows.length) return [name, tensor];
      const stride = elementCount(dims.slice(1));
      const some = allocate(type, rows.length * stride) as Float32Array;
      rows.forEach((row, i) => {
        some.set((data as Float32Array).subarray(row * stride, (row + 1) * stride), i * stride);
      });
      return [name, new Tensor(type, some as never, [rows.length, ...dims.slice(1)])];
    }),
  );
}

/** The rows of either list, ascending as both are. */
export function joinRows(a: Int32Array, b: Int32Array): Int32Array {
  if (a.length === 0 || b.length === 0) return a.length === 0 ? b : a;
  return Int32Array.from(new Set([...a, ...b])).sort();
}

/** Writes row i of every tensor of `some` over row `rows[i]` of the one of its name. */
export function scatterRows(tensors: Tensors, some: Tensors, rows: Int32Array): void {
  for (const [name, { data, dims }] of Object.entries(some)) {
    const stride = elementCount(dims.slice(1));
    const whole = tensors[name].data as Float32Array;
    rows.forEach((row, i) => {
      whole.set((data as Float32Array).subarray(i * stride, (i + 1) * stride), row * stride);
    });
  }
}
