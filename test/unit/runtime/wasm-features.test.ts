import assert from 'node:assert/strict';
import { supportsWasm } from '../../../src/runtime/wasm-features.js';

describe('supportsWasm', () => {
  it('finds SIMD and threads, which every supported Node has', () => {
    assert.equal(supportsWasm('simd'), true);
    assert.equal(supportsWasm('threads'), true);
  });

  it('finds relaxed SIMD exactly where V8 has it: from 11.4 on', () => {
    const [major, minor] = process.versions.v8.split('.').map(Number);
    assert.equal(supportsWasm('relaxedSimd'), major > 11 || (major === 11 && minor >= 4));
  });
});
