import assert from 'node:assert/strict';
import { KerfError, Tensor } from '../../src/index.js';

describe('Tensor', () => {
  it('refuses data that does not fill its dims', () => {
    assert.throws(
      () => new Tensor('float32', new Float32Array(3), [2, 2]),
      (error: KerfError) => error.code === 'SHAPE_MISMATCH' && error.exitCode === 3,
    );
  });

  it('refuses an array type of another dtype', () => {
    assert.throws(
      () => new Tensor('int64', new Float32Array(1) as never),
      (error: KerfError) => error.code === 'DTYPE_MISMATCH' && error instanceof KerfError,
    );
  });
});
