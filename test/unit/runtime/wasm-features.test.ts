import assert from 'node:assert/strict';
import { supportsRelaxedSimd, supportsSimd, supportsThreads } from '../../../src/runtime/wasm-features.js';

describe('supportsSimd, supportsThreads and supportsRelaxedSimd', () => {
  it('finds SIMD and threads, which every supported Node has', () => {
    assert.equal(supportsSimd(), true);
    assert.equal(supportsThreads(), true);
  });

  it('finds relaxed SIMD exactly where V8 has it: from 11.4 on', () => {
    const [major, minor] = process.versions.v8.split('.').map(Number);
    assert.equal(supportsRelaxedSimd(), major > 11 || (major === 11 && minor >= 4));
  });
});
