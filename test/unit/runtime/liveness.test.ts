import assert from 'node:assert/strict';
import { alignBytes, type Lifetime, placeByLifetime } from '../../../src/runtime/liveness.js';
import { Random } from '../../support/random.js';

describe('placeByLifetime', () => {
  it('gives the bytes of a dead buffer to the next one', () => {
    const { offsets, totalBytes } = placeByLifetime([
      { buffer: 0, bytes: 100, first: 0, last: 1 },
      { buffer: 1, bytes: 64, first: 1, last: 2 },
      { buffer: 2, bytes: 128, first: 2, last: 3 },
    ]);
    assert.equal(offsets.get(0), offsets.get(2));
    assert.equal(totalBytes, 192);
  });

  it('keeps buffers that are alive together apart, aligned, inside the arena (200 random sets)', () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = new Random(seed);
      const lives: Lifetime[] = Array.from({ length: random.integer(1, 40) }, (_, buffer) => {
        const first = random.integer(0, 20);
        return { buffer, bytes: random.integer(0, 500), first, last: first + random.integer(0, 8) };
      });
      const { offsets, totalBytes } = placeByLifetime(lives);
      const placed = lives.map((life) => ({ ...life, start: offsets.get(life.buffer)! }));
      for (const [i, a] of placed.entries()) {
        assert.equal(a.start % 64, 0);
        assert.ok(a.start + a.bytes <= totalBytes);
        for (const b of placed.slice(i + 1)) {
          const areTogether = a.first <= b.last && b.first <= a.last && a.bytes > 0 && b.bytes > 0;
          const overlap = a.start < b.start + b.bytes && b.start < a.start + a.bytes;
          assert.ok(!(areTogether && overlap), `seed ${seed}: buffers ${a.buffer} and ${b.buffer}`);
        }
      }
      const needed = Math.max(
        ...placed.map(({ first }) =>
          placed.filter((b) => b.first <= first && first <= b.last).reduce((sum, b) => sum + alignBytes(b.bytes), 0),
        ),
      );
      assert.ok(totalBytes <= 2 * needed, `seed ${seed}: ${totalBytes} bytes for ${needed} alive at once`);
    }
  });
});
