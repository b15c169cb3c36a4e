/** TensorProto -> Tensor: whichever of raw, typed or external storage the file uses. */
import { decodeMessage } from '../graph/protobuf/decode.js';
import { type TensorMessage, tensorTable } from '../graph/protobuf/onnx-schema.js';
import { KerfError } from '../runtime/errors.js';
import { type DType, dtypeOfOnnxNumber, elementBytes, elementCount, Tensor, viewOf } from '../runtime/tensor.js';
import { checkedDims } from './dimensions.js';
import { decodeLimits, defaultLimits, type ModelLimits } from './limits.js';
import type { ModelFolder } from './model-folder.js';
import { quote } from './quote.js';

/** Names of the ONNX element types that kerf has no dtype for. */
const foreignTypes: Readonly<Record<number, string>> = {
  0: 'undefined',
  8: 'string',
  14: 'complex64',
  15: 'complex128',
  17: 'float8e4m3fn',
  18: 'float8e4m3fnuz',
  19: 'float8e5m2',
  20: 'float8e5m2fnuz',
  21: 'uint4',
  22: 'int4',
  23: 'float4e2m1',
};

/** Where tensors come from: the limits, and the folder with external data if the model has one. */
export interface TensorSource {
  readonly limits: ModelLimits;
  readonly folder?: ModelFolder | undefined;
}

/**
 * The dtype of an ONNX element type number.
 * @throws DTYPE_UNSUPPORTED when kerf has none
 */
export function dtypeOf(number: number, where: string): DType {
  const dtype = dtypeOfOnnxNumber(number);
  if (dtype) return dtype;
  const name = foreignTypes[number] ?? `number ${number}`;
  throw new KerfError('DTYPE_UNSUPPORTED', where, `element type ${name} is not supported. Convert the model first.`, {
    onnxType: number,
  });
}

/** The typed field that stores `dtype` when the file has no raw bytes. */
function typedField(message: TensorMessage, dtype: DType): ArrayLike<number | bigint> {
  if (dtype === 'float32') return message.floatData ?? [];
  if (dtype === 'float64') return message.doubleData ?? [];
  if (dtype === 'int64') return message.int64Data ?? [];
  if (dtype === 'uint32' || dtype === 'uint64') return message.uint64Data ?? [];
  return message.int32Data ?? [];
}

/** The elements of a typed field as an array of `dtype`; narrow integers stand in wide ones. */
function fromTyped(message: TensorMessage, dtype: DType, dims: readonly number[], where: string): Tensor {
  const stored = typedField(message, dtype);
  const count = elementCount(dims);
  if (stored.length !== count) throw sizeDiffers(where, stored.length, count, 'elements');
  const tensor = new Tensor(dtype, viewOf(dtype, new ArrayBuffer(count * elementBytes(dtype)), 0, count), dims);
  if (dtype === 'uint32') (tensor.data as Uint32Array).set(Array.from(stored, (value) => Number(value)));
  else (tensor.data as Float64Array).set(stored as ArrayLike<number>);
  return tensor;
}

function fromBytes(bytes: Uint8Array, dtype: DType, dims: readonly number[], where: string): Tensor {
  const sizeBytes = elementCount(dims) * elementBytes(dtype);
  if (bytes.length !== sizeBytes) throw sizeDiffers(where, bytes.length, sizeBytes, 'bytes');
  // A copy at an offset that suits the dtype; `slice` would not copy a Buffer.
  return new Tensor(dtype, viewOf(dtype, new Uint8Array(bytes).buffer, 0, elementCount(dims)), dims);
}

function sizeDiffers(where: string, got: number, expected: number, unit: string): KerfError {
  return new KerfError('MODEL_INVALID', where, `size differs: got ${got} ${unit}, expected ${expected} for its dims.`, {
    got,
    expected,
  });
}

/** A byte position of an external data entry. */
function position(text: string | undefined, where: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) {
    throw new KerfError('MODEL_INVALID', where, `invalid external position: got ${quote(text)}, expected digits.`);
  }
  return Number(text);
}

function fromExternal(
  message: TensorMessage,
  dtype: DType,
  dims: readonly number[],
  where: string,
  source: TensorSource,
): Tensor {
  const entries = new Map((message.externalData ?? []).map(({ key, value }) => [key, value]));
  const location = entries.get('location');
  if (!location) throw new KerfError('MODEL_INVALID', where, 'external data without a location.');
  if (!source.folder) {
    throw new KerfError(
      'MODEL_INVALID',
      where,
      `external data in ${quote(location)}: got a model without a folder. Load the model by its path.`,
    );
  }
  const sizeBytes = elementCount(dims) * elementBytes(dtype);
  const length = position(entries.get('length'), where) ?? sizeBytes;
  if (length !== sizeBytes) throw sizeDiffers(where, length, sizeBytes, 'bytes');
  const bytes = source.folder.read(location, position(entries.get('offset'), where) ?? 0, length);
  return new Tensor(dtype, viewOf(dtype, bytes.buffer, 0, elementCount(dims)), dims);
}

/**
 * A decoded TensorProto as a tensor with its own memory.
 * @throws DTYPE_UNSUPPORTED, MODEL_INVALID, MODEL_LIMIT; MODEL_INVALID, FILE_LIMIT, IO_FAILED for external data
 */
export function tensorOf(message: TensorMessage, where: string, source: TensorSource): Tensor {
  if (message.segment) throw new KerfError('MODEL_INVALID', where, 'stored in segments. Save the model in one piece.');
  const dtype = dtypeOf(message.dataType ?? 0, where);
  const dims = checkedDims(message.dims ?? [], where, source.limits);
  if (message.dataLocation === 1) return fromExternal(message, dtype, dims, where, source);
  if (message.rawData) return fromBytes(message.rawData, dtype, dims, where);
  return fromTyped(message, dtype, dims, where);
}

/**
 * Reads a file that holds one TensorProto, e.g. `input_0.pb` of the ONNX test data.
 * @throws FILE_FORMAT when it is not one; DTYPE_UNSUPPORTED, MODEL_INVALID, MODEL_LIMIT as {@link tensorOf}
 */
export function readTensorProto(bytes: Uint8Array, limits = defaultLimits): { name: string; tensor: Tensor } {
  const message = decodeMessage<TensorMessage>(bytes, tensorTable, 'tensor file', decodeLimits(limits));
  const name = message.name ?? '';
  return { name, tensor: tensorOf(message, `tensor ${quote(name)}`, { limits }) };
}
