/** Plain twins of the int8 linear kernels: packing, rounding of inputs, exact sums, outputs. */

/** A layer of int8 weights: w [N, K + R], add and scale [N]. */
export interface Int8Case {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly R: number;
  readonly x: Float32Array;
  readonly ldx: number;
  readonly z: Float32Array;
  readonly ldz: number;
  readonly w: Int8Array;
  readonly scale: Float32Array;
  readonly bias: Float32Array;
  readonly lo: number;
  readonly hi: number;
}

const even = (count: number) => count + (count % 2);

/** Panels: | add[W] | scale[W] | pairs of inputs: W outputs x 2 weights |, W = 16, or 8 for a last panel of 1..8. */
export function packInt8(
  w: Int8Array,
  add: Float32Array | Int32Array,
  scale: Float32Array,
  N: number,
  K: number,
): Uint8Array {
  const panels: number[] = [];
  for (let n = 0; n < N; n += 16) {
    const width = N - n <= 8 ? 8 : 16;
    const head = new ArrayBuffer(8 * width);
    for (let i = 0; i < Math.min(width, N - n); i++) {
      new (add.constructor as Float32ArrayConstructor)(head)[i] = add[n + i]!;
      new Float32Array(head)[width + i] = scale[n + i]!;
    }
    panels.push(...new Uint8Array(head));
    for (let k = 0; k < even(K); k += 2) {
      for (let i = 0; i < width; i++) {
        for (const at of [k, k + 1]) panels.push(n + i < N && at < K ? w[(n + i) * K + at]! & 255 : 0);
      }
    }
  }
  return Uint8Array.from(panels);
}

/** The nearest integer, ties to even. */
export function nearest(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low;
}

/** A row of inputs as integers, and its scale. */
export function quantizeInputs(row: ArrayLike<number>): { q: number[]; scale: number } {
  const values = Array.from(row);
  const limit = Math.max(1, Math.min(32767, Math.floor((2 ** 31 - 1) / 128 / Math.max(1, values.length))));
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const zeros = values.map(() => 0);
  if (!Number.isFinite(largest)) return { q: zeros, scale: Number.NaN };
  if (largest < Math.fround(1e-30)) return { q: zeros, scale: 0 };
  const inverse = Math.fround(limit / largest);
  return { q: values.map((value) => nearest(Math.fround(value * inverse))), scale: Math.fround(largest / limit) };
}

/** The inputs of row m of both sources, side by side. */
export function rowOf(c: Int8Case, m: number): number[] {
  const x = c.x.subarray(m * c.ldx, m * c.ldx + c.K);
  return [...x, ...c.z.subarray(m * c.ldz, m * c.ldz + c.R)];
}

/** Output [m, n] in the stated order of roundings; the sum is exact. */
export function int8Output(c: Int8Case, q: readonly number[], rowScale: number, n: number): number {
  let sum = 0n;
  for (let k = 0; k < q.length; k++) sum += BigInt(q[k]!) * BigInt(c.w[n * q.length + k]!);
  if (sum !== BigInt.asIntN(32, sum)) throw new Error(`the sum leaves 32 bits: ${sum}`);
  const scaled = Math.fround(Math.fround(Number(sum)) * Math.fround(rowScale * c.scale[n]!));
  const y = Math.fround(c.bias[n]! + scaled);
  return Number.isNaN(y) ? y : Math.min(Math.max(y, c.lo), c.hi);
}

/**
 * Output [m, n] in f64 from inputs that are not rounded, and how far the kernel may be from it: half a step of the
 * inputs for each weight, and the float32 roundings of the scales, of the sum and of the output.
 */
export function int8Truth(c: Int8Case, m: number, n: number): { value: number; bound: number } {
  const row = rowOf(c, m);
  const { scale } = quantizeInputs(row);
  let [sum, absolute, weights] = [0, 0, 0];
  row.forEach((x, k) => {
    const w = c.w[n * row.length + k]! * c.scale[n]!;
    sum += x * w;
    absolute += Math.abs(x * w);
    weights += Math.abs(w);
  });
  const u = 2 ** -24;
  const value = c.bias[n]! + sum;
  // x inverse is off by 3 u of x / scale before it is rounded to an integer; sum, scale and product by 5 u more.
  const bound = (scale / 2) * weights * (1 + 8 * u) + 8 * u * absolute + 2 * u * (Math.abs(c.bias[n]!) + absolute);
  return { value: Math.min(Math.max(value, c.lo), c.hi), bound };
}
