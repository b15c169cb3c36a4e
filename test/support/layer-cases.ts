/** Random steps that are whole layers: convolution, pooling, recurrence. */
import fc from 'fast-check';
import { directionWords, resetWords } from '../../src/runtime/step-kinds/recurrent.js';
import { poolWords } from '../../src/runtime/step-kinds/windows.js';
import type { Random, StepCase } from './step-cases.js';

const f32 = 'float32';
const pad = fc.nat(3);

/** One axis of windows: kernels of 1 to 5, every stride and dilation, padding that no window lies in alone. */
const windowAxis = fc
  .record({
    kernel: fc.constantFrom(1, 1, 2, 3, 4, 5),
    stride: fc.constantFrom(1, 1, 2, 3),
    dilation: fc.constantFrom(1, 1, 2),
    output: fc.constantFrom(1, 1, 2, 3, 5, 17),
    pads: fc.tuple(fc.nat(2), fc.nat(2)),
  })
  .map(({ kernel, stride, dilation, output, pads: [begin, end] }) => {
    const span = (output - 1) * stride + (kernel - 1) * dilation + 1;
    const [pad, behind] = [Math.min(begin, kernel - 1), Math.min(end, kernel - 1)];
    const input = Math.max(1, span - pad - behind);
    return { kernel, stride, dilation, output, pad: Math.min(pad, span - input), input };
  });

const flatAxis = fc.constant({ kernel: 1, stride: 1, dilation: 1, output: 1, pad: 0, input: 1 });

const windows = fc
  .record({
    axes: fc
      .tuple(fc.oneof(flatAxis, flatAxis, windowAxis), fc.oneof(flatAxis, windowAxis), windowAxis)
      .filter((axes) => axes.reduce((product, { output, kernel }) => product * output * kernel, 1) <= 3000),
    tile: fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 20 })),
    N: fc.constantFrom(0, 1, 1, 2),
    groups: fc.constantFrom(1, 1, 2, 3),
  })
  .map(({ axes, tile: [rows, columns], N, groups }) => {
    const list = (name: keyof (typeof axes)[number]) => axes.map((axis) => axis[name]);
    const sizes = { input: list('input'), kernel: list('kernel'), strides: list('stride'), pads: list('pad') };
    // Tiles of several rows hold whole rows.
    const tile = [rows, rows > 1 ? Math.max(columns, axes[2].output) : columns];
    return { N, groups, ...sizes, dilations: list('dilation'), output: list('output'), tile };
  });

export const conv: fc.Arbitrary<StepCase> = fc
  .record({
    sizes: windows,
    C: fc.constantFrom(0, 1, 1, 2, 3),
    O: fc.constantFrom(0, 1, 2, 4, 5, 9),
    lo: fc.constantFrom(-Infinity, 0),
    hi: fc.constantFrom(Infinity, 6),
  })
  .map(({ sizes, C, O, lo, hi }) => ({ params: { ...sizes, C, O, lo, hi }, dtypes: [f32, f32, f32, f32] }));

export const pool: fc.Arbitrary<StepCase> = fc
  .record({ f: fc.constantFrom(...poolWords), sizes: windows })
  .map(({ f, sizes }) => ({ params: { f, ...sizes }, dtypes: [f32, f32, f32] }));

const recurrentSizes = fc
  .record({
    direction: fc.constantFrom(...directionWords),
    T: fc.constantFrom(0, 1, 2, 5),
    B: fc.constantFrom(0, 1, 2, 3),
    H: fc.constantFrom(0, 1, 3, 4, 5, 8, 17),
    pad,
  })
  .map(({ pad: gap, ...sizes }) => ({ ...sizes, strideT: sizes.B * sizes.H + gap }));

/** Weights small enough for gates that do not saturate. */
const drawRecurrent = (slot: number, random: Random) => (random() - 0.5) * (slot === 0 ? 4 : 1);

/** An inner rank of at most H, or none. */
const rankOf = ({ H }: { readonly H: number }, wanted: number) => (Math.min(H, wanted) > 0 ? Math.min(H, wanted) : 0);

export const lstm: fc.Arbitrary<StepCase> = fc
  .record({ params: recurrentSizes, hasPeepholes: fc.boolean(), wanted: fc.nat(9) })
  .map(({ params, hasPeepholes, wanted }) => {
    const rank = rankOf(params, wanted);
    const inner = rank > 0 ? f32 : undefined;
    return {
      params: { ...params, ...(rank > 0 && { rank }) },
      dtypes: [f32, f32, f32, f32, hasPeepholes || inner ? f32 : undefined, inner, f32, f32, f32],
      draw: drawRecurrent,
    };
  });

export const gru: fc.Arbitrary<StepCase> = fc
  .record({ params: recurrentSizes, reset: fc.constantFrom(...resetWords), wanted: fc.nat(9) })
  .map(({ params, reset, wanted }) => {
    const rank = reset === 'after' ? rankOf(params, wanted) : 0;
    return {
      params: { ...params, reset, ...(rank > 0 && { rank }) },
      dtypes: [f32, f32, f32, f32, rank > 0 ? f32 : undefined, f32, f32],
      draw: drawRecurrent,
    };
  });
