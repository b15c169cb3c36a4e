/** Arrays that belong to the samples of a file but are no inputs: clusters, labels. */
import { extname } from 'node:path';
import { defaultDataLimits } from '../model/data/limits.js';
import { parseJson } from '../model/json.js';
import { quote } from '../model/quote.js';
import { readFile } from '../model/read-file.js';
import { KerfError } from '../runtime/errors.js';
import type { Feeds } from '../runtime/executor.js';
import type { TensorData } from '../runtime/tensor.js';
import { readArraysOf } from './inputs.js';
import { usageError } from './options.js';

export interface Beside {
  /** The samples without it. */
  readonly rows: Feeds | null;
  /** Null where none was asked for. */
  readonly values: TensorData | readonly string[] | null;
}

/** A JSON file that is a list of names; null for any other. */
function readNames(path: string): readonly string[] | null {
  if (extname(path).toLowerCase() !== '.json') return null;
  const where = `data ${quote(path)}`;
  const list = parseJson(readFile(path, defaultDataLimits.maxTextBytes, where), where);
  return Array.isArray(list) && list.every((name) => typeof name === 'string') ? list : null;
}

/**
 * Reads what an option names: an array beside the inputs, or the only one of a file.
 * @param option  for the message
 * @param word  the option's value
 * @throws USAGE without samples, or for a file of several arrays
 */
export async function readBeside(option: string, word: string | undefined, rows: Feeds | null): Promise<Beside> {
  if (word === undefined) return { rows, values: null };
  if (!rows) throw usageError(option, 'there are no items it could be of: got no data. Give --guard or --calibration.');
  if (Object.hasOwn(rows, word)) {
    const { [word]: own, ...inputs } = rows;
    return { rows: inputs, values: own.data };
  }
  const names = option === '--groups' ? readNames(word) : null;
  if (names) return { rows, values: names };
  const arrays = [...(await readArraysOf(word)).values()];
  if (arrays.length !== 1) throw usageError(option, `needs a file of one array: got ${arrays.length} in ${word}.`);
  return { rows, values: arrays[0].data };
}

/** @throws DATA_INVALID when a label is not a whole number, or below 0 */
export function wholeNumbers(values: ArrayLike<unknown>): number[] {
  const numbers = Array.from(values, Number);
  const at = numbers.findIndex((value) => !Number.isInteger(value) || value < 0);
  if (at < 0) return numbers;
  const problem = `label ${at} is no class number: got ${String(values[at])}, expected a whole number >= 0. Number the classes from 0 on.`;
  throw new KerfError('DATA_INVALID', '--labels', problem);
}
