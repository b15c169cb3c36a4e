/** Random steps of attention. */
import fc from 'fast-check';
import type { StepCase } from './step-cases.js';

const f32 = 'float32';

/** Row-major strides of `dims` laid out in the order `perm` of its axes, with a gap behind each row. */
function stridesIn(dims: readonly number[], perm: readonly number[], gap: number): number[] {
  const strides = dims.map(() => 0);
  let stride = 1;
  for (const axis of [...perm].reverse()) {
    strides[axis] = stride;
    stride = stride * dims[axis] + gap;
  }
  return strides;
}

/** Heads side by side in a row, or one after the other. */
const rowsOrder = fc.constantFrom([0, 1, 2, 3], [0, 2, 1, 3]);
const anyOrder = fc.constantFrom([0, 1, 2, 3], [0, 2, 1, 3], [0, 1, 3, 2]);

export const attention: fc.Arbitrary<StepCase> = fc
  .record({
    B: fc.constantFrom(0, 1, 1, 2),
    H: fc.constantFrom(1, 1, 2, 3),
    M: fc.constantFrom(0, 1, 2, 5, 23, 24, 25, 49),
    T: fc.constantFrom(0, 1, 3, 4, 8, 9, 15, 16, 17, 33),
    D: fc.constantFrom(0, 1, 4, 7, 16),
    E: fc.constantFrom(0, 1, 3, 4, 8, 9, 16, 17),
    orders: fc.tuple(rowsOrder, anyOrder, anyOrder, rowsOrder),
    gap: fc.nat(2),
    mask: fc.constantFrom('none', 'keys', 'rows'),
    scale: fc.constantFrom(1, 0.25, 0.1),
  })
  .map(({ orders: [orderQ, orderK, orderV, orderY], gap, mask, scale, ...sizes }) => {
    const { B, H, M, T, D, E } = sizes;
    const strides = {
      stridesQ: stridesIn([B, H, M, D], orderQ, gap).slice(0, 3),
      stridesK: stridesIn([B, H, T, D], orderK, gap),
      stridesV: stridesIn([B, H, T, E], orderV, gap),
      stridesMask: mask === 'rows' ? stridesIn([B, H, M, T], [0, 1, 2, 3], gap).slice(0, 3) : [T, 0, 0],
      stridesY: stridesIn([B, H, M, E], orderY, gap).slice(0, 3),
    };
    return {
      params: { dims: [B, H, M, T, D, E], ...strides, scale: Math.fround(scale) },
      dtypes: [f32, f32, f32, mask === 'none' ? undefined : f32, f32, f32],
      // A masked key counts as nothing.
      draw: (slot, random) => (slot === 3 && random() < 0.3 ? -1e4 : random() * 8 - 4),
    };
  });
