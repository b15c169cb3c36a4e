import assert from 'node:assert/strict';
import { assertClose, builds } from './builds.js';
import {
  chiSquareLogTailOracle,
  kolmogorovTailOracle,
  marchenkoPasturOracle,
  normalLogTailOracle,
  normalQuantileOracle,
} from './distributions.js';
import { readGolden } from './golden.js';

const golden = readGolden();

for (const [build, { kernels, workspace }] of builds) {
  describe(`distributions, ${build} build`, () => {
    /** ln p of one chi-square statistic. */
    function chiSquare(x: number, df: number, tail: number): number {
      return workspace.scope(() => {
        const block = workspace.copyIn('float64', Float64Array.of(x));
        kernels.f64_chi_square_log_p(1, block.ptr, df, tail, block.ptr);
        return workspace.view(block)[0];
      });
    }

    it('give the log normal tail of SciPy and of the oracle', () => {
      for (const [x, want] of golden.logTail) assertClose(kernels.f64_normal_log_tail(x), want, 2e-15, `x = ${x}`);
      for (let x = -6; x < 40; x += 0.37) {
        assertClose(kernels.f64_normal_log_tail(x), normalLogTailOracle(x), 1e-13, `x = ${x}`);
      }
    });

    it('give normal quantiles from the log of the tail', () => {
      for (const [p, want] of golden.quantile) {
        assertClose(kernels.f64_normal_quantile(Math.log(p)), want, 1e-14, `p = ${p}`);
      }
      for (let logP = -0.7; logP > -1e5; logP *= 1.9) {
        assertClose(kernels.f64_normal_quantile(logP), normalQuantileOracle(logP), 1e-13, `ln p = ${logP}`);
      }
    });

    it('give chi-square log p-values of SciPy, both tails, up to a million degrees of freedom', () => {
      for (const [df, x, upper, lower] of golden.chiSquare) {
        // SciPy's own logs lose digits where the tail is near 1.
        assertClose(chiSquare(x, df, 0), upper, 1e-9, `upper tail of ${x}, df ${df}`);
        assertClose(chiSquare(x, df, 1), lower, 1e-9, `lower tail of ${x}, df ${df}`);
      }
    });

    it('give chi-square log p-values far beyond underflow, as the finite sums do', () => {
      for (const df of [1, 2, 5, 8, 33, 200]) {
        for (const factor of [0.3, 1, 2, 10, 1000, 1e5]) {
          const x = df * factor;
          assertClose(chiSquare(x, df, 0), chiSquareLogTailOracle(x, df), 1e-12, `tail of ${x}, df ${df}`);
        }
      }
    });

    it('double the smaller tail when two-sided, at most to 1', () => {
      for (const x of [0.5, 3, 8, 12, 40]) {
        const want = Math.min(0, Math.LN2 + Math.min(chiSquare(x, 8, 0), chiSquare(x, 8, 1)));
        assert.equal(chiSquare(x, 8, 2), want);
      }
    });

    it('give Kolmogorov p-values: the series exactly, the exact law within 3 % of p from n = 20 on', () => {
      for (const k of [0.3, 0.6, 0.9, 1.1, 1.25, 1.6, 2, 5]) {
        const n = 1e12;
        const d = k / (Math.sqrt(n) + 0.12 + 0.11 / Math.sqrt(n));
        assertClose(kernels.f64_ks_log_p(n, d), Math.log(kolmogorovTailOracle(k)), 1e-10, `k = ${k}`);
      }
      for (const [n, d, p] of golden.kolmogorov) {
        if (p < 1e-4 && n < 100) continue; // Stephens' correction is made for the usual levels.
        assertClose(kernels.f64_ks_log_p(n, d), Math.log(p), 0.03, `n = ${n}, d = ${d}`);
      }
    });

    it('give the Marchenko-Pastur law and its median', () => {
      for (const [beta, x, want] of golden.marchenkoPastur) {
        assertClose(kernels.f64_marchenko_pastur_cdf(beta, x), want, 1e-10, `beta ${beta}, x ${x}`);
        assertClose(kernels.f64_marchenko_pastur_cdf(beta, x), marchenkoPasturOracle(beta, x), 1e-7, `oracle ${beta}`);
      }
      for (const beta of [0.001, 0.1, 0.5, 0.99, 1]) {
        const median = kernels.f64_marchenko_pastur_median(beta);
        assertClose(kernels.f64_marchenko_pastur_cdf(beta, median), 0.5, 1e-10, `median at ${beta}`);
      }
      // The literature's constant for square matrices.
      assertClose(kernels.f64_marchenko_pastur_median(1), 0.6528, 5e-5, 'median at 1');
    });
  });
}
