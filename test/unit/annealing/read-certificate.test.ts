import assert from 'node:assert/strict';
import type { Certificate } from '../../../src/annealing/annealing.js';
import { readCertificate } from '../../../src/annealing/read-certificate.js';
import { withCode } from '../../support/codes.js';

const certificate: Certificate = {
  ...{ level: 'D', decision: 'argmax', confidence: 0.95, maxDisagreement: 0.01, bound: 0.008, n: 600, rows: 610 },
  ...{ repeats: 10, seen: 1, agreement: 599 / 600, rel: 0.1, maxAbs: 0.5, kl: 0.001, weights: 'f32' },
  accuracy: { n: 610, before: 0.9, after: 0.91, lost: 1, gained: 7, change: 0.01, interval: [-0.1, 0.1], pValue: 0.07 },
  ...{ fallbackRate: 0.2, support: { columns: 9, unlit: 2, outside: 3 }, guardHash: 'ab', earlierUses: 0 },
  stages: [{ name: 'ranks', macs: 10, n: 600, seen: 1, bound: 0.008, passed: true }],
  classes: [{ decision: '0', n: 600, seen: 1, proven: true }],
  statement: 'A sentence.',
};

describe('readCertificate', () => {
  it('reads what decompose writes, and none', () => {
    assert.deepEqual(readCertificate(JSON.parse(JSON.stringify(certificate))), certificate);
    assert.equal(readCertificate(null), null);
    assert.equal(readCertificate({ ...certificate, bound: null })?.bound, null);
  });

  it('reads older ones, which lack some fields', () => {
    const { repeats, kl, accuracy, weights, support, earlierUses, ...older } = certificate;
    const read = readCertificate(older)!;
    assert.deepEqual(
      [read.repeats, read.kl, read.accuracy, read.weights, read.support, read.earlierUses],
      [0, null, null, 'f32', null, 0],
    );
  });

  it('names a field that is missing or of another form', () => {
    for (const name of Object.keys(certificate)) {
      const damaged = { ...certificate, [name]: name === 'stages' || name === 'classes' ? [5] : { some: 'thing' } };
      assert.throws(() => readCertificate(damaged), withCode('PACKAGE_INVALID', `"${name}"`));
    }
    const { statement, ...rest } = certificate;
    assert.throws(() => readCertificate(rest), withCode('PACKAGE_INVALID', '"statement"', 'got nothing'));
    assert.throws(() => readCertificate([]), withCode('PACKAGE_INVALID', '"level"'));
  });
});
