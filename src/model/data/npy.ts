/**
 * NumPy's .npy files:
 *
 *     | \x93NUMPY | major minor | header length, uint16 (v1) or uint32 (v2, v3) | header: a Python dict | elements |
 *
 * The header is parsed by its grammar and never evaluated.
 */
import { type DType, elementBytes, elementCount, Tensor, viewOf } from '../../runtime/tensor.js';
import { quote } from '../quote.js';
import { checkDims, type DataLimits, invalidData } from './limits.js';

/** NumPy's type codes without the byte order. */
const dtypeOfCode: Readonly<Record<string, DType>> = {
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  b1: 'bool',
};

const magic = '\x93NUMPY';
/** Largest header that is parsed; NumPy itself refuses more than 10,000 bytes. */
const maxHeaderBytes = 65_536;

interface Header {
  readonly dtype: DType;
  readonly isBigEndian: boolean;
  readonly isFortran: boolean;
  readonly dims: readonly number[];
  /** Where the elements begin. */
  readonly start: number;
}

export function isNpy(bytes: Uint8Array): boolean {
  return latin1(bytes.subarray(0, 6)) === magic;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** The text of the header dict and where it ends. */
function headerText(bytes: Uint8Array, where: string): { text: string; start: number } {
  if (!isNpy(bytes) || bytes.length < 12) throw invalidData(where, 'not an npy file: its first bytes differ.');
  const version = bytes[6];
  if (version < 1 || version > 3) throw invalidData(where, `npy version: got ${version}, expected 1, 2 or 3.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [at, length] = version === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  if (length > maxHeaderBytes || at + length > bytes.length) {
    throw invalidData(where, `npy header: got ${length} bytes, expected at most the file's ${bytes.length}.`);
  }
  const text = latin1(bytes.subarray(at, at + length));
  return { text, start: at + length };
}

/** One entry of the dict: a quoted key, and a string, a truth value or a tuple of whole numbers. */
const entryPattern =
  /^\s*'(descr|fortran_order|shape)'\s*:\s*('[^']*'|True|False|\(\s*(?:\d+L?\s*,?\s*)*\))\s*(?:,|(?=\}))/;

function parseHeader(bytes: Uint8Array, where: string): Header {
  const { text, start } = headerText(bytes, where);
  const malformed = () => invalidData(where, `npy header: got ${quote(text.trim())}, expected descr, order and shape.`);
  let rest = text.trim();
  if (!rest.startsWith('{') || !rest.endsWith('}')) throw malformed();
  rest = rest.slice(1);
  const entries = new Map<string, string>();
  for (let match = entryPattern.exec(rest); match; match = entryPattern.exec(rest)) {
    if (entries.has(match[1])) throw malformed();
    entries.set(match[1], match[2]);
    rest = rest.slice(match[0].length);
  }
  const [descr, order, shape] = ['descr', 'fortran_order', 'shape'].map((key) => entries.get(key) ?? '');
  const type = /^'([<>|=])([a-z]\d+)'$/.exec(descr);
  if (rest.trim() !== '}' || entries.size !== 3 || !/^(True|False)$/.test(order) || !shape.startsWith('(')) {
    throw malformed();
  }
  const dtype = type ? dtypeOfCode[type[2]] : undefined;
  if (!type || !dtype) {
    const known = Object.keys(dtypeOfCode).join(', ');
    throw invalidData(
      where,
      `element type: got ${quote(descr.slice(1, -1))}, expected one of ${known}. Convert it first.`,
    );
  }
  const dims = (shape.match(/\d+/g) ?? []).map(Number);
  return { dtype, isBigEndian: type[1] === '>', isFortran: order === 'True', dims, start };
}

function swapBytes(bytes: Uint8Array, width: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (width === 2) buffer.swap16();
  else if (width === 4) buffer.swap32();
  else if (width === 8) buffer.swap64();
}

/** Column-major elements in row-major order. */
function toRowMajor(tensor: Tensor): Tensor {
  const { dims, type } = tensor;
  const source = tensor.data as Float32Array;
  const target = viewOf(type, new ArrayBuffer(tensor.sizeBytes), 0, tensor.size) as Float32Array<ArrayBuffer>;
  // strides[axis]: distance in the column-major source of two neighbours along the axis.
  const strides = dims.map((_, axis) => elementCount(dims.slice(0, axis)));
  const index = dims.map(() => 0);
  for (let i = 0, at = 0; i < tensor.size; i++) {
    target[i] = source[at];
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      at += strides[axis];
      if (++index[axis] < dims[axis]) break;
      at -= strides[axis] * dims[axis];
      index[axis] = 0;
    }
  }
  return new Tensor(type, target, dims);
}

/**
 * Reads one array.
 * @throws DATA_INVALID when the bytes are no npy file of numbers, or more or fewer than the header says; FILE_LIMIT
 */
export function decodeNpy(bytes: Uint8Array, where: string, limits: DataLimits): Tensor {
  const { dtype, isBigEndian, isFortran, dims, start } = parseHeader(bytes, where);
  checkDims(dims, where, limits);
  const sizeBytes = elementCount(dims) * elementBytes(dtype);
  if (bytes.length - start !== sizeBytes) {
    throw invalidData(where, `size differs: got ${bytes.length - start} bytes of elements, expected ${sizeBytes}.`, {
      got: bytes.length - start,
      expected: sizeBytes,
    });
  }
  const copy = new Uint8Array(bytes.subarray(start));
  if (isBigEndian) swapBytes(copy, elementBytes(dtype));
  const tensor = new Tensor(dtype, viewOf(dtype, copy.buffer as ArrayBuffer, 0, elementCount(dims)), dims);
  return isFortran && dims.length > 1 ? toRowMajor(tensor) : tensor;
}

/** An array as an npy file, version 1, row-major, little-endian, elements at a multiple of 64. @throws DATA_INVALID for bfloat16 */
export function encodeNpy(tensor: Tensor): Uint8Array<ArrayBuffer> {
  const code = Object.keys(dtypeOfCode).find((key) => dtypeOfCode[key] === tensor.type);
  if (!code) {
    throw invalidData('npy output', `NumPy has no such element type: got ${tensor.type}. Write a .json file.`);
  }
  const order = elementBytes(tensor.type) === 1 ? '|' : '<';
  const shape = tensor.dims.length === 1 ? `${tensor.dims[0]},` : tensor.dims.join(', ');
  const dict = `{'descr': '${order}${code}', 'fortran_order': False, 'shape': (${shape}), }`;
  const start = Math.ceil((10 + dict.length + 1) / 64) * 64;
  const bytes = new Uint8Array(start + tensor.sizeBytes);
  bytes.set(Buffer.from(`${magic}\x01\x00\x00\x00${dict.padEnd(start - 11)}\n`, 'latin1'));
  new DataView(bytes.buffer).setUint16(8, start - 10, true);
  bytes.set(new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.sizeBytes), start);
  return bytes;
}
