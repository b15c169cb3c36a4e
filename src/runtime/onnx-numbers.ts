/** The numbers of dtypes in ONNX files, TensorProto.DataType. */
import type { DType } from './tensor.js';

const numbers: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
};

/** The number of a dtype. */
export function onnxNumber(dtype: DType): number {
  return numbers[dtype];
}

/** The dtype with a number, if kerf knows it. */
export function dtypeOfOnnxNumber(number: number): DType | undefined {
  return (Object.keys(numbers) as DType[]).find((name) => numbers[name] === number);
}
