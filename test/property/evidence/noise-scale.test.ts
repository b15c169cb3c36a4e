/** The second estimate of a refitted noise scale, and what is said where the two disagree. */
import assert from 'node:assert/strict';
import { analysisKernels, measureSpectrum, parseLaw, tensorKey } from '../../../src/evidence/index.js';
import { draw } from '../../../src/evidence/scores.js';
import { decide } from '../../../src/evidence/verdict.js';
import { builds } from '../../oracle/statistics/builds.js';
import { chiSquareLogTailOracle } from '../../oracle/statistics/distributions.js';
import { normals } from '../../support/fresh-layers.js';

const seed = Number(process.env['KERF_TEST_SEED'] ?? 1);
const [rows, columns] = [256, 400];
const laws = ['kaiming-normal', 'torch-linear', 'keras-glorot-normal'];

/** Weights of `name` at `scale` times their own, a random tenth of them `loud` times as large again. */
function spectrumOf(name: string, scale: number, loud = 1) {
  const { workspace } = analysisKernels();
  const law = parseLaw(name).weight({ fanIn: columns, fanOut: rows });
  return workspace.scope(() => {
    const block = workspace.allocate('float32', rows * columns);
    draw(law, tensorKey(seed, `noise ${name}`), block);
    const lot = normals(seed, `loud ${name}`, block.length);
    const weights = workspace.view(block);
    // P(N(0, 1) > 1.2816) = .1
    for (let i = 0; i < weights.length; i++) weights[i] *= lot[i] > 1.2816 ? scale * loud : scale;
    const squares = weights.reduce((sum, w) => sum + w * w, 0);
    const scaleRatio = Math.sqrt(squares / weights.length) / law.std;
    return { law, scaleRatio, spectrum: measureSpectrum(block, rows, columns, law.std, law.family) };
  });
}

function verdictOf({ law, scaleRatio, spectrum }: ReturnType<typeof spectrumOf>) {
  const weights = { tested: rows * columns, supported: 0, control: 'false-discovery-rate', level: 0.05 } as const;
  return decide({ law, count: rows * columns, ks: 0.05, scaleRatio, weights, spectrum });
}

describe(`noise scale (seed ${seed})`, () => {
  it('is the same by singular values and by groups where a law is merely shrunk', () => {
    for (const name of laws) {
      const shrunk = spectrumOf(name, 0.7);
      const { sigma, sigmaByGroups = Number.NaN, refitted } = shrunk.spectrum;
      assert.ok(refitted);
      assert.ok(Math.abs(sigma / (0.7 * shrunk.law.std) - 1) < 0.03, `${name}: ${sigma / shrunk.law.std}`);
      assert.ok(Math.abs(sigmaByGroups / sigma - 1) < 0.1, `${name}: ${sigmaByGroups / sigma}`);
      const { verdict, reason } = verdictOf(shrunk);
      assert.equal(verdict, 'partly');
      assert.doesNotMatch(reason, /estimates/);
    }
  });

  it('is claimed by none where the bulk is a mixture, and a shrunk tensor then has no null', () => {
    for (const name of laws) {
      const mixed = spectrumOf(name, 0.4, 5);
      const { sigma, sigmaByGroups = Number.NaN } = mixed.spectrum;
      assert.ok(sigma / sigmaByGroups > 1.3, `${name}: ${sigma / sigmaByGroups}`);
      const { verdict, reason } = verdictOf(mixed);
      assert.equal(verdict, 'no-null');
      assert.match(
        reason,
        /two estimates of the scale of its noise differ \(0\.\d+ by its singular values, 0\.\d+ by groups/,
      );
      // At the law's scale or a larger one the weights themselves tell; the doubt is said beside it.
      const grown = verdictOf(spectrumOf(name, 0.9, 5));
      assert.equal(grown.verdict, 'moved');
      assert.match(grown.reason, /Two estimates of the scale/);
    }
  });

  for (const [build, { kernels, workspace }] of builds) {
    it(`by groups is the root of the ratio of lower tails (${build})`, () => {
      const groups = 4000;
      const z = normals(seed, 'groups', 8 * groups);
      const sums = Float64Array.from({ length: groups }, (_, g) =>
        z.subarray(8 * g, 8 * g + 8).reduce((sum, value) => sum + (0.03 * value) ** 2, 0),
      ).sort();
      const [tenth, median] = [sums[groups / 10], sums[groups / 2]];
      const lower = (x: number) => 1 - Math.exp(chiSquareLogTailOracle(x, 8));
      let [low, high] = [0.01, 0.1];
      for (let step = 0; step < 60; step++) {
        const middle = (low + high) / 2;
        // The share below the tenth falls, relative to that below the median, as sigma grows.
        if (lower(tenth / middle ** 2) > 0.2 * lower(median / middle ** 2)) low = middle;
        else high = middle;
      }
      const got = workspace.scope(() => {
        const block = workspace.copyIn('float64', sums);
        const scratch = workspace.allocate('float64', 2);
        return kernels.f64_group_sigma(groups, block.ptr, 8, 2, 8, scratch.ptr);
      });
      // The fit of a chi-square law to the moments of 8 normal squares holds to 1e-5.
      assert.ok(Math.abs(got / low - 1) < 1e-4, `${got} ${low}`);
      assert.ok(Math.abs(got / 0.03 - 1) < 0.15, `${got}`);
    });
  }
});
