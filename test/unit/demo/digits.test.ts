import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Digits, findDigits, pixels, readDigits } from '../../../src/demo/index.js';
import type { Graph } from '../../../src/graph/graph.js';
import { loadModel } from '../../../src/model/index.js';
import { KerfError } from '../../../src/runtime/errors.js';

const folder = findDigits(['examples/node_modules']);

/** Logits of one image in float64. */
function logits(graph: Graph, image: Float32Array): number[] {
  let values: number[] = Array.from(image);
  for (const [i, layer] of ['fc1', 'fc2', 'fc3'].entries()) {
    const weights = graph.initializers.get(`${layer}.weight`)!.data as Float32Array;
    const bias = graph.initializers.get(`${layer}.bias`)!.data as Float32Array;
    const width = values.length;
    const input = i === 0 ? values : values.map((value) => Math.max(value, 0));
    values = Array.from(bias, (b, n) => input.reduce((sum, x, k) => sum + x * weights[n * width + k], b));
  }
  return values;
}

describe('readDigits', () => {
  let digits: Digits;
  before(function () {
    // The images come with the packages of examples/, which `npm test` installs.
    if (!folder) this.skip();
    else digits = readDigits(folder, { calibration: 1000 });
  });

  it('gives three sets with stated hashes, the same for the same seed', () => {
    const { calibration, guard, test } = digits;
    assert.deepEqual([calibration.x.dims, guard.x.dims, test.x.dims].map(String), ['1000,784', '5000,784', '5000,784']);
    assert.equal(guard.labels.length, 5000);
    const again = readDigits(folder!, { calibration: 1000 });
    assert.equal(again.guard.sha256, guard.sha256);
    assert.notEqual(readDigits(folder!, { calibration: 1000, seed: 1 }).guard.sha256, guard.sha256);
    assert.equal(new Set([calibration, guard, test].map(({ sha256 }) => sha256)).size, 3);
  });

  it('gives sets that share no image', () => {
    const keys = ({ x }: Digits['guard']) =>
      Array.from({ length: x.dims[0] }, (_, i) => x.data.subarray(i * pixels, (i + 1) * pixels).join());
    const [calibration, guard, test] = [digits.calibration, digits.guard, digits.test].map(keys);
    const seen = new Set([...guard, ...calibration]);
    assert(test.every((image) => !seen.has(image)));
    assert.equal(new Set(calibration).size, calibration.length);
  });

  it('gives pixels in [0, 1], with which the trained net is right as often as when it was trained', async () => {
    const { graph } = await loadModel('test/golden/digits/digits.onnx');
    const { x, labels } = digits.test;
    assert(x.data.every((value) => value >= 0 && value <= 1));
    let right = 0;
    for (let i = 0; i < 200; i++) {
      const found = logits(graph, x.data.subarray(i * pixels, (i + 1) * pixels));
      if (found.indexOf(Math.max(...found)) === labels[i]) right++;
    }
    // 97.7 % of 10,000; fewer than 186 of 200 would have a probability of about 1e-4.
    assert(right >= 186, `${right} of 200`);
  });

  it('reads what torch read: the first 16 test images have its logits', async () => {
    const { graph } = await loadModel('test/golden/digits/digits.onnx');
    const expected = JSON.parse(readFileSync('test/golden/digits/expected.json', 'utf8')).logits as number[][];
    const bytes = readFileSync(join(folder!, 't10k-images-idx3-ubyte')).subarray(16);
    expected.forEach((row, i) => {
      const image = Float32Array.from(bytes.subarray(i * pixels, (i + 1) * pixels), (value) => value / 255);
      // Both sum in float64; the order of at most 784 terms differs.
      for (const [n, value] of logits(graph, image).entries()) assert(Math.abs(value - row[n]) < 1e-11, `${value}`);
    });
  });

  it('refuses missing and damaged files', () => {
    const copy = mkdtempSync(join(tmpdir(), 'kerf-digits-'));
    try {
      const fails = (code: string) => {
        assert.throws(
          () => readDigits(copy),
          (error: unknown) => error instanceof KerfError && error.code === code,
        );
      };
      fails('IO_FAILED');
      for (const name of ['train-images-idx3', 'train-labels-idx1', 't10k-images-idx3', 't10k-labels-idx1']) {
        copyFileSync(join(folder!, `${name}-ubyte`), join(copy, `${name}-ubyte`));
      }
      truncateSync(join(copy, 'train-labels-idx1-ubyte'), 1000);
      fails('DATA_INVALID');
      writeFileSync(join(copy, 'train-labels-idx1-ubyte'), 'text');
      fails('DATA_INVALID');
    } finally {
      rmSync(copy, { recursive: true });
    }
    assert.throws(
      () => readDigits(folder!, { calibration: 60_001 }),
      (error: unknown) => error instanceof KerfError && error.code === 'OPTION_INVALID',
    );
    assert.equal(findDigits(['no-such-folder']), undefined);
  });
});
