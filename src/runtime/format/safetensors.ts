/**
 * The container of a package, a safetensors file:
 *
 *     | u64 N | header: N bytes of JSON, padded with spaces | payload: tensors without a gap |
 */
import { KerfError } from '../errors.js';
import { type DType, elementBytes } from '../tensor.js';
import { parseJson } from './json.js';

/** Bytes of the largest header. */
const maximumHeaderBytes = 16 * 2 ** 20;

/** Name of the header's entry that holds strings instead of a tensor. */
export const metadataKey = '__metadata__';

/** Names of the dtypes in a safetensors header. */
export const safetensorsDtypes: Readonly<Record<DType, string>> = {
  float32: 'F32',
  float64: 'F64',
  float16: 'F16',
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

export interface StoredTensor {
  readonly dtype: DType;
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

function invalid(problem: string): KerfError {
  return new KerfError('PACKAGE_INVALID', 'package', `${problem}. Build the package again.`);
}

/**
 * Reads the header of a safetensors file and checks it against the payload.
 * @returns views of `bytes`
 * @throws PACKAGE_INVALID when anything is malformed, out of range, overlapping, or not covered
 */
export function readSafetensors(bytes: Uint8Array): Safetensors {
  const headerBytes = readHeaderBytes(bytes);
  const header = parseJson(decodeText(bytes.subarray(8, 8 + headerBytes)), 'package header');
  if (!isObject(header)) throw invalid('its header is not an object');
  const payload = bytes.subarray(8 + headerBytes);
  const metadata = new Map<string, string>();
  const tensors = new Map<string, StoredTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === metadataKey) readMetadata(entry, metadata);
    else tensors.set(name, readTensor(name, entry, payload.length));
  }
  checkCoverage(tensors, payload.length);
  return { metadata, tensors, payload };
}

function readHeaderBytes(bytes: Uint8Array): number {
  if (bytes.length < 8) throw invalid(`it is too short: got ${bytes.length} bytes, expected at least 8`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  const headerBytes = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  const most = Math.min(maximumHeaderBytes, bytes.length - 8);
  if (headerBytes > most) throw invalid(`its header is too long: got ${headerBytes} bytes, expected at most ${most}`);
  return headerBytes;
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalid('its header is not UTF-8');
  }
}

/** Whether a JSON value is an object, not a list and not null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readMetadata(entry: unknown, metadata: Map<string, string>): void {
  if (!isObject(entry)) throw invalid(`${metadataKey} is not an object`);
  for (const [key, value] of Object.entries(entry)) {
    if (typeof value !== 'string') throw invalid(`metadata "${key}" is not a string`);
    metadata.set(key, value);
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function readTensor(name: string, entry: unknown, payloadBytes: number): StoredTensor {
  const fields = isObject(entry) ? entry : {};
  const { dtype: dtypeName, shape, data_offsets: offsets } = fields;
  const dtype = dtypeOf.get(String(dtypeName));
  if (!dtype || Object.keys(fields).length !== 3) throw invalid(`tensor "${name}" has a malformed entry`);
  if (!Array.isArray(shape) || shape.length > 16 || !shape.every(isCount)) {
    throw invalid(`tensor "${name}" has a malformed shape`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw invalid(`tensor "${name}" has malformed offsets`);
  }
  const [begin, end] = offsets as [number, number];
  const size = shape.reduce((product, dim) => product * dim, elementBytes(dtype));
  if (begin > end || end > payloadBytes || end - begin !== size) {
    throw invalid(`tensor "${name}" has a wrong place: got bytes ${begin} to ${end} of ${payloadBytes} for ${size}`);
  }
  return { dtype, shape, begin, end };
}

/** The tensors, by place, must follow each other from the first byte to the last. */
function checkCoverage(tensors: ReadonlyMap<string, StoredTensor>, payloadBytes: number): void {
  let at = 0;
  for (const [name, { begin, end }] of [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== at) throw invalid(`tensor "${name}" leaves a gap or overlaps: got byte ${begin}, expected ${at}`);
    at = end;
  }
  if (at !== payloadBytes) throw invalid(`it has ${payloadBytes - at} bytes behind the last tensor`);
}
