/** Elements of tensors for the reference evaluators: floats as numbers (f64 inside), integers as wrapped bigints. */
import { allocate, type DType, elementCount, Tensor, type TensorData } from '../../runtime/tensor.js';
import { bfloat16ToNumber, halfToNumber, numberToBfloat16, numberToHalf } from './half.js';

export const floatDTypes: readonly DType[] = ['float32', 'float64', 'float16'];
export const signedDTypes: readonly DType[] = ['int8', 'int16', 'int32', 'int64'];
export const unsignedDTypes: readonly DType[] = ['uint8', 'uint16', 'uint32', 'uint64'];
export const wideIntegerDTypes: readonly DType[] = ['int32', 'int64', 'uint32', 'uint64'];
export const integerDTypes: readonly DType[] = [...signedDTypes, ...unsignedDTypes];
export const numericDTypes: readonly DType[] = [...floatDTypes, ...integerDTypes];
export const allDTypes: readonly DType[] = [...numericDTypes, 'bool'];

/** Whether elements are real numbers; operators claim bfloat16 one by one. */
export function isFloat(dtype: DType): boolean {
  return floatDTypes.includes(dtype) || dtype === 'bfloat16';
}

const bitsOf: Partial<Record<DType, number>> = {
  int8: 8,
  int16: 16,
  int32: 32,
  int64: 64,
  uint8: 8,
  uint16: 16,
  uint32: 32,
  uint64: 64,
  bool: 1,
};

/** Elements as numbers; 64-bit integers lose what lies beyond 2^53. */
export function toNumbers(tensor: Tensor): ArrayLike<number> {
  if (tensor.type === 'float16') return Float64Array.from(tensor.data as Uint16Array, halfToNumber);
  if (tensor.type === 'bfloat16') return Float64Array.from(tensor.data as Uint16Array, bfloat16ToNumber);
  if (tensor.type === 'int64' || tensor.type === 'uint64') {
    return Float64Array.from(tensor.data as BigInt64Array as Iterable<bigint>, Number);
  }
  return tensor.data as Float32Array;
}

/** Elements as they are told to people and programs: numbers, 64-bit integers as bigints. */
export function toValues(tensor: Tensor): ArrayLike<number | bigint> {
  return isFloat(tensor.type) ? toNumbers(tensor) : tensor.data;
}

/** Integer or bool elements as bigints. */
export function toBigints(tensor: Tensor): ArrayLike<bigint> {
  if (tensor.type === 'int64' || tensor.type === 'uint64') return tensor.data as BigInt64Array;
  return Array.from(tensor.data as Int32Array, BigInt);
}

/** How a number is stored where the array does not round it on its own. */
const storedForms: Partial<Record<DType, (value: number) => number>> = {
  float16: numberToHalf,
  bfloat16: numberToBfloat16,
  bool: (value) => Number(value !== 0),
};

/** Stores a number as an element of a float dtype or bool. */
function storeNumber(dtype: DType, data: TensorData, at: number, value: number): void {
  (data as Float32Array)[at] = storedForms[dtype]?.(value) ?? value;
}

/** A bigint wrapped into the range of an integer dtype, as the hardware wraps. */
export function wrap(dtype: DType, value: bigint): bigint {
  const bits = bitsOf[dtype] ?? 64;
  return dtype.startsWith('int') ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}

/** A tensor of a float dtype or bool whose element i is `valueAt(i)`. */
export function fillNumbers(dtype: DType, dims: readonly number[], valueAt: (index: number) => number): Tensor {
  const data = allocate(dtype, elementCount(dims));
  for (let i = 0; i < data.length; i++) storeNumber(dtype, data, i, valueAt(i));
  return new Tensor(dtype, data, dims);
}

/** A tensor of an integer dtype whose element i is `valueAt(i)`, wrapped. */
export function fillBigints(dtype: DType, dims: readonly number[], valueAt: (index: number) => bigint): Tensor {
  const data = allocate(dtype, elementCount(dims));
  const isWide = data instanceof BigInt64Array || data instanceof BigUint64Array;
  for (let i = 0; i < data.length; i++) {
    const value = wrap(dtype, valueAt(i));
    if (isWide) (data as BigInt64Array)[i] = value;
    else (data as Int32Array)[i] = Number(value);
  }
  return new Tensor(dtype, data, dims);
}

/** A tensor of the same dtype whose element i is element `sourceAt(i)` of `source`; nothing is converted. */
export function pick(source: Tensor, dims: readonly number[], sourceAt: ArrayLike<number>): Tensor {
  const data = allocate(source.type, elementCount(dims)) as Float32Array;
  const from = source.data as Float32Array;
  for (let i = 0; i < data.length; i++) data[i] = from[sourceAt[i]];
  return new Tensor(source.type, data as TensorData, dims);
}

/** The larger of two integers; Math.max takes no bigint. */
export function larger(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}

/** The smaller of two integers. */
export function smaller(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}
