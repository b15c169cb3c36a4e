import assert from 'node:assert/strict';
import { type ErrorCode, KerfError } from '../../src/runtime/errors.js';

/** Matches a KerfError with `code` whose sentence holds all of `words`; for assert.throws and assert.rejects. */
export function withCode(code: ErrorCode, ...words: string[]): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof KerfError, `expected ${code}, got ${String(error)}`);
    assert.equal(error.code, code, error.message);
    for (const word of words) assert.ok(error.message.includes(word), `"${error.message}" lacks "${word}"`);
    return true;
  };
}
