/** Turns the words after --input into feeds. */
import { existsSync } from 'node:fs';
import { convertTensor, decodeArrays, readArrays } from '../model/index.js';
import { KerfError } from '../runtime/errors.js';
import type { Feeds } from '../runtime/executor.js';
import type { Session } from '../runtime/session.js';
import type { Tensor } from '../runtime/tensor.js';
import { readStdin } from './input-files.js';
import { usageError } from './options.js';

type Arrays = ReadonlyMap<string, Tensor>;

async function arraysOf(path: string): Promise<Arrays> {
  return path === '-' ? decodeArrays(readStdin(), 'stdin') : readArrays(path);
}

/** `NAME=FILE`, or a FILE of arrays that carry their names; a file may have `=` in its own. */
function splitWord(word: string, names: readonly string[]): { name: string | null; path: string } {
  const at = word.indexOf('=');
  const name = word.slice(0, Math.max(0, at));
  if (at < 0 || (!names.includes(name) && existsSync(word))) return { name: null, path: word };
  if (names.includes(name)) return { name, path: word.slice(at + 1) };
  throw new KerfError(
    'INPUT_UNKNOWN',
    `--input ${word}`,
    `no such input: got "${name}", expected ${names.join(', ')}.`,
  );
}

/** The array of a file that is meant for one input: its only one, or the one of that name. */
function arrayFor(name: string, arrays: Arrays, path: string): Tensor {
  const tensor = arrays.get(name) ?? (arrays.size === 1 ? [...arrays.values()][0] : undefined);
  if (tensor) return tensor;
  const got = [...arrays.keys()].join(', ') || 'none';
  throw new KerfError(
    'DATA_INVALID',
    `--input ${name}=${path}`,
    `no array for this input: got ${got}. Name one "${name}".`,
  );
}

/** A file of arrays named like the inputs; one array without a name belongs to the only input. */
function namedArrays(arrays: Arrays, names: readonly string[]): [string, Tensor][] {
  const bare = arrays.size === 1 ? arrays.get('') : undefined;
  if (bare && names.length === 1) return [[names[0], bare]];
  return [...arrays];
}

/**
 * Reads all inputs, converted to the dtypes that the session wants.
 * @param words  what follows each --input
 * @throws INPUT_MISSING, INPUT_UNKNOWN naming the input; DATA_INVALID naming the file
 */
export async function readInputs(session: Session, words: readonly string[]): Promise<Feeds> {
  const feeds = new Map<string, Tensor>();
  for (const word of words) {
    const { name, path } = splitWord(word, session.inputNames);
    const arrays = await arraysOf(path);
    const named =
      name === null ? namedArrays(arrays, session.inputNames) : [[name, arrayFor(name, arrays, path)] as const];
    for (const [key, tensor] of named) {
      if (feeds.has(key)) throw usageError(`--input ${word}`, `input "${key}" is given twice, expected once.`);
      feeds.set(key, tensor);
    }
  }
  const dtypes = new Map(session.inputs.map(({ name, dtype }) => [name, dtype]));
  const convert = ([name, tensor]: [string, Tensor]): [string, Tensor] => {
    const dtype = dtypes.get(name);
    return [name, dtype ? convertTensor(tensor, dtype, `input "${name}"`) : tensor];
  };
  return Object.fromEntries([...feeds].map(convert));
}
