/** Reads the bound params of a step, and turns numbers into tape words. */
import { KerfError } from '../errors.js';
import type { BoundParams } from '../step-kind.js';

/** Largest rank that a strided step accepts. */
export const maximumRank = 8;

function refuse(name: string, got: unknown, expected: string): never {
  throw new KerfError(
    'PACKAGE_INVALID',
    `step param "${name}"`,
    `invalid value: got ${String(got)}, expected ${expected}. Write the package again.`,
  );
}

/** A whole number >= 0, or `fallback` where the param is absent. */
export function sizeOf(params: BoundParams, name: string, fallback?: number): number {
  const value = params[name] ?? fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) {
    refuse(name, value, 'a whole number >= 0');
  }
  return value;
}

/** A list of at most {@link maximumRank} whole numbers; negative ones only if `signed`. */
export function sizesOf(params: BoundParams, name: string, signed = false): readonly number[] {
  const value = params[name];
  const isList = Array.isArray(value) && value.length <= maximumRank;
  if (!isList || value.some((size: unknown) => !Number.isInteger(size) || (!signed && (size as number) < 0))) {
    refuse(name, value, `at most ${maximumRank} whole numbers${signed ? '' : ' >= 0'}`);
  }
  return value;
}

/** Lists of one length: the dims of a strided step and the strides of its operands. */
export function boxOf(params: BoundParams, names: readonly string[], signed = false): readonly (readonly number[])[] {
  const [dims, ...strides] = names.map((name, i) => sizesOf(params, name, signed && i > 0));
  strides.forEach((list, i) => {
    if (list.length !== dims.length) refuse(names[i + 1], `[${list}]`, `as many numbers as ${names[0]} [${dims}]`);
  });
  return [dims, ...strides];
}

/** A real number (infinities allowed), or `fallback` where the param is absent. */
export function realOf(params: BoundParams, name: string, fallback?: number): number {
  const value = params[name] ?? fallback;
  if (typeof value !== 'number') refuse(name, value, 'a number');
  return value;
}

/** The index of a word in the list of allowed ones: what the kernel gets. */
export function wordOf(params: BoundParams, name: string, words: readonly string[]): number {
  const index = words.indexOf(String(params[name]));
  if (index < 0) refuse(name, params[name], `one of ${words.join(', ')}`);
  return index;
}

/** A count or stride as a tape word. */
export function integerWord(value: number): number {
  if ((value | 0) !== value) refuse('tape word', value, 'a whole number of 32 bits');
  return value;
}

const realScratch = new DataView(new ArrayBuffer(4));

/** A real param as a tape word: the bits of its float32. */
export function realWord(value: number): number {
  realScratch.setFloat32(0, value);
  return realScratch.getInt32(0);
}

/** A byte address (below 2^32) as a tape word. */
export function pointerWord(ptr: number | undefined): number {
  return (ptr ?? 0) | 0;
}
