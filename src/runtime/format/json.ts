/** JSON of untrusted files: bounded depth, no key twice in one object. */
import type { KerfError } from '../errors.js';
import { invalidPackage } from '../invalid-package.js';

/** Deepest nesting that a package may have. */
const maximumDepth = 32;

const codes = { quote: 34, comma: 44, openList: 91, backslash: 92, closeList: 93, openObject: 123, closeObject: 125 };

/** Makes the error of a malformed text: `where` it is, and what is wrong. */
export type Invalid = (where: string, problem: string, options?: ErrorOptions) => KerfError;

/** Position behind the string that starts at `start`, a quote. */
function stringEnd(text: string, start: number, where: string, invalid: Invalid): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === codes.backslash) at++;
    else if (code === codes.quote) return at + 1;
  }
  throw invalid(where, 'a string does not end');
}

/**
 * Walks the nesting of a JSON text; its grammar is left to JSON.parse.
 * @throws PACKAGE_INVALID when a key stands twice in one object, or the nesting is deeper than 32
 */
function checkNesting(text: string, where: string, invalid: Invalid): void {
  /** Keys seen in each open object; null for a list. */
  const open: (Set<string> | null)[] = [];
  let isKeyNext = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === codes.quote) {
      const end = stringEnd(text, at, where, invalid);
      if (isKeyNext) addKey(open.at(-1)!, text.slice(at, end), where, invalid);
      isKeyNext = false;
      at = end - 1;
    } else if (code === codes.openObject || code === codes.openList) {
      if (open.length >= maximumDepth) throw invalid(where, `nesting is too deep: expected at most ${maximumDepth}`);
      open.push(code === codes.openObject ? new Set() : null);
      isKeyNext = code === codes.openObject;
    } else if (code === codes.closeObject || code === codes.closeList) {
      open.pop();
      isKeyNext = false;
    } else if (code === codes.comma) {
      isKeyNext = open.at(-1) instanceof Set;
    }
  }
}

function addKey(keys: Set<string>, literal: string, where: string, invalid: Invalid): void {
  const key = parse(literal, where, invalid) as string;
  if (keys.has(key)) throw invalid(where, `a key stands twice: got ${literal.slice(0, 80)}`);
  keys.add(key);
}

function parse(text: string, where: string, invalid: Invalid): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(where, 'it is not JSON', { cause });
  }
}

/**
 * The value of a JSON text.
 * @param where  what the text is, for messages
 * @param invalid  the error to throw, by default PACKAGE_INVALID
 * @throws PACKAGE_INVALID when it is not JSON, repeats a key, or nests deeper than 32
 */
export function parseJson(text: string, where: string, invalid: Invalid = invalidPackage): unknown {
  checkNesting(text, where, invalid);
  return parse(text, where, invalid);
}
