import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../../scripts/bench.mjs', import.meta.url));

describe('npm run bench', () => {
  it('refuses unknown arguments by name, before it measures anything', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--fast'], { encoding: 'utf8' });
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /got --fast, expected --quick or one of kernels, peers, decomposition, models/);
  });
});
