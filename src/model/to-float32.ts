/** Stored floats of every width as float32. */
import { widenHalf } from '../graph/operators/half.js';
import type { TensorData } from '../runtime/tensor.js';

/** Float dtypes of weight files; bfloat16 is the upper half of a float32. */
export type FloatType = 'float32' | 'float64' | 'float16' | 'bfloat16';

const floatBytes: Readonly<Record<FloatType, number>> = { float32: 4, float64: 8, float16: 2, bfloat16: 2 };

export function isFloatType(dtype: string): dtype is FloatType {
  return Object.hasOwn(floatBytes, dtype);
}

/**
 * Little-endian floats as float32; float64 is rounded.
 * @param bytes  whole elements, at any address
 * @returns a view of `bytes` where they are aligned float32 already, else a new array
 */
export function floatsOf(dtype: FloatType, bytes: Uint8Array<ArrayBuffer>): TensorData<'float32'> {
  const width = floatBytes[dtype];
  const { buffer, byteOffset } = byteOffsetFits(bytes, width) ? bytes : new Uint8Array(bytes);
  const count = bytes.length / width;
  if (dtype === 'float32') return new Float32Array(buffer, byteOffset, count);
  if (dtype === 'float64') return Float32Array.from(new Float64Array(buffer, byteOffset, count)) as never;
  const bits = new Uint16Array(buffer, byteOffset, count);
  if (dtype === 'float16') return widenHalf(bits);
  const floats = new Float32Array(count);
  const words = new Uint32Array(floats.buffer);
  for (let i = 0; i < count; i++) words[i] = bits[i] << 16;
  return floats;
}

const byteOffsetFits = (bytes: Uint8Array, width: number) => bytes.byteOffset % width === 0;
