import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkOutputPath, writeOutputFile } from '../../../src/model/output-file.js';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('writeOutputFile', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kerf-output-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('writes a new file and leaves nothing beside it', () => {
    writeOutputFile(join(folder, 'a'), bytes('one'));
    assert.deepEqual(readdirSync(folder), ['a']);
    assert.equal(readFileSync(join(folder, 'a'), 'utf8'), 'one');
  });

  it('replaces a file whole, through a link', () => {
    writeFileSync(join(folder, 'a'), 'a longer old text');
    symlinkSync(join(folder, 'a'), join(folder, 'link'));
    writeOutputFile(join(folder, 'link'), bytes('new'));
    assert.equal(readFileSync(join(folder, 'a'), 'utf8'), 'new');
    assert.deepEqual(readdirSync(folder), ['a', 'link']);
  });

  it('writes to a device in place', () => {
    writeOutputFile('/dev/null', bytes('gone'));
    assert.equal(readFileSync('/dev/null', 'utf8'), '');
  });

  it('writes to a pipe that is named by a link of the process', function () {
    if (process.platform !== 'linux') return this.skip();
    const module = fileURLToPath(new URL('../../../src/model/output-file.js', import.meta.url));
    const script =
      'const { writeOutputFile } = await import(process.argv[1]); writeOutputFile("/dev/stdout", Buffer.from("whole"));';
    const words = ['-c', '"$0" --input-type=module -e "$1" "$2" | cat', process.execPath, script, module];
    assert.equal(execFileSync('sh', words, { encoding: 'utf8' }), 'whole');
  });

  it('refuses a missing folder and a folder, and writes nothing', () => {
    mkdirSync(join(folder, 'sub'));
    const failed = { name: 'KerfError', code: 'IO_FAILED' };
    assert.throws(() => checkOutputPath(join(folder, 'none', 'a')), failed);
    assert.throws(() => writeOutputFile(join(folder, 'none', 'a'), bytes('x')), failed);
    assert.throws(() => writeOutputFile(join(folder, 'sub'), bytes('x')), failed);
    assert.deepEqual(readdirSync(folder), ['sub']);
  });
});
