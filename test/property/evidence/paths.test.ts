/** Path scores of d-m-d blocks: their null, and T9 for them and beside the edge sequences. */
import assert from 'node:assert/strict';
import { analyze } from '../../../src/evidence/index.js';
import { pathScores } from '../../../src/evidence/paths.js';
import { createRandom } from '../../oracle/random.js';
import { type BlockWeights, blockGraph, freshBlock, reorderHidden } from '../../support/blocks.js';
import { shuffledLabels } from '../../support/networks.js';
import { normalLaw, pathSubjects } from '../../support/paths.js';

const seed = Number(process.env['KERF_TEST_SEED'] ?? 1);
const sigma = 0.05;
const init = `normal:${sigma}`;
const [d, m] = [128, 4];
const everyRow = Array.from({ length: d }, (_, i) => i);

function scoresOf(weights: BlockWeights) {
  const [first, second] = pathSubjects(weights, normalLaw(sigma));
  return pathScores(first, second, everyRow);
}

/** Training that moves a fifth of the weights by twice their spread. */
function trainedBlock(): BlockWeights {
  const { up, down } = freshBlock(seed, d, m, sigma);
  const random = createRandom(seed + 2);
  const move = (w: Float32Array<ArrayBuffer>) =>
    w.map((x) => (random.uniform() < 0.2 ? x + 2 * sigma * random.normal() : x));
  return { d, m, up: move(up), down: move(down) };
}

describe(`path statistic of d-m-d blocks (seed ${seed})`, () => {
  it('is standard normal in fresh blocks: distance under .0163, size .05', async () => {
    // Scores of one block are uncorrelated, but share weights: of 20 blocks the distance was .004 to .013.
    let size = 0;
    for (let block = 0; block < 4; block++) {
      const { paths } = await analyze(blockGraph(freshBlock(seed + 100 * block, d, m, sigma)), { init });
      assert.equal(paths.length, 1);
      assert.deepEqual(paths[0].layers, ['up', 'down']);
      assert.equal(paths[0].paths.tested, d * d);
      assert.ok(paths[0].ks <= 0.0163, `distance ${paths[0].ks}`);
      size += paths[0].shareAt05 / 4;
    }
    const tolerance = 4.5 * Math.sqrt((0.05 * 0.95) / (4 * d * d));
    assert.ok(Math.abs(size - 0.05) < tolerance, `size ${size}`);
  });

  it('T9: keeps every path decision when hidden units are permuted and rescaled, by any factor', async () => {
    const original = trainedBlock();
    const random = createRandom(seed);
    const factors = Array.from({ length: m * d }, () => 2 ** (6 * random.uniform() - 3));
    const changed = reorderHidden(original, shuffledLabels(random, m * d, m * d), (unit) => factors[unit]);
    const [before, after] = [scoresOf(original), scoresOf(changed)];
    const supports = (scores: Float32Array) => Array.from(scores, (z) => Math.abs(z) > 2.5);
    const flags = supports(before);
    assert.ok(flags.filter(Boolean).length > 1000);
    assert.deepEqual(supports(after), flags);
    const [first, second] = await Promise.all([original, changed].map((block) => analyze(blockGraph(block), { init })));
    // The evidence takes both tensors balanced, which leaves their product alone.
    assert.equal(second.paths[0].paths.supported, first.paths[0].paths.supported);
    assert.ok(Math.abs(second.paths[0].ks - first.paths[0].ks) < 1e-4);
  });

  it('takes no block where the widths differ, or a matrix has no law', async () => {
    const block = freshBlock(seed, 32, 2, sigma);
    assert.equal((await analyze(blockGraph(block), { init: 'orthogonal' })).paths.length, 0);
  });
});
