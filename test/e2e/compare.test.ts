/** bench/compare.mjs, as it is called. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../support/random.js';
import { root } from '../support/run-script.js';

describe('bench/compare.mjs', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'kerf-compare-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  /** A result of 100 samples around `ms`, spread by a tenth. */
  function resultOf(name: string, ms: number, seed: number): string {
    const samplesMs = [...new Random(seed).floats(100)].map((noise) => ms * (1 + 0.1 * noise));
    const path = join(folder, `${name}.json`);
    writeFileSync(path, JSON.stringify({ kernels: [{ name: 'layer', samplesMs }] }));
    return path;
  }

  function compare(...paths: string[]) {
    const { status, stdout } = spawnSync(process.execPath, ['bench/compare.mjs', ...paths], {
      cwd: root,
      encoding: 'utf8',
    });
    return { status, verdict: /(\w+)\s*$/.exec(stdout)?.[1] };
  }

  it('tells a change from noise, and fails when something became slower', () => {
    const old = resultOf('old', 1, 1);
    assert.deepEqual(compare(old, resultOf('again', 1, 2)), { status: 0, verdict: 'same' });
    assert.deepEqual(compare(old, resultOf('slow', 1.2, 3)), { status: 1, verdict: 'slower' });
    assert.deepEqual(compare(old, resultOf('fast', 0.8, 4)), { status: 0, verdict: 'faster' });
  });

  it('refuses anything but two files', () => assert.equal(compare().status, 2));
});
