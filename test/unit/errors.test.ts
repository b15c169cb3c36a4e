import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KerfError } from '../../src/runtime/errors.js';
import { errorCodes } from '../../src/runtime/exit-codes.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');

function sources(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending) && !name.includes('node_modules') && !name.endsWith('errors.test.ts'))
    .map((name) => readFileSync(join(root, folder, name), 'utf8'));
}

const codes = Object.keys(errorCodes) as (keyof typeof errorCodes)[];

describe('error codes', () => {
  const tests = sources('test', '.ts');
  const program = sources('src', '.ts');

  for (const code of codes) {
    it(`${code} is provoked by some test`, () => {
      assert.ok(tests.some((text) => new RegExp(`['"\`/ ]${code}\\b`).test(text)));
    });
  }

  it('are all thrown by the program', () => {
    const unused = codes.filter((code) => !program.some((text) => text.includes(`'${code}'`)));
    assert.deepEqual(unused, []);
  });

  it('lead to the exit code of their kind, in a sentence that names the place', () => {
    const error = new KerfError('GUARD_FAILED', '--parts', 'cannot be held: got 1, expected 2.', { got: 1 });
    assert.equal(error.exitCode, 4);
    assert.equal(error.message, '--parts: cannot be held: got 1, expected 2.');
    assert.deepEqual(error.details, { got: 1 });
    assert.ok(Object.values(errorCodes).every((exitCode) => [1, 2, 3, 4, 5, 130].includes(exitCode)));
  });
});
