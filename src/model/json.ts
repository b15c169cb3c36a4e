/** Reads JSON from files that may be anything: each access says what it expected and what it found. */
import { KerfError } from '../runtime/errors.js';
import { quote } from './quote.js';

/** @throws FILE_FORMAT when the bytes are not JSON */
export function parseJson(bytes: Uint8Array, where: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new KerfError(
      'FILE_FORMAT',
      where,
      'not valid JSON. The file is truncated or of another format.',
      {},
      { cause },
    );
  }
}

/** A member of an object; undefined when the object lacks it or is none. */
export function member(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}

/** @throws FILE_FORMAT when the member is not an array (an absent one is empty) */
export function arrayMember(value: unknown, key: string, where: string): readonly unknown[] {
  const found = member(value, key) ?? [];
  if (!Array.isArray(found)) throw wrongKind(where, key, found, 'an array');
  return found;
}

/** @throws FILE_FORMAT when the member is no string */
export function stringMember(value: unknown, key: string, where: string): string {
  const found = member(value, key);
  if (typeof found !== 'string') throw wrongKind(where, key, found, 'a string');
  return found;
}

/** @throws FILE_FORMAT when the member is no finite number */
export function numberMember(value: unknown, key: string, where: string): number {
  const found = member(value, key);
  if (typeof found !== 'number' || !Number.isFinite(found)) throw wrongKind(where, key, found, 'a number');
  return found;
}

function wrongKind(where: string, key: string, found: unknown, expected: string): KerfError {
  const got = found === null ? 'null' : Array.isArray(found) ? 'an array' : typeof found;
  return new KerfError('FILE_FORMAT', where, `${quote(key)} has another type: got ${got}, expected ${expected}.`);
}
