/** Converts data to the dtype that a model's input wants. */
import { fillNumbers, isFloat, toNumbers, toValues } from '../../graph/operators/elements.js';
import { type DType, elementBytes, elementCount, Tensor, viewOf } from '../../runtime/tensor.js';
import { invalidData } from './limits.js';

const integerRange: Partial<Record<DType, readonly [number | bigint, number | bigint]>> = {
  bool: [0, 1],
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65_535],
  int16: [-32_768, 32_767],
  uint32: [0, 2 ** 32 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0, 2n ** 64n - 1n],
};

/**
 * The same numbers as another dtype: floats are rounded, integers must fit, and be exact: floats beyond 2^53 do not count.
 * @param where  what error sentences speak of, e.g. `input "x"`
 * @returns the tensor itself when it has the dtype already
 * @throws DATA_INVALID when a number does not fit
 */
export function convertTensor(tensor: Tensor, dtype: DType, where: string): Tensor {
  if (tensor.type === dtype) return tensor;
  if (isFloat(dtype)) {
    const values = toNumbers(tensor);
    return fillNumbers(dtype, tensor.dims, (i) => values[i]);
  }
  const range = integerRange[dtype]!;
  const isBig = dtype === 'int64' || dtype === 'uint64';
  const count = elementCount(tensor.dims);
  const data = viewOf(dtype, new ArrayBuffer(count * elementBytes(dtype)), 0, count) as { [index: number]: unknown };
  const values = toValues(tensor);
  for (let i = 0; i < count; i++) {
    const value = values[i];
    const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value);
    if (!(isWhole && value >= range[0] && value <= range[1])) {
      throw invalidData(where, `element ${i} does not fit: got ${value}, expected ${dtype}.`, { index: i, value });
    }
    data[i] = isBig ? BigInt(value) : Number(value);
  }
  return new Tensor(dtype, data as never, tensor.dims);
}
