/**
 * Arrays as text. Numbers come as float64, to be converted to what a model wants (convert.ts); JSON arrays with whole
 * numbers beyond 2^53, which are texts, come as int64 or uint64.
 *
 *     JSON        {"x": [[1, 2], [3, 4]], "y": [0, 1]}, or one array
 *     JSON lines  one such object or array a line, each a sample: stacked along a new first axis
 *     CSV         one sample a line; a first line with a word that is no number, not even nan or inf, is a header
 */
import { parse } from 'csv-parse/sync';
import { fillBigints, toValues, wrap } from '../../graph/operators/elements.js';
import { KerfError } from '../../runtime/errors.js';
import { Tensor } from '../../runtime/tensor.js';
import { quote } from '../quote.js';
import { checkDims, type DataLimits, invalidData } from './limits.js';

/** Texts that stand for numbers which JSON cannot spell. */
const specialNumbers: ReadonlyMap<string, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

function numberOf(value: unknown, where: string): number {
  const number = typeof value === 'string' ? specialNumbers.get(value) : value;
  if (typeof number === 'boolean') return Number(number);
  if (typeof number === 'number') return number;
  const got = value === null ? 'null' : typeof value === 'string' ? quote(value) : typeof value;
  throw invalidData(where, `an element is no number: got ${got}.`);
}

/** The whole number of 64 bits that a text stands for, where float64 cannot hold it; null for any other value. */
function wideInteger(value: unknown): bigint | null {
  const isWide = typeof value === 'string' && /^-?\d{16,20}$/.test(value) && !Number.isSafeInteger(Number(value));
  return isWide ? BigInt(value) : null;
}

/** @param wide  the elements that float64 cannot hold, by index */
function toIntegers({ data, dims }: Tensor<'float64'>, wide: ReadonlyMap<number, bigint>, where: string): Tensor {
  const dtype = [...wide.values()].some((value) => value >= 2n ** 63n) ? 'uint64' : 'int64';
  return fillBigints(dtype, dims, (i) => {
    const value = wide.get(i) ?? (Number.isSafeInteger(data[i]) ? BigInt(data[i]) : null);
    if (value !== null && wrap(dtype, value) === value) return value;
    throw invalidData(where, `element ${i} does not fit beside others: got ${value ?? data[i]}, expected ${dtype}.`);
  });
}

/** The shape of nested arrays, by their first elements. */
function dimsOf(value: unknown, where: string, limits: DataLimits): number[] {
  const dims: number[] = [];
  for (let inner = value; Array.isArray(inner); inner = inner[0]) {
    dims.push(inner.length);
    checkDims(dims, where, limits);
  }
  return dims;
}

/** Nested arrays of numbers as one array. */
function fromNested(value: unknown, where: string, limits: DataLimits): Tensor {
  const dims = dimsOf(value, where, limits);
  const data = new Float64Array(dims.reduce((product, dim) => product * dim, 1));
  const wide = new Map<number, bigint>();
  let at = 0;
  const fill = (inner: unknown, axis: number): void => {
    if (axis === dims.length) {
      const integer = wideInteger(inner);
      if (integer === null) data[at] = numberOf(inner, where);
      else wide.set(at, integer);
      at++;
      return;
    }
    if (!Array.isArray(inner) || inner.length !== dims[axis]) {
      const got = Array.isArray(inner) ? `${inner.length} elements` : 'no list';
      throw invalidData(where, `ragged lists: got ${got} on axis ${axis}, expected ${dims[axis]}. Pad the samples.`);
    }
    for (const element of inner) fill(element, axis + 1);
  };
  fill(value, 0);
  const tensor = new Tensor('float64', data, dims);
  return wide.size === 0 ? tensor : toIntegers(tensor, wide, where);
}

function textOf(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new KerfError('DATA_INVALID', where, 'the text is not UTF-8.', {}, { cause });
  }
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new KerfError('DATA_INVALID', where, 'not valid JSON. The file is truncated or damaged.', {}, { cause });
  }
}

/** Named arrays of an object; a bare array or number has the name ''. */
function fromValue(value: unknown, where: string, limits: DataLimits): Map<string, Tensor> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return new Map([['', fromNested(value, where, limits)]]);
  }
  const named = Object.entries(value).map(([name, inner]): [string, Tensor] => {
    return [name, fromNested(inner, `${where}, array ${quote(name)}`, limits)];
  });
  return new Map(named);
}

/** @throws DATA_INVALID when the text is no JSON of numbers, or ragged; FILE_LIMIT */
export function decodeJson(bytes: Uint8Array, where: string, limits: DataLimits): Map<string, Tensor> {
  return fromValue(parseJson(textOf(bytes, where), where), where, limits);
}

/** @throws DATA_INVALID when a line is no JSON, or differs in names or shapes from the first; FILE_LIMIT */
export function decodeJsonLines(bytes: Uint8Array, where: string, limits: DataLimits): Map<string, Tensor> {
  const columns = new Map<string, unknown[]>();
  const lines = textOf(bytes, where).split('\n');
  let samples = 0;
  lines.forEach((line, i) => {
    if (line.trim() === '') return;
    const place = `${where}, line ${i + 1}`;
    const value = parseJson(line, place);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    const entries: [string, unknown][] = isObject ? Object.entries(value) : [['', value]];
    if (samples === 0) for (const [name] of entries) columns.set(name, []);
    if (entries.length !== columns.size || entries.some(([name]) => !columns.has(name))) {
      throw invalidData(place, `other names than in the first line: expected ${[...columns.keys()].map(quote)}.`);
    }
    for (const [name, element] of entries) columns.get(name)!.push(element);
    samples++;
  });
  if (samples === 0) throw invalidData(where, 'no samples in the file.');
  return fromValue(Object.fromEntries(columns), where, limits);
}

/** The number that a cell spells, NaN and infinities as JavaScript or NumPy write them too; undefined for other text. */
function cellNumber(cell: string): number | undefined {
  const special = /^([+-]?)(nan|inf|infinity)$/i.exec(cell);
  if (special) return special[2].toLowerCase() === 'nan' ? Number.NaN : Number(`${special[1]}Infinity`);
  const number = cell === '' ? Number.NaN : Number(cell);
  return Number.isNaN(number) ? undefined : number;
}

/** Whether a line names columns: a missing number is no word. */
const isHeader = (cells: readonly string[]) => cells.some((cell) => cell !== '' && cellNumber(cell) === undefined);

/** @throws DATA_INVALID when a cell is no number or lines differ in length; FILE_LIMIT */
export function decodeCsv(bytes: Uint8Array, where: string, limits: DataLimits): Map<string, Tensor> {
  let rows: string[][];
  try {
    rows = parse(textOf(bytes, where), { bom: true, skip_empty_lines: true, trim: true, max_record_size: 2 ** 26 });
  } catch (cause) {
    if (cause instanceof KerfError) throw cause;
    throw new KerfError('DATA_INVALID', where, `not valid CSV: ${(cause as Error).message}.`, {}, { cause });
  }
  const first = rows.length > 0 && isHeader(rows[0]) ? 1 : 0;
  const dims = [rows.length - first, rows[first]?.length ?? 0];
  if (dims[0] === 0) throw invalidData(where, 'no samples in the file.');
  checkDims(dims, where, limits);
  const data = new Float64Array(dims[0] * dims[1]);
  for (let m = 0; m < dims[0]; m++) {
    for (let k = 0; k < dims[1]; k++) {
      const cell = rows[first + m][k];
      const number = cellNumber(cell);
      if (number === undefined) {
        throw invalidData(where, `row ${first + m + 1}, column ${k + 1}: got ${quote(cell)}, expected a number.`);
      }
      data[m * dims[1] + k] = number;
    }
  }
  return new Map([['', new Tensor('float64', data, dims)]]);
}

function nested(data: ArrayLike<number | bigint>, dims: readonly number[], at: number, axis: number): unknown {
  if (axis === dims.length) return data[at];
  const inner = dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  return Array.from({ length: dims[axis] }, (_, i) => nested(data, dims, at + i * inner, axis + 1));
}

/** Whole numbers of 64 bits beyond 2^53, and numbers that JSON cannot spell, become texts. */
function spell(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

/** Arrays as one JSON object of nested lists. */
export function encodeJson(arrays: ReadonlyMap<string, Tensor>): Uint8Array {
  const members = [...arrays].map(([name, tensor]) => {
    return `${JSON.stringify(name)}: ${JSON.stringify(nested(toValues(tensor), tensor.dims, 0, 0), spell)}`;
  });
  return new TextEncoder().encode(`{${members.join(', ')}}\n`);
}
