/** Turns files of arrays into feeds, in the dtypes that the inputs want. */
import { existsSync } from 'node:fs';
import { convertTensor, decodeArrays, readArrays } from '../model/index.js';
import { KerfError } from '../runtime/errors.js';
import type { Feeds } from '../runtime/executor.js';
import type { DType, Tensor } from '../runtime/tensor.js';
import { readStdin } from './input-files.js';
import { usageError } from './options.js';

type Arrays = ReadonlyMap<string, Tensor>;

/** What is known of an input before data are read. */
export interface InputPort {
  readonly name: string;
  readonly dtype: DType;
}

/** The arrays in a file, or on stdin. */
export async function readArraysOf(path: string): Promise<Arrays> {
  return path === '-' ? decodeArrays(readStdin(), 'stdin') : readArrays(path);
}

/** Arrays that carry their names; one without a name belongs to the only input. */
function namedArrays(arrays: Arrays, ports: readonly InputPort[]): [string, Tensor][] {
  const bare = arrays.size === 1 ? arrays.get('') : undefined;
  return bare && ports.length === 1 ? [[ports[0].name, bare]] : [...arrays];
}

function convert(name: string, tensor: Tensor, ports: readonly InputPort[]): Tensor {
  const port = ports.find((candidate) => candidate.name === name);
  return port ? convertTensor(tensor, port.dtype, `input "${name}"`) : tensor;
}

/**
 * Reads a file of samples: arrays named like the inputs.
 * @throws IO_FAILED, DATA_INVALID, FILE_LIMIT; whether names and shapes fit is checked by whoever uses them
 */
export async function readRows(path: string, ports: readonly InputPort[]): Promise<Feeds> {
  const named = namedArrays(await readArraysOf(path), ports);
  return Object.fromEntries(named.map(([name, tensor]) => [name, convert(name, tensor, ports)]));
}

/** `NAME=FILE`, or a FILE of arrays that carry their names; a file may have `=` in its own. */
function splitWord(word: string, ports: readonly InputPort[]): { name: string | null; path: string } {
  const names = ports.map(({ name }) => name);
  const at = word.indexOf('=');
  const name = word.slice(0, Math.max(0, at));
  if (at >= 0 && names.includes(name)) return { name, path: word.slice(at + 1) };
  if (at < 0 || existsSync(word)) return { name: null, path: word };
  throw new KerfError(
    'INPUT_UNKNOWN',
    `--input ${word}`,
    `no such input: got "${name}", expected ${names.join(', ')}.`,
  );
}

/** The file that a word names, before the inputs are known. */
export function pathOf(word: string): string {
  return existsSync(word) ? word : word.slice(word.indexOf('=') + 1);
}

/** The array of a file that is meant for one input: its only one, or the one of that name. */
function arrayFor(name: string, arrays: Arrays, path: string): Tensor {
  const tensor = arrays.get(name) ?? (arrays.size === 1 ? [...arrays.values()][0] : undefined);
  if (tensor) return tensor;
  const got = [...arrays.keys()].join(', ') || 'none';
  const problem = `no array for this input: got ${got}. Name one "${name}".`;
  throw new KerfError('DATA_INVALID', `--input ${name}=${path}`, problem);
}

/**
 * Reads all inputs of `kerf run`.
 * @param words  what follows each --input
 * @throws INPUT_UNKNOWN naming the input; DATA_INVALID naming the file; USAGE for an input given twice
 */
export async function readInputs(ports: readonly InputPort[], words: readonly string[]): Promise<Feeds> {
  const feeds = new Map<string, Tensor>();
  for (const word of words) {
    const { name, path } = splitWord(word, ports);
    const arrays = await readArraysOf(path);
    const named: [string, Tensor][] =
      name === null ? namedArrays(arrays, ports) : [[name, arrayFor(name, arrays, path)]];
    for (const [key, tensor] of named) {
      if (feeds.has(key)) throw usageError(`--input ${word}`, `input "${key}" is given twice, expected once.`);
      feeds.set(key, convert(key, tensor, ports));
    }
  }
  return Object.fromEntries(feeds);
}
