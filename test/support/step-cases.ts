/** Random steps of every kind: params, dtypes of the operands, and what their elements are drawn from. */
import fc from 'fast-check';
import { panelLength } from '../../src/runtime/panels.js';
import type { BoundParams } from '../../src/runtime/step-kind.js';
import { binaryWords, castDtypes } from '../../src/runtime/step-kinds/elementwise.js';
import { bagWords } from '../../src/runtime/step-kinds/gather.js';
import { reduceWords } from '../../src/runtime/step-kinds/reduce.js';
import { softmaxWords } from '../../src/runtime/step-kinds/softmax.js';
import { unaryWords } from '../../src/runtime/step-kinds/unary.js';
import { allocate, type DType } from '../../src/runtime/tensor.js';
import { conv, gru, lstm, pool } from './layer-cases.js';
import { attention } from './transformer-cases.js';

/** A random number in [0, 1). */
export type Random = () => number;

export interface StepCase {
  readonly params: BoundParams;
  /** Dtype by slot, undefined where the operand is absent. */
  readonly dtypes: readonly (DType | undefined)[];
  /** An element for `slot`; finite floats in [-4, 4) or integers by dtype if absent. */
  draw?(slot: number, random: Random): number;
}

const f32 = 'float32';

/** Sizes around the width of a vector and of a panel, 0 included. */
const size = fc.oneof(fc.constantFrom(0, 1, 3, 4, 5, 15, 16, 17), fc.integer({ min: 0, max: 40 }));
const count = fc.oneof(size, fc.integer({ min: 0, max: 1000 }));
const pad = fc.nat(3);
const real = fc.integer({ min: -400, max: 400 }).map((n) => n / 100);

/** Any bit pattern of a float32: denormals, infinities and NaN come up. */
function anyFloat(random: Random): number {
  const bits = Uint32Array.of(random() * 2 ** 32);
  return new Float32Array(bits.buffer)[0];
}

const mostlyFinite = (random: Random) => (random() < 0.8 ? random() * 8 - 4 : anyFloat(random));

const gemm: fc.Arbitrary<StepCase> = fc
  .record({
    M: size,
    N: size,
    K: size,
    R: fc.constantFrom(0, 0, 1, 5),
    pads: fc.tuple(pad, pad, pad, pad),
    batches: fc.constantFrom(0, 1, 1, 2, 3),
    isShared: fc.boolean(),
    lo: fc.constantFrom(-Infinity, 0),
    hi: fc.constantFrom(Infinity, 6),
  })
  .map(({ M, N, K, R, pads: [px, pz, py, pp], batches, isShared, lo, hi }) => {
    const [ldx, ldz, ldy] = [K + px, R + pz, N + py];
    const stridePanels = isShared ? 0 : panelLength(N, K + R) + pp;
    const strides = { strideX: M * ldx + px, stridePanels, strideZ: M * ldz, strideY: M * ldy + py };
    return {
      params: { M, N, K, R, ldx, ldz, ldy, lo, hi, batches, ...strides },
      dtypes: [f32, f32, R > 0 ? f32 : undefined, f32],
    };
  });

const pack: fc.Arbitrary<StepCase> = fc
  .record({
    N: size,
    K: size,
    isTransposed: fc.boolean(),
    hasBias: fc.boolean(),
    biasStride: fc.nat(2),
    batches: fc.constantFrom(0, 1, 1, 2),
    pad,
  })
  .map(({ N, K, isTransposed, hasBias, biasStride, batches, pad: gap }) => {
    const [strideN, strideK] = isTransposed ? [1, N + gap] : [K + gap, 1];
    const strides = { strideB: N * strideN + K * strideK, strideBias: gap, stridePanels: panelLength(N, K) + gap };
    return {
      params: { N, K, strideN, strideK, biasStride, batches, ...strides },
      dtypes: [f32, hasBias ? f32 : undefined, f32],
    };
  });

const unary: fc.Arbitrary<StepCase> = fc
  .record({ f: fc.constantFrom(...unaryWords), count, alpha: real, beta: real })
  .map(({ f, count, alpha, beta }) => ({
    params: { f, count, alpha: Math.fround(alpha), beta: Math.fround(beta) },
    dtypes: [f32, f32],
    draw: (_slot, random) => mostlyFinite(random),
  }));

/** Dims with strides of a box that lies in a larger array: axes in any order, with gaps, some broadcast. */
const box = fc
  .array(
    fc.record({
      dim: fc.constantFrom(0, 1, 2, 3, 4, 5, 7, 9, 17),
      order: fc.nat(99),
      gap: fc.constantFrom(0, 0, 0, 1),
      isBroadcast: fc.constantFrom(false, false, true),
    }),
    { maxLength: 5 },
  )
  .filter((axes) => axes.reduce((product, { dim }) => product * dim, 1) <= 3000);

type Axes = typeof box extends fc.Arbitrary<infer T> ? T : never;

/** Strides that lay the axes out in the order of `orders`; where `isFlat`, axes marked so get stride 0. */
function stridesOf(axes: Axes, orders: readonly number[], hasBroadcast: boolean): number[] {
  const strides = axes.map(() => 0);
  let stride = 1;
  for (const d of axes.map((_, d) => d).sort((a, b) => orders[b] - orders[a] || b - a)) {
    if (hasBroadcast && axes[d].isBroadcast) continue;
    strides[d] = stride;
    stride = stride * axes[d].dim + axes[d].gap;
  }
  return strides;
}

const binary: fc.Arbitrary<StepCase> = fc
  .record({ f: fc.constantFrom(...binaryWords), axes: box, sides: fc.tuple(fc.nat(3), fc.nat(3)) })
  .map(({ f, axes, sides }) => {
    // Side 0: contiguous. 1: broadcast axes. 2: other order. 3: both.
    const [stridesA, stridesB] = sides.map((side) =>
      stridesOf(
        side === 0 ? axes.map((axis) => ({ ...axis, gap: 0 })) : axes,
        axes.map(({ order }) => (side >= 2 ? order : 0)),
        side % 2 === 1,
      ),
    );
    return {
      params: { f, dims: axes.map(({ dim }) => dim), stridesA, stridesB },
      dtypes: [f32, f32, f32],
      draw: (_slot, random) => (random() < 0.3 ? Math.trunc(random() * 9 - 4) : mostlyFinite(random)),
    };
  });

const select: fc.Arbitrary<StepCase> = fc
  .record({ f: fc.constantFrom('nonzero', 'nan'), axes: box, sides: fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3)) })
  .map(({ f, axes, sides }) => {
    const [stridesC, stridesA, stridesB] = sides.map((side) =>
      stridesOf(
        axes,
        axes.map(({ order }) => (side >= 2 ? order : 0)),
        side % 2 === 1,
      ),
    );
    return {
      params: { f, dims: axes.map(({ dim }) => dim), stridesC, stridesA, stridesB },
      dtypes: [f32, f32, f32, f32],
      draw: (slot, random) =>
        slot === 2 && random() < 0.5 ? [0, -0, Number.NaN][Math.floor(random() * 3)] : mostlyFinite(random),
    };
  });

const along = (words: readonly string[]): fc.Arbitrary<StepCase> =>
  fc
    .record({
      f: fc.constantFrom(...words),
      outer: fc.nat(4),
      axis: fc.oneof(size, fc.nat(300)),
      inner: fc.constantFrom(0, 1, 1, 1, 2, 3, 4, 5, 9),
    })
    .map((params) => ({
      params,
      dtypes: [f32, f32],
      // Factors near 1: the bound of a product holds where no partial overflows or vanishes.
      draw: (_slot, random) => (params.f === 'prod' ? 0.75 + random() / 2 : random() * 8 - 4),
    }));

const movable: Readonly<Record<number, DType>> = { 1: 'uint8', 2: 'int16', 4: 'float32', 8: 'float64' };
const bytes = fc.constantFrom(1, 2, 4, 4, 8);

const copy: fc.Arbitrary<StepCase> = fc
  .record({ elementBytes: bytes, axes: box, flips: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }) })
  .map(({ elementBytes, axes, flips }) => {
    const orders = axes.map(({ order }) => order);
    const flip = (stride: number, d: number) => (flips[d] && d % 2 === 1 ? -stride : stride);
    const srcStrides = stridesOf(axes, orders, true).map(flip);
    const dstStrides = stridesOf(
      axes,
      orders.map(() => 0),
      false,
    );
    return {
      params: { elementBytes, dims: axes.map(({ dim }) => dim), srcStrides, dstStrides },
      dtypes: [movable[elementBytes], movable[elementBytes]],
    };
  });

const index = (first: number, end: number) => (random: Random) => first + Math.floor(random() * (end - first));

const gatherColumns: fc.Arbitrary<StepCase> = fc
  .record({ M: size, N: size, columns: fc.integer({ min: 1, max: 30 }), pads: fc.tuple(pad, pad) })
  .map(({ M, N, columns, pads: [px, py] }) => ({
    params: { M, N, columns, ldx: columns + px, ldy: N + py },
    dtypes: [f32, 'int32', f32],
    draw: (slot, random) => (slot === 1 ? index(0, columns)(random) : mostlyFinite(random)),
  }));

const gather: fc.Arbitrary<StepCase> = fc
  .record({
    elementBytes: bytes,
    outer: fc.nat(3),
    axis: fc.integer({ min: 1, max: 20 }),
    inner: fc.nat(9),
    count: size,
  })
  .map((params) => ({
    params,
    dtypes: [movable[params.elementBytes], 'int32', movable[params.elementBytes]],
    draw: (slot, random) => (slot === 1 ? index(-params.axis, params.axis)(random) : Math.floor(random() * 100)),
  }));

const embeddingBag: fc.Arbitrary<StepCase> = fc
  .record({
    mode: fc.constantFrom(...bagWords),
    M: fc.nat(5),
    L: size,
    V: fc.integer({ min: 1, max: 20 }),
    D: size,
    pad,
    hasBias: fc.boolean(),
  })
  .map(({ mode, M, L, V, D, pad: gap, hasBias }) => ({
    params: { mode, M, L, V, D, ldy: D + gap },
    dtypes: ['int32', f32, hasBias ? f32 : undefined, f32],
    draw: (slot, random) => (slot === 0 ? index(-2, V)(random) : random() * 8 - 4),
  }));

const cast: fc.Arbitrary<StepCase> = fc
  .record({ from: fc.constantFrom(...castDtypes), to: fc.constantFrom(...castDtypes), count })
  .map(({ from, to, count }) => ({
    params: { from, to, count },
    dtypes: [from, to],
    draw(_slot, random) {
      const isReal = from === 'float32' || from === 'float64';
      if (isReal) return random() < 0.5 ? random() * 600 - 300 : anyFloat(random);
      return random() < 0.2 ? 0 : Math.floor((random() - 0.5) * 2 ** Math.floor(random() * 64));
    },
  }));

const fill: fc.Arbitrary<StepCase> = fc
  .record({ count, value: real, bits: fc.integer(), isInteger: fc.boolean() })
  .map(({ count, value, bits, isInteger }) => ({
    params: isInteger ? { count, bits } : { count, value },
    dtypes: [isInteger ? 'int32' : f32],
  }));

/** Random steps by kind; a test checks that none is missing. */
const gemmOfNumbers: fc.Arbitrary<StepCase> = fc
  .record({
    M: fc.oneof(size, fc.constantFrom(64, 65)),
    N: size,
    K: size,
    R: fc.constantFrom(0, 0, 1, 5),
    pads: fc.tuple(pad, pad, pad),
    lo: fc.constantFrom(-Infinity, 0),
    hi: fc.constantFrom(Infinity, 6),
  })
  .map(({ M, N, K, R, pads: [px, pz, py], lo, hi }) => ({
    params: { dtype: f32, M, N, K, R, ldx: K + px, ldz: R + pz, ldy: N + py, lo, hi },
    dtypes: [f32, 'int8', R > 0 ? f32 : undefined, f32],
    // Bytes of which any four are a float of moderate size.
    draw: (slot, random) => (slot === 1 ? Math.floor(random() * 61) : random() * 8 - 4),
  }));

const requantize: fc.Arbitrary<StepCase> = fc
  .record({ dtype: fc.constantFrom('uint8' as const, 'int8' as const), M: fc.nat(5), N: size })
  .map(({ dtype, M, N }) => ({
    params: { dtype, M, N },
    dtypes: ['int32', 'float64', dtype, dtype],
    draw: (slot, random) => {
      if (slot === 0) return Math.floor(random() * 2 ** 32) - 2 ** 31;
      if (slot === 1) return random() < 0.05 ? anyFloat(random) : 2 ** -24 * random() ** 4;
      return Math.floor(random() * 256) - (dtype === 'uint8' ? 0 : 128);
    },
  }));

const gemmOfBytes: fc.Arbitrary<StepCase> = fc
  .record({
    dtype: fc.constantFrom('uint8' as const, 'int8' as const),
    M: size,
    N: size,
    K: size,
    hasZero: fc.boolean(),
  })
  .map(({ dtype, M, N, K, hasZero }) => ({
    params: { dtype, M, N, K },
    dtypes: [dtype, 'int8', hasZero ? dtype : undefined, 'int32'],
    draw: (slot, random) => Math.floor(random() * 256) - (slot !== 1 && dtype === 'uint8' ? 0 : 128),
  }));

export const stepCases: Readonly<Record<string, fc.Arbitrary<StepCase>>> = {
  gemm,
  pack,
  unary,
  binary,
  select,
  reduce: along(reduceWords),
  softmax: along(softmaxWords),
  copy,
  'gather-columns': gatherColumns,
  gather,
  'embedding-bag': embeddingBag,
  cast,
  fill,
  conv,
  pool,
  lstm,
  gru,
  'gemm-int8': fc.oneof(gemmOfNumbers, gemmOfBytes),
  requantize,
  attention,
};

/** An element of `dtype` near `value`: as its array would store it. */
export function toElement(dtype: DType, value: number): number | bigint {
  const one = allocate(dtype, 1) as Float64Array | BigInt64Array;
  if (one instanceof BigInt64Array) one[0] = Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n;
  else one[0] = value;
  return one[0];
}
