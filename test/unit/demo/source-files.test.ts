import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findSourceFiles, type SourceFile } from '../../../src/demo/index.js';
import { languageOf } from '../../../src/demo/languages.js';

describe('findSourceFiles', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kerf-sources-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function write(path: string, text: string) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const names = (files: SourceFile[]) => files.map((file) => `${file.language} ${file.path.split('/').at(-1)}`);
  const lines = (word: string) => `${word} is a line of text\n`.repeat(20);

  it('takes a few files of each package, spread over its languages', () => {
    for (let i = 0; i < 10; i++) write(`big/lib/f${i}.js`, lines(`file ${i}`));
    for (let i = 0; i < 10; i++) write(`big/f${i}.py`, lines(`python ${i}`));
    write('big/README.md', lines('readme'));
    const found = findSourceFiles([folder], { perPackage: 5, perLanguage: 2 });
    assert.deepEqual(names(found), ['js f0.js', 'md README.md', 'py f0.py', 'js f5.js', 'py f5.py']);
    assert(found.every((file) => file.package === 'big'));
  });

  it('passes over bundles, short files, binary files, copies and links', () => {
    write('a/min.js', 'x'.repeat(5000));
    write('a/lib.min.js', lines('minified by name'));
    write('a/short.js', 'x = 1;\n');
    write('a/binary.js', `${lines('zero')}\0`);
    write('a/one.js', lines('the one'));
    write('b/copy.js', lines('the one'));
    write('b/node_modules/c/inner.js', lines('inside'));
    write('b/node_modules/a/other.js', lines('another version of a'));
    write('@scope/d/own.ts', lines('scoped'));
    write('.bin/tool.js', lines('hidden'));
    symlinkSync(join(folder, 'a'), join(folder, 'b', 'link'));
    const found = findSourceFiles([folder, join(folder, 'none')]);
    assert.deepEqual(names(found), ['ts own.ts', 'js one.js', 'js inner.js']);
    assert.deepEqual(
      found.map((file) => file.package),
      ['@scope/d', 'a', 'c'],
    );
  });

  it('finds enough files here for a guard at 2 %, in the same order each time', () => {
    const folders = ['node_modules', 'examples/node_modules'];
    const files = findSourceFiles(folders);
    // With no disagreement 149 items bound it by 2 %; with two, 313.
    assert(files.length >= 313, `${files.length} files`);
    assert(new Set(files.map((file) => file.package)).size >= 50);
    assert(new Set(files.map((file) => file.language)).size >= 4);
    assert.deepEqual(findSourceFiles(folders), files);
  });
});

describe('languageOf', () => {
  it('knows the names that stand for one language only', () => {
    const cases = { 'a.mjs': 'js', 'index.d.ts': 'ts', Makefile: 'makefile', 'CMakeLists.txt': 'cmake', 'x.CC': 'cpp' };
    for (const [name, language] of Object.entries(cases)) assert.equal(languageOf(name), language);
    for (const name of ['a.h', 'a.txt', 'LICENSE', 'constructor', 'a.constructor']) {
      assert.equal(languageOf(name), undefined);
    }
  });
});
