import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { momentsOf } from '../../../src/annealing/least-squares.js';
import { findDomains } from '../../../src/annealing/partition.js';
import { analysisKernels, columnBlocks, correlationBlocks } from '../../../src/evidence/index.js';
import { readOnnx } from '../../../src/model/onnx.js';
import { createRandom } from '../../oracle/random.js';
import { adjustedRandIndex } from '../../support/planted-blocks.js';

const seed = Number(process.env['KERF_TEST_SEED'] ?? 1);
const golden = join(dirname(fileURLToPath(import.meta.url)), '../../../../test/golden');

/** Documents [rows, words] of words drawn from one of k domains each, a share of them from anywhere. */
function leakyDocuments(k: number, leak: number, rows = 2000, words = 240, length = 30) {
  const random = createRandom(seed);
  const pick = (n: number) => Math.min(Math.floor(random.uniform() * n), n - 1);
  const labels = Int32Array.from({ length: words }, () => pick(k));
  const pools = Array.from({ length: k }, (_, p) => [...labels.keys()].filter((j) => labels[j] === p));
  const data = new Float32Array(rows * words);
  for (let row = 0; row < rows; row++) {
    const pool = pools[pick(k)];
    for (let i = 0; i < length; i++)
      data[row * words + (random.uniform() < leak ? pick(words) : pool[pick(pool.length)])]++;
  }
  return { labels, moments: momentsOf({ rows, columns: words, data }) };
}

/** The domain of each input. */
function labelsOf({ order, blocks }: NonNullable<ReturnType<typeof findDomains>>): Int32Array {
  const labels = new Int32Array(order.length);
  blocks.forEach(([first, end], p) => {
    for (const j of order.subarray(first, end)) labels[j] = p;
  });
  return labels;
}

describe(`domains by correlation (seed ${seed})`, () => {
  for (const [k, leak] of [
    [3, 0.1],
    [8, 0],
    [8, 0.2],
    [8, 0.4],
    [20, 0.2],
  ]) {
    it(`finds ${k} domains of words where ${100 * leak} % of the words are from anywhere`, () => {
      const { labels, moments } = leakyDocuments(k, leak);
      const found = findDomains(moments, seed);
      assert.ok(found, 'no domains');
      assert.equal(found.blocks.length, k);
      assert.equal(adjustedRandIndex(labels, labelsOf(found)), 1);
    });
  }

  it('finds none where all words are from anywhere', () => {
    assert.equal(findDomains(leakyDocuments(8, 1).moments, seed), null);
  });

  it('finds none in a chain, whose neighbours are alike without any border', () => {
    const d = 200;
    const squares = Float64Array.from(
      { length: d * d },
      (_, at) => 0.95 ** (2 * Math.abs(Math.floor(at / d) - (at % d))),
    );
    const { k, strength } = correlationBlocks(squares, d, 4096, { seed });
    assert.equal(k, 1);
    assert.ok(strength > 1, 'not noise either');
  });

  it('tells blocks that never correlate across, alone nodes placed somewhere', () => {
    const [d, k] = [64, 8];
    const squares = Float64Array.from({ length: d * d }, (_, at) => {
      const [i, j] = [Math.floor(at / d), at % d];
      return i < d - 2 && j < d - 2 && i % k === j % k ? 0.3 : 0;
    });
    const found = correlationBlocks(squares, d, 1000, { seed });
    assert.equal(found.k, k);
    for (let i = 0; i < d - 2; i++) assert.equal(found.labels[i], i % k);
    for (let i = d - 2; i < d; i++) assert.ok(found.labels[i] >= 0 && found.labels[i] < k);
  });

  it('finds the eight domains of a trained net of topics from its weights alone', () => {
    const { graph } = readOnnx(new Uint8Array(readFileSync(join(golden, 'topics/topics.onnx'))));
    const [weight] = [...graph.initializers.values()].sort((a, b) => b.data.length - a.data.length);
    const [rows, columns] = weight.dims;
    const { workspace } = analysisKernels();
    const found = workspace.scope(() => {
      const block = workspace.copyIn('float32', weight.data as Float32Array<ArrayBuffer>);
      return columnBlocks(block, rows, columns, seed);
    });
    assert.equal(found?.k, 8);
  });
});
