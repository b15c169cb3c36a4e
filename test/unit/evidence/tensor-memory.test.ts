import assert from 'node:assert/strict';
import type { TensorInput } from '../../../src/evidence/tensor-input.js';
import { bytesToTest, shareMemory } from '../../../src/evidence/tensor-memory.js';

const MiB = 2 ** 20;

function inputOf(rows: number, columns: number, kind: TensorInput['kind'] = 'weight'): TensorInput {
  const fans = { fanIn: columns, fanOut: rows };
  return { name: 'w', layer: null, kind, rows, columns, fans, step: 0, values: new Float32Array(0) };
}

describe('memory of tensors side by side', () => {
  it('counts weights and scores, and the Gram matrix of the shorter side', () => {
    const wide = bytesToTest(inputOf(16, 1 << 20), false);
    assert.ok(wide >= 128 * MiB && wide < 140 * MiB, `${wide}`);
    const square = bytesToTest(inputOf(2048, 2048), false);
    assert.ok(square >= (2 * 16 + 32) * MiB, `${square}`);
    // The rows of a tall matrix are turned.
    assert.ok(bytesToTest(inputOf(4096, 2048), false) >= (3 * 32 + 32) * MiB);
    assert.ok(bytesToTest(inputOf(1, 1 << 20, 'bias'), false) < 10 * MiB);
    assert.ok(bytesToTest(inputOf(16, 1 << 20), true) > wide);
  });

  it('gives the first thread any tensor, and the others what stays under the limit together', () => {
    for (const largest of [1, 64, 256]) {
      for (const threads of [1, 2, 4, 16]) {
        const needs = [0.1, 0.5, 1, 2].map((share) => share * largest * MiB);
        const held = 80 * MiB;
        const [first, ...others] = shareMemory(needs, largest * MiB, held, threads);
        assert.equal(first, Number.POSITIVE_INFINITY);
        assert.ok(others.length < Math.min(threads, needs.length));
        const atOnce = others.reduce((sum, limit) => sum + limit + 40 * MiB, held + Math.max(...needs) + 40 * MiB);
        assert.ok(atOnce <= (3 * largest + 200) * MiB, `${largest} MiB on ${threads} threads: ${atOnce / MiB}`);
        assert.ok(others.every((limit) => limit >= needs[0]));
      }
    }
  });

  it('starts no second thread where the memory is taken', () => {
    assert.deepEqual(shareMemory([100 * MiB, 100 * MiB], 33 * MiB, 160 * MiB, 2), [Number.POSITIVE_INFINITY]);
    assert.equal(shareMemory([1, 1], MiB, 0, 8).length, 2);
  });
});
