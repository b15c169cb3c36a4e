import { KerfError } from './errors.js';

export { dtypeOfOnnxNumber, onnxNumber } from './onnx-numbers.js';

/** Array type and element size of each dtype; onnxruntime's names and array types. */
const dtypes = {
  float32: { array: Float32Array, bytes: 4 },
  uint8: { array: Uint8Array, bytes: 1 },
  int8: { array: Int8Array, bytes: 1 },
  uint16: { array: Uint16Array, bytes: 2 },
  int16: { array: Int16Array, bytes: 2 },
  int32: { array: Int32Array, bytes: 4 },
  int64: { array: BigInt64Array, bytes: 8 },
  bool: { array: Uint8Array, bytes: 1 },
  /** Raw IEEE half bits. */
  float16: { array: Uint16Array, bytes: 2 },
  float64: { array: Float64Array, bytes: 8 },
  uint32: { array: Uint32Array, bytes: 4 },
  uint64: { array: BigUint64Array, bytes: 8 },
  /** The upper half of a float32's bits. */
  bfloat16: { array: Uint16Array, bytes: 2 },
} as const;

export type DType = keyof typeof dtypes;

/** The array that holds the elements of a tensor of dtype `T`. */
export type TensorData<T extends DType = DType> = InstanceType<(typeof dtypes)[T]['array']>;

export const dtypeNames = Object.keys(dtypes) as DType[];

export function isDType(name: unknown): name is DType {
  return typeof name === 'string' && Object.hasOwn(dtypes, name);
}

/** Bytes of one element. */
export function elementBytes(dtype: DType): number {
  return dtypes[dtype].bytes;
}

/** A new zero-filled array for `count` elements of `dtype`. */
export function allocate<T extends DType>(dtype: T, count: number): TensorData<T> {
  return new dtypes[dtype].array(count) as TensorData<T>;
}

/** A typed view of `count` elements at `byteOffset` of `buffer`. */
export function viewOf<T extends DType>(
  dtype: T,
  buffer: ArrayBufferLike,
  byteOffset: number,
  count: number,
): TensorData<T> {
  return new dtypes[dtype].array(buffer as ArrayBuffer, byteOffset, count) as TensorData<T>;
}

/** Number of elements of a shape; 1 for a scalar. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/** An n-dimensional array in row-major order. */
export class Tensor<T extends DType = DType> {
  readonly size: number;

  /**
   * @param type  dtype, by onnxruntime's names
   * @param data  elements in row-major order; kept, not copied
   * @param dims  shape; its product equals `data.length`
   * @throws DTYPE_MISMATCH when the array type does not belong to `type`
   * @throws SHAPE_MISMATCH when a dimension is not a whole number >= 0 or the sizes differ
   */
  constructor(
    readonly type: T,
    readonly data: TensorData<T>,
    readonly dims: readonly number[] = [data.length],
  ) {
    if (!isDType(type)) {
      throw new KerfError(
        'DTYPE_UNSUPPORTED',
        'Tensor',
        `unknown dtype: got ${String(type)}, expected one of ${dtypeNames.join(', ')}.`,
      );
    }
    if (!(data instanceof dtypes[type].array)) {
      const got = (data as object | null)?.constructor?.name ?? typeof data;
      throw new KerfError(
        'DTYPE_MISMATCH',
        `Tensor("${type}")`,
        `wrong array type: got ${got}, expected ${dtypes[type].array.name}. Convert the data first.`,
      );
    }
    if (!Array.isArray(dims) || dims.some((dim) => !Number.isInteger(dim) || dim < 0)) {
      throw new KerfError(
        'SHAPE_MISMATCH',
        `Tensor("${type}")`,
        `invalid dims: got [${dims}], expected whole numbers >= 0.`,
      );
    }
    this.size = elementCount(dims);
    if (this.size !== data.length) {
      throw new KerfError(
        'SHAPE_MISMATCH',
        `Tensor("${type}")`,
        `size differs: got ${data.length} elements for dims [${dims}], expected ${this.size}. Check the dims.`,
        { got: data.length, expected: this.size },
      );
    }
  }

  /** Bytes of the elements. */
  get sizeBytes(): number {
    return this.size * elementBytes(this.type);
  }

  /** The same elements under another shape of the same size; shares the data. */
  reshape(dims: readonly number[]): Tensor<T> {
    return new Tensor(this.type, this.data, dims);
  }
}
