/** Typed reading of parsed JSON: every helper returns a checked value or throws a coded error. */
import { KerfError } from '../errors.js';
import type { Extent, Term } from '../extent.js';
import { invalidPackage as invalid } from '../invalid-package.js';
import { type DType, isDType } from '../tensor.js';
import { isObject } from './safetensors.js';

/** Characters of the longest string. */
const maximumString = 65536;

export { invalidPackage as invalid } from '../invalid-package.js';

/**
 * An object with exactly the named fields.
 * @throws PACKAGE_VERSION for a field that is not known; PACKAGE_INVALID when one is missing
 */
export function readFields(
  value: unknown,
  where: string,
  required: readonly string[],
  optional: readonly string[] = [],
): Record<string, unknown> {
  if (!isObject(value)) throw invalid(where, `wrong type: got ${describe(value)}, expected an object`);
  for (const name of Object.keys(value)) {
    if (required.includes(name) || optional.includes(name)) continue;
    throw new KerfError('PACKAGE_VERSION', where, `unknown field "${name}". Use a newer version of kerf.`);
  }
  const missing = required.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) throw invalid(where, `field "${missing}" is missing`);
  return value;
}

export function describe(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 80);
}

/** A list of at most `most` entries, each read by `read`. */
export function readList<T>(value: unknown, where: string, most: number, read: (entry: unknown, at: string) => T): T[] {
  if (!Array.isArray(value)) throw invalid(where, `wrong type: got ${describe(value)}, expected a list`);
  if (value.length > most) throw invalid(where, `too long: got ${value.length} entries, expected at most ${most}`);
  return value.map((entry, i) => read(entry, `${where} ${i}`));
}

export function readString(value: unknown, where: string): string {
  if (typeof value === 'string' && value.length <= maximumString) return value;
  throw invalid(where, `wrong type: got ${describe(value)}, expected a string of at most ${maximumString} characters`);
}

/** A whole number >= 0. */
export function readCount(value: unknown, where: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw invalid(where, `wrong type: got ${describe(value)}, expected a whole number >= 0`);
}

export function readDtype(value: unknown, where: string): DType {
  if (isDType(value)) return value;
  throw invalid(where, `unknown dtype: got ${describe(value)}`);
}

/** A size over the plan's symbols. */
export function readExtent(value: unknown, where: string, symbols: ReadonlySet<string>): Extent {
  if (Number.isSafeInteger(value)) return value as number;
  const isTerm = (term: unknown): term is Term =>
    Array.isArray(term) &&
    term.length <= 9 &&
    Number.isSafeInteger(term[0]) &&
    term.slice(1).every((name) => symbols.has(name));
  if (Array.isArray(value) && value.length <= 64 && value.every(isTerm)) return value;
  throw invalid(where, `malformed size: got ${describe(value)}, expected a whole number or terms of known symbols`);
}

export function readShape(value: unknown, where: string, symbols: ReadonlySet<string>): Extent[] {
  return readList(value, where, 16, (dim, at) => readExtent(dim, at, symbols));
}
