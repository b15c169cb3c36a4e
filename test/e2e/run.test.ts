import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from '../../src/index.js';
import { decodeArrays, encodeArrays } from '../../src/model/index.js';
import { assertRefused, digits, jsonOf, kerf, root, scratchFolder } from './kerf.js';

const rows = 3;
const x = new Tensor(
  'float32',
  Float32Array.from({ length: rows * 784 }, (_, i) => ((i * 7919) % 256) / 255),
  [rows, 784],
);

describe('kerf run', () => {
  const scratch = scratchFolder();
  after(scratch.remove);
  const file = (name: string) => join(scratch.path, name);
  let expected: number[][];

  before(async () => {
    const session = await InferenceSession.create(digits, { executor: 'wasm' });
    const { logits } = await session.run({ x });
    expected = Array.from({ length: rows }, (_, i) =>
      Array.from(logits.data.slice(10 * i, 10 * i + 10) as Float32Array),
    );
    await session.release();
    for (const format of ['npy', 'npz', 'json'] as const) {
      writeFileSync(file(`x.${format}`), encodeArrays(new Map([['x', x]]), format));
    }
    const lines = Array.from({ length: rows }, (_, i) => Array.from(x.data.slice(784 * i, 784 * i + 784)));
    writeFileSync(file('x.csv'), lines.map((line) => line.join(',')).join('\n'));
    writeFileSync(file('x.jsonl'), lines.map((line) => JSON.stringify(line)).join('\n'));
  });

  for (const format of ['npy', 'npz', 'csv', 'json', 'jsonl']) {
    it(`reads ${format}`, async () => {
      const { logits } = jsonOf<{ logits: number[][] }>(
        await kerf(['run', digits, '--input', `x=${file(`x.${format}`)}`, '--json']),
      );
      assert.deepEqual(logits, expected);
    });
  }

  it('keeps its inputs: an output may not be one of them, however it is named', async () => {
    const before = readFileSync(file('x.npz'));
    for (const word of [file('x.npz'), `x=${file('x.npz')}`]) {
      const ended = await kerf(['run', digits, '-i', word, '-o', file('x.npz')]);
      assert.equal(ended.code, 2);
      assert.match(ended.stderr, /is the same file as --input/);
    }
    assert.deepEqual(readFileSync(file('x.npz')), before);
  });

  it('takes a file of named arrays, and JSON on stdin', async () => {
    const named = jsonOf<{ logits: number[][] }>(await kerf(['run', digits, '--input', file('x.npz'), '--json']));
    assert.deepEqual(named.logits, expected);
    const input = readFileSync(file('x.json'));
    const piped = jsonOf<{ logits: number[][] }>(await kerf(['run', digits, '-i', '-', '--json'], { input }));
    assert.deepEqual(piped.logits, expected);
  });

  for (const format of ['npy', 'npz', 'json']) {
    it(`writes ${format}, and nothing else`, async () => {
      const before = readdirSync(scratch.path);
      const out = file(`y.${format}`);
      const ended = await kerf(['run', digits, '-i', file('x.npz'), '-o', out]);
      assert.deepEqual(ended, { code: 0, stdout: '', stderr: '' });
      const [logits] = decodeArrays(readFileSync(out), out).values();
      assert.deepEqual(logits.dims, [rows, 10]);
      assert.deepEqual(Array.from(logits.data, Number), expected.flat());
      assert.deepEqual(readdirSync(scratch.path), [...before, `y.${format}`].sort());
    });
  }

  it('gives the same bits on any executor and thread count', async () => {
    const words = ['run', digits, '-i', file('x.npz'), '--json'];
    for (const more of [
      ['--executor', 'wasm'],
      ['--executor', 'pool', '--threads', '2'],
      ['--threads', '1'],
    ]) {
      assert.deepEqual(jsonOf<{ logits: number[][] }>(await kerf([...words, ...more])).logits, expected);
    }
  });

  it('prints the head of each output without --json', async () => {
    const { stdout } = await kerf(['run', digits, '-i', file('x.npz')]);
    assert.match(stdout, /^logits float32 \[3, 10\]$/m);
  });

  describe('refuses', () => {
    const cases: [what: string, words: (f: typeof file) => string[], exitCode: number, code: string][] = [
      ['no input', () => [], 3, 'INPUT_MISSING'],
      ['an unknown input name', (f) => ['-i', `y=${f('x.npy')}`], 3, 'INPUT_UNKNOWN'],
      ['a missing data file', (f) => ['-i', f('none.npy')], 1, 'IO_FAILED'],
      ['an input given twice', (f) => ['-i', f('x.npy'), '-i', f('x.npz')], 2, 'USAGE'],
      ['an unknown executor', (f) => ['-i', f('x.npz'), '--executor', 'gpu'], 2, 'USAGE'],
      ['no threads', (f) => ['-i', f('x.npz'), '--threads', '0'], 2, 'USAGE'],
      ['an output format it cannot write', (f) => ['-i', f('x.npz'), '-o', f('y.txt')], 2, 'USAGE'],
      ['an output folder that is missing', (f) => ['-i', f('x.npz'), '-o', f('none/y.npy')], 1, 'IO_FAILED'],
      ['rows of another length', (f) => ['-i', f('short.npy')], 3, 'SHAPE_MISMATCH'],
      ['an array of another rank', (f) => ['-i', f('flat.npy')], 3, 'SHAPE_MISMATCH'],
      ['a truncated npy file', (f) => ['-i', f('cut.npy')], 3, 'DATA_INVALID'],
      ['a truncated npz file', (f) => ['-i', f('cut.npz')], 3, 'DATA_INVALID'],
      ['ragged JSON', (f) => ['-i', f('ragged.json')], 3, 'DATA_INVALID'],
      ['words in a CSV file', (f) => ['-i', f('words.csv')], 3, 'DATA_INVALID'],
      ['an npz with other names', (f) => ['-i', f('other.npz')], 3, 'INPUT_MISSING'],
    ];
    before(() => {
      const bytes = (name: string, tensor: Tensor, format: 'npy' | 'npz') =>
        encodeArrays(new Map([[name, tensor]]), format);
      writeFileSync(file('short.npy'), bytes('', new Tensor('float32', new Float32Array(10), [1, 10]), 'npy'));
      writeFileSync(file('flat.npy'), bytes('', new Tensor('float32', new Float32Array(784)), 'npy'));
      writeFileSync(file('cut.npy'), readFileSync(file('x.npy')).subarray(0, 500));
      writeFileSync(file('cut.npz'), readFileSync(file('x.npz')).subarray(0, 500));
      writeFileSync(file('ragged.json'), '{"x": [[1, 2], [3]]}');
      writeFileSync(file('words.csv'), '1,2,3\n4,five,6\n');
      writeFileSync(
        file('other.npz'),
        encodeArrays(
          new Map([
            ['a', x],
            ['b', x],
          ]),
          'npz',
        ),
      );
    });
    for (const [what, words, exitCode, code] of cases) {
      it(`${what}: exit ${exitCode}, one sentence, no output file`, async () => {
        const more = words(file);
        assertRefused(
          await kerf(['run', digits, ...more, ...(more.includes('-o') ? [] : ['-o', file('never.npy')])]),
          exitCode,
          code,
        );
        assert.equal(existsSync(file('never.npy')), false);
      });
    }
  });

  it('refuses numbers that do not fit the dtype of the input', async () => {
    const model = join(root, 'node_modules/@vscode/vscode-languagedetection/model/model.json');
    const words = ['run', model, '--input', 'bucket_ids=-', '--json'];
    const { probabilities } = jsonOf<{ probabilities: number[][] }>(await kerf(words, { input: '[[1, 2, 3, -1]]' }));
    assert.equal(probabilities[0].length, 54);
    assertRefused(await kerf(words, { input: '[[0.5, 1]]' }), 3, 'DATA_INVALID');
    assertRefused(await kerf(words, { input: '[["a"]]' }), 3, 'DATA_INVALID');
  });

  it('refuses a truncated package and a model of another kind', async () => {
    writeFileSync(file('cut.onnx'), readFileSync(digits).subarray(0, 5000));
    assertRefused(await kerf(['run', file('cut.onnx'), '-i', file('x.npz')]), 3, 'FILE_FORMAT');
    assertRefused(await kerf(['run', file('x.npz'), '-i', file('x.npz')]), 3, 'FILE_FORMAT');
  });
});
