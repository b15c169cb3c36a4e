/** A safetensors file that is read tensor by tensor. */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { KerfError } from '../runtime/errors.js';
import { readHeaderBytes, type StoredTensor } from '../runtime/format/safetensors.js';
import type { DType, TensorData } from '../runtime/tensor.js';
import { defaultLimits } from './limits.js';
import { formatOf, type LoadOptions } from './load.js';
import { quote } from './quote.js';
import { fileTooLarge } from './read-file.js';
import { readWeightsHeader, safetensorsRules } from './safetensors-header.js';
import { type FloatType, floatsOf, isFloatType } from './to-float32.js';

/** One tensor of floats that stays in its file until it is read. */
export interface StoredWeights {
  readonly name: string;
  readonly dims: readonly number[];
  /** Its elements as float32; the array is used again by the next read of the same file. */
  read(): TensorData<'float32'>;
  /** Where they stand as float32, little-endian; absent for other dtypes. */
  readonly stored?: { readonly handle: number; readonly at: number };
}

export interface WeightsFile {
  /** Tensors of floats, in the order of the file's header. */
  readonly weights: readonly StoredWeights[];
  close(): void;
}

/** Reads exactly `bytes.length` bytes from a place in a file. */
function readAt(handle: number, bytes: Uint8Array, at: number, where: string): void {
  for (let done = 0; done < bytes.length; ) {
    const read = readSync(handle, bytes, done, Math.min(bytes.length - done, 2 ** 30), at + done);
    if (read === 0) throw new KerfError('IO_FAILED', where, 'ended while it was read. Is it still being written?');
    done += read;
  }
}

/** Reads tensors through one buffer, as large as the largest tensor. */
class Reader {
  #buffer = new Uint8Array(0);

  constructor(
    readonly handle: number,
    readonly payloadAt: number,
    readonly where: string,
  ) {}

  read({ dtype, begin, end }: StoredTensor<DType>): TensorData<'float32'> {
    if (this.#buffer.length < end - begin) this.#buffer = new Uint8Array(end - begin);
    const bytes = this.#buffer.subarray(0, end - begin);
    readAt(this.handle, bytes, this.payloadAt + begin, this.where);
    return floatsOf(dtype as FloatType, bytes);
  }
}

function weightsIn(handle: number, where: string, options: LoadOptions): StoredWeights[] | null {
  const limits = { ...defaultLimits, ...options.limits };
  const stat = fstatSync(handle);
  const head = new Uint8Array(Math.min(64, stat.size));
  readAt(handle, head, 0, where);
  if (formatOf(head) !== 'safetensors') return null;
  if (stat.size > limits.maxFileBytes) throw fileTooLarge(where, stat.size, limits.maxFileBytes);
  const header = new Uint8Array(readHeaderBytes(head.subarray(0, 8), stat.size, safetensorsRules));
  readAt(handle, header, 8, where);
  const payloadAt = 8 + header.length;
  const { tensors } = readWeightsHeader(header, stat.size - payloadAt, limits);
  const reader = new Reader(handle, payloadAt, where);
  return [...tensors]
    .filter(([, { dtype }]) => isFloatType(dtype))
    .map(([name, tensor]) => ({
      name,
      dims: tensor.shape,
      read: () => reader.read(tensor),
      ...(tensor.dtype === 'float32' && { stored: { handle, at: payloadAt + tensor.begin } }),
    }));
}

/**
 * Opens a safetensors file for reading its tensors one at a time.
 * @returns null for files of other formats, and what is no plain file
 * @throws IO_FAILED when it cannot be opened; MODEL_INVALID, MODEL_LIMIT, FILE_LIMIT for a file that is malformed
 */
export function openWeights(path: string, options: LoadOptions = {}): WeightsFile | null {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return null;
  const where = `model ${quote(path)}`;
  let handle: number;
  try {
    handle = openSync(path, 'r');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw new KerfError('IO_FAILED', where, `cannot be opened: got ${code}. Check the path.`, { code }, { cause });
  }
  let weights: StoredWeights[] | null = null;
  try {
    weights = weightsIn(handle, where, options);
  } finally {
    if (!weights) closeSync(handle);
  }
  return weights && { weights, close: () => closeSync(handle) };
}
