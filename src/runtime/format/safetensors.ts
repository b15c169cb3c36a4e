/**
 * The container of a package, a safetensors file:
 *
 *     | u64 N | header: N bytes of JSON, padded with spaces | payload: tensors without a gap |
 */
import { invalidPackage } from '../invalid-package.js';
import { type DType, elementBytes } from '../tensor.js';
import { type Invalid, parseJson } from './json.js';

/** Bytes of the largest header. */
const maximumHeaderBytes = 16 * 2 ** 20;

/** Name of the header's entry that holds strings instead of a tensor. */
export const metadataKey = '__metadata__';

/** Names of the dtypes in a safetensors header. */
export const safetensorsDtypes: Readonly<Record<DType, string>> = {
  float32: 'F32',
  float64: 'F64',
  float16: 'F16',
  bfloat16: 'BF16',
  int8: 'I8',
  uint8: 'U8',
  int16: 'I16',
  uint16: 'U16',
  int32: 'I32',
  uint32: 'U32',
  int64: 'I64',
  uint64: 'U64',
  bool: 'BOOL',
};

const dtypeOf = new Map(Object.entries(safetensorsDtypes).map(([dtype, name]) => [name, dtype as DType]));

export interface StoredTensor<Type extends string = DType> {
  readonly dtype: Type;
  readonly shape: readonly number[];
  /** Bytes [begin, end) of the payload. */
  readonly begin: number;
  readonly end: number;
}

export interface Safetensors {
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly payload: Uint8Array;
}

/** How a file of this container is spoken of. */
export interface HeaderWords {
  /** What messages speak of. */
  readonly where: string;
  readonly invalid: Invalid;
}

/** What differs between a package and other files of this container. */
export interface HeaderRules<Type extends string> extends HeaderWords {
  /** The dtype that a name in the header stands for. */
  readonly dtypeOf: ReadonlyMap<string, Type>;
  /** Bytes of one element. */
  readonly elementBytes: (dtype: Type) => number;
}

export interface Header<Type extends string> {
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, StoredTensor<Type>>;
}

const packageRules: HeaderRules<DType> = {
  dtypeOf,
  elementBytes,
  where: 'package',
  invalid: invalidPackage,
};

/**
 * Reads the header of a safetensors file and checks it against the payload.
 * @returns views of `bytes`
 * @throws PACKAGE_INVALID when anything is malformed, out of range, overlapping, or not covered
 */
export function readSafetensors(bytes: Uint8Array): Safetensors {
  const headerBytes = readHeaderBytes(bytes.subarray(0, 8), bytes.length, packageRules);
  const payload = bytes.subarray(8 + headerBytes);
  return { ...readHeader(bytes.subarray(8, 8 + headerBytes), payload.length, packageRules), payload };
}

/**
 * Reads and checks a header that stands alone.
 * @param bytes  the JSON text, without the length before it
 * @throws what `rules` say, when anything is malformed, out of range, overlapping, or not covered
 */
export function readHeader<Type extends string>(
  bytes: Uint8Array,
  payloadBytes: number,
  rules: HeaderRules<Type>,
): Header<Type> {
  const where = `${rules.where} header`;
  const header = parseJson(decodeText(bytes, rules), where, rules.invalid);
  if (!isObject(header)) throw rules.invalid(rules.where, 'its header is not an object');
  const metadata = new Map<string, string>();
  const tensors = new Map<string, StoredTensor<Type>>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === metadataKey) readMetadata(entry, metadata, rules);
    else tensors.set(name, readTensor(name, entry, payloadBytes, rules));
  }
  checkCoverage(tensors, payloadBytes, rules);
  return { metadata, tensors };
}

/**
 * The length of the header, from the first bytes of a file.
 * @param start  the first eight bytes, or all of a shorter file
 */
export function readHeaderBytes(start: Uint8Array, fileBytes: number, { where, invalid }: HeaderWords): number {
  if (start.length < 8) throw invalid(where, `it is too short: got ${fileBytes} bytes, expected at least 8`);
  const view = new DataView(start.buffer, start.byteOffset, 8);
  const headerBytes = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  const most = Math.min(maximumHeaderBytes, fileBytes - 8);
  if (headerBytes > most) {
    throw invalid(where, `its header is too long: got ${headerBytes} bytes, expected at most ${most}`);
  }
  return headerBytes;
}

function decodeText(bytes: Uint8Array, { where, invalid }: HeaderWords): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalid(where, 'its header is not UTF-8');
  }
}

/** Whether a JSON value is an object, not a list and not null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readMetadata(entry: unknown, metadata: Map<string, string>, { where, invalid }: HeaderWords): void {
  if (!isObject(entry)) throw invalid(where, `${metadataKey} is not an object`);
  for (const [key, value] of Object.entries(entry)) {
    if (typeof value !== 'string') throw invalid(where, `metadata "${key}" is not a string`);
    metadata.set(key, value);
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function readTensor<Type extends string>(
  name: string,
  entry: unknown,
  payloadBytes: number,
  { dtypeOf, elementBytes, where, invalid }: HeaderRules<Type>,
): StoredTensor<Type> {
  const fields = isObject(entry) ? entry : {};
  const { dtype: dtypeName, shape, data_offsets: offsets } = fields;
  const dtype = dtypeOf.get(String(dtypeName));
  if (!dtype || Object.keys(fields).length !== 3) throw invalid(where, `tensor "${name}" has a malformed entry`);
  if (!Array.isArray(shape) || shape.length > 16 || !shape.every(isCount)) {
    throw invalid(where, `tensor "${name}" has a malformed shape`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw invalid(where, `tensor "${name}" has malformed offsets`);
  }
  const [begin, end] = offsets as [number, number];
  const size = shape.reduce((product, dim) => product * dim, elementBytes(dtype));
  if (begin > end || end > payloadBytes || end - begin !== size) {
    throw invalid(
      where,
      `tensor "${name}" has a wrong place: got bytes ${begin} to ${end} of ${payloadBytes} for ${size}`,
    );
  }
  return { dtype, shape, begin, end };
}

/** The tensors, by place, must follow each other from the first byte to the last. */
function checkCoverage(
  tensors: ReadonlyMap<string, StoredTensor<string>>,
  payloadBytes: number,
  { where, invalid }: HeaderWords,
): void {
  let at = 0;
  for (const [name, { begin, end }] of [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== at)
      throw invalid(where, `tensor "${name}" leaves a gap or overlaps: got byte ${begin}, expected ${at}`);
    at = end;
  }
  if (at !== payloadBytes) throw invalid(where, `it has ${payloadBytes - at} bytes behind the last tensor`);
}
