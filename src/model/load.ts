/** Loads a model of any format from a path, a URL or bytes. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Model } from '../graph/graph.js';
import { unsupportedOperators } from '../graph/index.js';
import { KerfError } from '../runtime/errors.js';
import { isPackage } from '../runtime/format/package-reader.js';
import { defaultLimits, type ModelLimits } from './limits.js';
import { readNpz } from './npz.js';
import { type ReadOptions, readOnnx } from './onnx.js';
import { quote } from './quote.js';
import { fileTooLarge, readFile } from './read-file.js';
import { readSafetensors } from './safetensors.js';
import { readTfjs } from './tfjs.js';

export interface LoadOptions {
  /** What the file may ask for; see {@link ModelLimits}. */
  readonly limits?: Partial<ModelLimits> | undefined;
}

/** A path, a file: or http(s) address, or the bytes of the file. */
export type ModelSource = string | URL | Uint8Array | ArrayBuffer;

/** A file that has been read, and its folder where it has one. */
export interface Source {
  readonly bytes: Uint8Array;
  readonly folder?: string;
}

/** The format of a file, by its first bytes. */
export function formatOf(bytes: Uint8Array): 'onnx' | 'tfjs' | 'safetensors' | 'zip' | 'kerf' {
  const head = new TextDecoder().decode(bytes.subarray(0, 64));
  if (/^\uFEFF?\s*\{/.test(head)) return 'tfjs';
  if (head.startsWith('PK\x03\x04')) return 'zip';
  if (isPackage(bytes)) return 'kerf';
  // | header length uint64 | { ...
  if (bytes.length > 8 && bytes[8] === 0x7b && bytes[6] === 0 && bytes[7] === 0) return 'safetensors';
  return 'onnx';
}

function readPath(path: string, maxFileBytes: number): Source {
  return { bytes: readFile(path, maxFileBytes, `model ${quote(path)}`), folder: dirname(path) };
}

async function fetchUrl(url: URL, maxFileBytes: number): Promise<Source> {
  const where = `model ${quote(url.href)}`;
  if (url.protocol === 'file:') return readPath(fileURLToPath(url), maxFileBytes);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new KerfError('IO_FAILED', where, `got ${url.protocol}, expected a file:, https: or http: address.`);
  }
  const response = await fetch(url).catch((cause: unknown) => {
    throw new KerfError('IO_FAILED', where, 'cannot be fetched. Check the address.', {}, { cause });
  });
  if (!response.ok || !response.body) {
    throw new KerfError('IO_FAILED', where, `cannot be fetched: got status ${response.status}, expected 200.`);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > maxFileBytes) throw fileTooLarge(where, size, maxFileBytes);
    chunks.push(chunk);
  }
  return { bytes: Buffer.concat(chunks) };
}

function sourceOf(from: ModelSource, maxFileBytes: number): Source | Promise<Source> {
  if (from instanceof Uint8Array) return { bytes: from };
  if (from instanceof ArrayBuffer) return { bytes: new Uint8Array(from) };
  if (from instanceof URL) return fetchUrl(from, maxFileBytes);
  if (typeof from !== 'string') {
    const problem = `invalid value: got ${String(from)}, expected a path, a URL, or the bytes of a file.`;
    throw new KerfError('OPTION_INVALID', 'model', problem);
  }
  return /^(https?|file):\/\//.test(from) ? fetchUrl(new URL(from), maxFileBytes) : readPath(from, maxFileBytes);
}

/**
 * Reads the bytes of a model or package.
 * @throws IO_FAILED when they cannot be read; FILE_LIMIT when there are too many; OPTION_INVALID for what is no source
 */
export async function readSource(from: ModelSource, options: LoadOptions = {}): Promise<Source> {
  return sourceOf(from, { ...defaultLimits, ...options.limits }.maxFileBytes);
}

function read(source: Source, options: ReadOptions): Model {
  const format = formatOf(source.bytes);
  if (format === 'onnx') return readOnnx(source.bytes, options);
  if (format === 'tfjs') return readTfjs(source.bytes, options);
  if (format === 'safetensors') return readSafetensors(source.bytes, options);
  if (format === 'zip') return readNpz(source.bytes, options);
  throw new KerfError('FILE_FORMAT', 'model', 'no network in the file: got a kerf package, expected a model.');
}

/**
 * Loads a model; its format is told by its content.
 * @param from  path, file: or http(s) address, or the bytes of the file
 * @returns the model; `unsupported` names the operators that kerf cannot run
 * @throws IO_FAILED when it cannot be read; FILE_FORMAT, MODEL_INVALID, MODEL_LIMIT, FILE_LIMIT, DTYPE_UNSUPPORTED,
 *   OPERATOR_UNSUPPORTED when it is no model that kerf can hold
 */
export async function loadModel(from: ModelSource, options: LoadOptions = {}): Promise<Model> {
  return modelOf(await readSource(from, options), options);
}

/** The model in a file that has been read; throws as {@link loadModel}. */
export function modelOf(source: Source, options: LoadOptions = {}): Model {
  const model = read(source, { folder: source.folder, limits: options.limits });
  return { ...model, unsupported: unsupportedOperators(model.graph) };
}
