/** The package as npm would publish it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { root } from './kerf.js';

interface Packed {
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

describe('the npm package', () => {
  let packed: Packed;
  before(async () => {
    const words = ['pack', '--dry-run', '--json', '--ignore-scripts'];
    const { stdout } = await promisify(execFile)('npm', words, { cwd: root, maxBuffer: 1 << 26 });
    packed = JSON.parse(stdout)[0];
  });

  it('is at most 2 MB unpacked', async () => {
    const { publishedFiles } = await import(pathToFileURL(join(root, 'scripts/shrink.mjs')).href);
    const published: ReadonlyMap<string, string | null> = publishedFiles();
    const sizes = packed.files.map(({ path, size }) => {
      const content = published.get(path);
      return content === undefined ? size : Buffer.byteLength(content ?? '');
    });
    const unpackedBytes = sizes.reduce((sum, size) => sum + size, 0);
    assert.ok(unpackedBytes <= 2e6, `${unpackedBytes} bytes`);
  });

  it('holds the command line, the library and the digits net, and neither tests nor debug builds', () => {
    const paths = packed.files.map(({ path }) => path);
    for (const path of ['build/src/cli/main.js', 'build/src/index.js', 'build/src/index.d.ts', 'build/wasm/plain.js']) {
      assert.ok(paths.includes(path), path);
    }
    assert.ok(paths.includes('build/digits.planes.br'));
    assert.deepEqual(
      paths.filter((path) => /debug|\.test\.|\.map$|\.wat$|\.wasm$/.test(path)),
      [],
    );
  });

  it('has no install scripts', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    for (const name of ['preinstall', 'install', 'postinstall']) assert.equal(scripts[name], undefined);
  });
});
