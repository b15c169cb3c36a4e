/** IEEE 754 binary16 and bfloat16, of which JavaScript (Node 20) has no typed arrays: raw bits to number and back. */

const scratch = new DataView(new ArrayBuffer(4));

/** The number that half bits stand for. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

let halves: Float32Array | undefined;

/** Halves as float32, by a table of all of them. */
export function widenHalf(bits: Uint16Array): Float32Array<ArrayBuffer> {
  halves ??= Float32Array.from({ length: 65_536 }, (_, pattern) => halfToNumber(pattern));
  const floats = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) floats[i] = halves[bits[i]];
  return floats;
}

/** value / unit rounded to the nearest whole number, ties to even. */
function roundToEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
}

/** The half bits nearest to a number, ties to even; overflow gives infinity. */
export function numberToHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const magnitude = Math.abs(value);
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundToEven(magnitude * 2 ** 24);
  // The exponent of the number, read from its single precision bits, which never round a binade up here.
  scratch.setFloat32(0, magnitude);
  let exponent = (scratch.getUint32(0) >> 23) - 127;
  if (magnitude < 2 ** exponent) exponent--;
  return sign | (((exponent + 14) << 10) + roundToEven(magnitude * 2 ** (10 - exponent)));
}

/** The halves nearest to float32, as {@link numberToHalf} rounds each. */
export function narrowToHalves(values: Float32Array): Uint16Array<ArrayBuffer> {
  const halves = new Uint16Array(values.length);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < values.length; i++) {
    const magnitude = bits[i] & 0x7fffffff;
    // Normal halves, 2^-14 to below 65520: the exponent moves by 127 - 15, and 13 bits of the fraction go.
    if (magnitude >= 0x38800000 && magnitude < 0x477ff000) {
      const moved = magnitude - 0x38000000;
      const [half, rest] = [moved >>> 13, moved & 0x1fff];
      const isUp = rest > 0x1000 || (rest === 0x1000 && (half & 1) === 1);
      halves[i] = ((bits[i] >>> 16) & 0x8000) | (isUp ? half + 1 : half);
    } else halves[i] = numberToHalf(values[i]);
  }
  return halves;
}

/** The number that bfloat16 bits stand for: the float32 whose upper half they are. */
export function bfloat16ToNumber(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}

/** The bfloat16 bits nearest to a float32, ties to even; overflow gives infinity. */
export function numberToBfloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}
