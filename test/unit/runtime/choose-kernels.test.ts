import assert from 'node:assert/strict';
import { join } from 'node:path';
import { latin1 } from '#wasm/plain';
import { requireRevectorized, revectorize } from '../../../src/executors/revectorize.js';
import { sessionKernels } from '../../../src/executors/session-kernels.js';
import { InferenceSession } from '../../../src/inference-session.js';
import { chooseKernels, tilesOfHost } from '../../../src/runtime/choose-kernels.js';
import { kernelsOf } from '../../../src/runtime/kernels.js';
import { plainKernels } from '../../../src/runtime/plain-kernels.js';
import { passesSelfTest } from '../../../src/runtime/self-test.js';
import { decodeLatin1 } from '../../../src/runtime/wasm.js';
import { supportsRelaxedSimd } from '../../../src/runtime/wasm-features.js';
import { withCode } from '../../support/codes.js';
import { root } from '../../support/run-script.js';

const hasRelaxed = supportsRelaxedSimd();

describe('chooseKernels', () => {
  it('gives the plain build when told so, and only there the same module each time', async () => {
    assert.equal(await chooseKernels('plain', 'test'), plainKernels());
    assert.equal(plainKernels().build, 'plain');
  });

  it('takes the relaxed build exactly where the host has relaxed SIMD', async () => {
    const chosen = await chooseKernels('auto', 'test');
    assert.equal(chosen.build, hasRelaxed ? 'relaxed' : 'plain');
    assert.equal(chosen.tiles, hasRelaxed ? tilesOfHost() : 0);
    if (hasRelaxed) assert.equal(await chooseKernels('relaxed', 'test'), chosen);
    else await assert.rejects(chooseKernels('relaxed', 'test'), withCode('KERNELS_UNSUPPORTED', 'test'));
  });

  it('refuses another word', async () => {
    await assert.rejects(chooseKernels('fast', 'test'), withCode('OPTION_INVALID', 'fast'));
  });
});

describe('passesSelfTest', () => {
  it('passes the plain build', () => assert.equal(passesSelfTest(plainKernels()), true));

  it('fails a module that subtracts where it should add', () => {
    const bytes = decodeLatin1(latin1);
    // f32x4.add is 0xfd 0xe4 0x01, f32x4.sub 0xfd 0xe5 0x01.
    for (let i = 0; i + 2 < bytes.length; i++) {
      if (bytes[i] === 0xfd && bytes[i + 1] === 0xe4 && bytes[i + 2] === 0x01) bytes[i + 1] = 0xe5;
    }
    assert.equal(passesSelfTest(kernelsOf(new WebAssembly.Module(bytes))), false);
  });
});

describe('sessionKernels', () => {
  const variable = process.env['KERF_WASM'];
  afterEach(() => {
    if (variable === undefined) delete process.env['KERF_WASM'];
    else process.env['KERF_WASM'] = variable;
  });

  it('obeys the variable KERF_WASM, but the option more', async () => {
    process.env['KERF_WASM'] = 'plain';
    assert.deepEqual(await sessionKernels(undefined), { own: plainKernels() });
    process.env['KERF_WASM'] = 'fast';
    await assert.rejects(sessionKernels(undefined), withCode('OPTION_INVALID', 'KERF_WASM'));
    assert.deepEqual(await sessionKernels('plain'), { own: plainKernels() });
  });

  it('gives the pool a module of the same build', async () => {
    process.env['KERF_WASM'] = '';
    const { own, shared } = await sessionKernels(undefined);
    assert.equal(own.build, hasRelaxed ? 'relaxed' : 'plain');
    assert.equal(shared?.build, hasRelaxed ? 'relaxed' : undefined);
  });
});

describe('revectorize', () => {
  it('gives wide tiles that pass the self-test, or says that it does not pay', async () => {
    const kernels = await revectorize();
    if (kernels) {
      assert.equal(kernels.own.tiles, 2);
      assert.ok(kernels.gain >= 1.2 && passesSelfTest(kernels.own));
      assert.equal(await requireRevectorized(), kernels);
    } else await assert.rejects(requireRevectorized(), withCode('KERNELS_UNSUPPORTED', 'revectorize'));
  });

  it('is refused beside other kernels', async () => {
    const options = { kernels: 'plain', revectorize: true } as const;
    const created = InferenceSession.create(join(root, 'test/golden/digits/digits.onnx'), options);
    await assert.rejects(created, withCode('OPTION_INVALID', 'revectorize'));
  });
});
