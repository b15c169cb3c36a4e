/** Packages that carry the original beside the compressed network. */
import assert from 'node:assert/strict';
import { joinWeights, renameWeights } from '../../../src/package/join-weights.js';
import { encodePackage } from '../../../src/package/kerf-writer.js';
import { decodePackage } from '../../../src/runtime/format/decode-package.js';
import { InferenceSession } from '../../../src/runtime/inference-session.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { cascadeOf, compressedPlan } from '../../support/cascades.js';
import { withCode } from '../../support/codes.js';
import { closePackage, openPackage, packageOf } from '../../support/packages.js';
import { mlpPlan } from '../../support/plans.js';

const good = encodePackage({ ...packageOf(compressedPlan()), cascade: cascadeOf() });

/** The package with its cascade changed. */
// biome-ignore lint/suspicious/noExplicitAny: tests reach into it to break it
function withCascade(change: (cascade: any) => unknown): Uint8Array {
  const open = openPackage(good);
  const cascade = JSON.parse(open.header.__metadata__['kerf.cascade']);
  change(cascade);
  open.header.__metadata__['kerf.cascade'] = JSON.stringify(cascade);
  return closePackage(open);
}

describe('cascade packages', () => {
  it('come back as they were, and give the same bytes again', () => {
    const decoded = decodePackage(good);
    assert.deepEqual(decoded.plan, compressedPlan());
    assert.deepEqual(decoded.cascade, cascadeOf());
    assert.deepEqual(encodePackage({ ...packageOf(decoded.plan), cascade: decoded.cascade }), good);
    assert.equal(decodePackage(encodePackage(packageOf(compressedPlan()))).cascade, null);
  });

  it('may have a support, with or without margins', () => {
    const support = [{ input: 'x', spans: [0, 2, 5, 20] }];
    for (const changes of [{ support }, { support, outputs: [] }]) {
      const bytes = encodePackage({ ...packageOf(compressedPlan()), cascade: cascadeOf(changes) });
      assert.deepEqual(decodePackage(bytes).cascade, cascadeOf(changes));
    }
  });

  it('are refused when the support does not fit the inputs', () => {
    const broken: readonly unknown[] = [
      null,
      {},
      [3],
      [{ input: 'x' }],
      [{ input: 'x', spans: [] }],
      [{ input: 'x', spans: [1] }],
      [{ input: 'x', spans: [1, 1] }],
      [{ input: 'x', spans: [3, 5, 4, 6] }],
      [{ input: 'x', spans: [3, 5, 5, 6] }],
      [{ input: 'x', spans: [-1, 4] }],
      [{ input: 'x', spans: [0, 1.5] }],
      [{ input: 'x', spans: ['0', 2] }],
      [{ input: 'x', spans: [0, 21] }],
      [{ input: 'x', spans: [2 ** 32, 2 ** 32 + 1] }],
      [{ input: 'z', spans: [0, 1] }],
      [
        { input: 'x', spans: [0, 1] },
        { input: 'x', spans: [2, 3] },
      ],
      Array(4097).fill({ input: 'x', spans: [0, 1] }),
    ];
    for (const support of broken) {
      const bytes = withCascade((cascade) => Object.assign(cascade, { support }));
      assert.throws(() => decodePackage(bytes), withCode('PACKAGE_INVALID'), JSON.stringify(support).slice(0, 80));
    }
    const newer = [{ input: 'x', spans: [0, 1], mask: 1 }];
    const bytes = withCascade((cascade) => Object.assign(cascade, { support: newer }));
    assert.throws(() => decodePackage(bytes), withCode('PACKAGE_VERSION'));
  });

  it('run in kerf/runtime', async () => {
    const session = await InferenceSession.create(good, { maxFallbackRate: 1 });
    const x = new Tensor('float32', new Float32Array(40), [2, 20]);
    assert.deepEqual((await session.run({ x }))['y'].dims, [2, 10]);
    assert.ok('fallbackRate' in session.stats());
  });

  it('are refused when a field, a decision or a key is not known', () => {
    const newer = (bytes: Uint8Array) => assert.throws(() => decodePackage(bytes), withCode('PACKAGE_VERSION'));
    newer(
      withCascade((cascade) => {
        cascade.temperature = 1;
      }),
    );
    newer(
      withCascade((cascade) => {
        cascade.decision = 'entropy';
      }),
    );
    newer(
      withCascade((cascade) => {
        cascade.plan.version = 2;
      }),
    );
    newer(
      withCascade((cascade) => {
        cascade.plan.extra = 0;
      }),
    );
    const open = openPackage(good);
    open.header.__metadata__['kerf.support'] = '{}';
    newer(closePackage(open));
  });

  it('are refused when the rule or the plans do not fit', () => {
    // biome-ignore lint/suspicious/noExplicitAny: tests reach into it to break it
    const broken: readonly ((cascade: any) => unknown)[] = [
      (cascade) => delete cascade.tau,
      (cascade) => {
        cascade.tau = -1;
      },
      (cascade) => {
        cascade.tau = '1';
      },
      (cascade) => {
        cascade.maxFallbackRate = 1.5;
      },
      (cascade) => {
        cascade.outputs = [];
      },
      (cascade) => {
        cascade.outputs = ['z'];
      },
      (cascade) => {
        cascade.plan.outputs[0].name = 'z';
      },
      (cascade) => {
        cascade.plan.rows = null;
      },
      (cascade) => {
        cascade.plan.weights[0].name = 'missing';
      },
      (cascade) => {
        cascade.plan.weights[0].shape = [32, 20];
      },
      (cascade) => {
        cascade.plan.steps[0].writes[0].buffer = 99;
      },
    ];
    for (const [i, change] of broken.entries()) {
      assert.throws(() => decodePackage(withCascade(change)), withCode('PACKAGE_INVALID'), `case ${i}`);
    }
  });

  it('store a weight of both plans once, and others of its name under another', () => {
    const [a, b] = [mlpPlan(20, 8, 10, 1), mlpPlan(20, 8, 10, 1)];
    assert.deepEqual(joinWeights(a.weights, renameWeights(b, a).weights), a.weights);
    const renamed = renameWeights(mlpPlan(20, 33, 10, 1), a);
    assert.deepEqual(
      renamed.weights.map(({ name }) => name),
      ['original/fc1', 'original/fc2'],
    );
    assert.equal(joinWeights(a.weights, renamed.weights).length, 4);
  });
});
