import assert from 'node:assert/strict';
import { bucketIds, bucketIdsTensor, buckets, fingerprint64, maxPairs } from '../../../src/demo/language-detector.js';

describe('fingerprint64', () => {
  it("gives FarmHash's values for its two short cases", () => {
    const hash = (text: string) => fingerprint64(new TextEncoder().encode(text));
    // The published Fingerprint64 of "a"; longer pieces are checked by the detector's own answers (tfjs.test.ts).
    assert.equal(hash('a'), 12917804110809363939n);
    assert.notEqual(hash('a b'), hash('b a'));
    assert.notEqual(hash('a \uFFFD'), hash('\uFFFD a'));
    assert.throws(() => hash('12345678'), /expected 1 to 7/);
  });
});

describe('bucketIds', () => {
  it('hashes pairs of bytes', () => {
    const pair = (text: string) => Number(fingerprint64(new TextEncoder().encode(text)) % BigInt(buckets));
    assert.deepEqual([...bucketIds('abc')], [pair('a b'), pair('b c')]);
    assert.deepEqual([...bucketIds('a\r\nb')], [pair('a \n'), pair('\n b')]);
    assert.deepEqual([...bucketIds('\u00e9')], [pair('\uFFFD \uFFFD')]);
    assert.equal(bucketIds('a').length, 0);
  });

  it('stops after 10,000 pairs', () => {
    assert.equal(bucketIds('xyz'.repeat(10_000)).length, maxPairs);
  });

  it('takes 800 full texts in a few seconds', () => {
    const text = 'const a = [1, 2, 3];\n'.repeat(600);
    const start = performance.now();
    for (let i = 0; i < 800; i++) bucketIds(`${i}${text}`);
    assert(performance.now() - start < 5000, `${performance.now() - start} ms`);
  });
});

describe('bucketIdsTensor', () => {
  it('pads with -1', () => {
    const tensor = bucketIdsTensor(['abc', 'ab', '']);
    assert.deepEqual(tensor.dims, [3, 2]);
    assert.deepEqual([...tensor.data].slice(3), [-1, -1, -1]);
  });
});
