/** Files of arrays: npy, npz, CSV, JSON and JSON lines in; npy, npz and JSON out. */
import { extname } from 'node:path';
import { KerfError } from '../../runtime/errors.js';
import type { Tensor } from '../../runtime/tensor.js';
import { writeOutputFile } from '../output-file.js';
import { quote } from '../quote.js';
import { fileTooLarge, readFile } from '../read-file.js';
import { type DataLimits, defaultDataLimits, invalidData } from './limits.js';
import { decodeNpy, encodeNpy, isNpy } from './npy.js';
import { decodeNpz, encodeNpz, isZip } from './npz.js';
import { decodeCsv, decodeJson, decodeJsonLines, encodeJson } from './text-arrays.js';

export type ArrayFormat = 'npy' | 'npz' | 'csv' | 'json' | 'jsonl';

export interface ReadArraysOptions {
  /** Format; by default told by the content, and for text by the file's extension. */
  readonly format?: ArrayFormat | undefined;
  readonly limits?: Partial<DataLimits> | undefined;
}

const formatOfExtension: Readonly<Record<string, ArrayFormat>> = {
  '.npy': 'npy',
  '.npz': 'npz',
  '.csv': 'csv',
  '.json': 'json',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
};

function formatOf(bytes: Uint8Array, path: string): ArrayFormat {
  if (isNpy(bytes)) return 'npy';
  if (isZip(bytes)) return 'npz';
  const named = formatOfExtension[extname(path).toLowerCase()];
  if (named) return named;
  const head = new TextDecoder().decode(bytes.subarray(0, 64)).trimStart();
  return /^[[{]/.test(head) ? 'json' : 'csv';
}

/**
 * Decodes a file of arrays.
 * @param path  its name, which tells text formats apart
 * @returns arrays by name; the one array of an npy, CSV or bare JSON file has the name ''
 * @throws DATA_INVALID, FILE_LIMIT
 */
export function decodeArrays(bytes: Uint8Array, path: string, options: ReadArraysOptions = {}): Map<string, Tensor> {
  let limits: DataLimits = { ...defaultDataLimits, ...options.limits };
  const where = `data ${quote(path)}`;
  const format = options.format ?? formatOf(bytes, path);
  if (format === 'npy') return new Map([['', decodeNpy(bytes, where, limits)]]);
  if (format === 'npz') return decodeNpz(bytes, where, limits);
  if (bytes.length > limits.maxTextBytes) throw fileTooLarge(where, bytes.length, limits.maxTextBytes);
  // An element takes at least one byte of text, so lists that claim more are ragged: refused before they are allocated.
  limits = { ...limits, maxElements: Math.min(limits.maxElements, bytes.length) };
  if (format === 'csv') return decodeCsv(bytes, where, limits);
  return format === 'json' ? decodeJson(bytes, where, limits) : decodeJsonLines(bytes, where, limits);
}

/**
 * Reads a file of arrays.
 * @returns as {@link decodeArrays}
 * @throws IO_FAILED when it cannot be read; DATA_INVALID, FILE_LIMIT
 */
export async function readArrays(path: string, options: ReadArraysOptions = {}): Promise<Map<string, Tensor>> {
  const limits = { ...defaultDataLimits, ...options.limits };
  return decodeArrays(readFile(path, limits.maxFileBytes, `data ${quote(path)}`), path, options);
}

/** The bytes of a file of arrays. @throws DATA_INVALID when an npy file should hold more or less than one array */
export function encodeArrays(arrays: ReadonlyMap<string, Tensor>, format: 'npy' | 'npz' | 'json'): Uint8Array {
  if (format === 'npz') return encodeNpz(arrays);
  if (format === 'json') return encodeJson(arrays);
  if (arrays.size === 1) return encodeNpy([...arrays.values()][0]);
  throw invalidData('npy output', `got ${arrays.size} arrays, expected one. Write an .npz file.`, { got: arrays.size });
}

/**
 * Writes a file of arrays, whole or not at all.
 * @param path  ending in .npy, .npz or .json
 * @throws OPTION_INVALID for another ending; DATA_INVALID for an npy file of several arrays; IO_FAILED
 */
export async function writeArrays(path: string, arrays: ReadonlyMap<string, Tensor>): Promise<void> {
  const format = formatOfExtension[extname(path).toLowerCase()];
  if (format !== 'npy' && format !== 'npz' && format !== 'json') {
    const got = extname(path) || 'no extension';
    throw new KerfError('OPTION_INVALID', `output ${quote(path)}`, `got ${got}, expected .npy, .npz or .json.`);
  }
  writeOutputFile(path, encodeArrays(arrays, format));
}
