import assert from 'node:assert/strict';
import { builds } from './builds.js';
import { momentsOracle, productTailsOracle } from './power-gamma.js';

/** Variance and third central moment of one standardised square: normal, uniform, truncated at two deviations. */
const squares = {
  normal: [2, 8],
  uniform: [4 / 5, 16 / 35],
  truncated: [1.3655367171296495, 2.374583149221971],
} as const;

for (const [build, { kernels, workspace }] of builds) {
  const fit = (n: number, [variance, third]: readonly [number, number]) =>
    workspace.scope(() => {
      const out = workspace.allocate('float64', 2);
      kernels.f64_fit_power_gamma(n, n * variance, n * third, out.ptr);
      const [a, delta] = workspace.view(out);
      return [a, delta] as const;
    });
  const tails = (first: readonly [number, number], second: readonly [number, number], sign: 1 | -1, x: number[]) =>
    workspace.scope(() => {
      const fits = workspace.copyIn('float64', Float64Array.of(...first, ...second));
      const values = workspace.copyIn('float64', Float64Array.from(x));
      kernels.f64_log_product_log_p(x.length, values.ptr, fits.ptr, sign, values.ptr);
      return Array.from(workspace.view(values));
    });

  describe(`products of mean squares, ${build} build`, () => {
    it('fit variance and skewness; normal weights give the chi-square law', () => {
      for (const [family, moments] of Object.entries(squares)) {
        for (const n of [4, 8, 33, 100, 299, 300, 5000]) {
          const [a, delta] = fit(n, moments);
          const { variance, skewness } = momentsOracle(a, delta);
          // From 300 on the fit takes the first terms in 1 / n.
          const bound = n < 300 ? 1e-6 : 2 / n;
          const wanted = moments[1] / moments[0] ** 1.5 / Math.sqrt(n);
          assert.ok(Math.abs(variance * n - moments[0]) < bound * moments[0], `${family} ${n}: variance ${variance}`);
          assert.ok(Math.abs(skewness - wanted) < bound * Math.max(1, wanted), `${family} ${n}: skewness ${skewness}`);
          if (family === 'normal')
            assert.ok(Math.abs(a - n / 2) < 1e-5 * n && Math.abs(delta - 1) < 1e-5, `${a} ${delta}`);
        }
      }
    });

    it('have the tails of the integral, from the middle to one in ten million', () => {
      const x = [-2, -0.4, -0.11, -0.1, -0.02, 0, 0.05, 0.1, 0.3, 0.6, 1, 1.4];
      for (const moments of Object.values(squares)) {
        for (const [m, n] of [
          [8, 8],
          [64, 10],
          [20, 200],
        ]) {
          for (const sign of [1, -1] as const) {
            const [first, second] = [fit(m, moments), fit(n, moments)];
            const wanted = productTailsOracle(first, second, sign, x);
            assert.ok(wanted[0] > 0.9 && wanted.some((p) => p < 0.05 && p > 1e-7), wanted.join(' '));
            tails(first, second, sign, x).forEach((logP, i) => {
              const want = wanted[i];
              if (want < 1e-7) return;
              // The saddle point's relative error is O(n^(-3/2)); 1 / n of the smaller side covers it.
              const error = Math.abs(Math.exp(logP) / want - 1);
              assert.ok(error < 0.3 / Math.min(m, n), `${m} ${n} at ${x[i]}: ${Math.exp(logP)}, not ${want}`);
            });
          }
        }
      }
    });

    it('take a side of zeros and far tails', () => {
      const side = fit(64, squares.uniform);
      const [zero, infinite, far, farther] = tails(side, side, 1, [
        Number.NEGATIVE_INFINITY,
        Number.POSITIVE_INFINITY,
        3,
        4,
      ]);
      assert.equal(zero, 0);
      assert.equal(infinite, Number.NEGATIVE_INFINITY);
      assert.ok(far < -100 && farther < far && Number.isFinite(farther), `${far} ${farther}`);
    });

    it('mirror weights just outside a support, and nothing beyond or after it', () => {
      workspace.scope(() => {
        const weights = workspace.copyIn('float32', Float32Array.of(0.9, 1, 1.25, -1.25, 1.6, -3, 1.25));
        kernels.f32_mirror_outside(6, weights.ptr, 1, 0.5);
        assert.deepEqual([...workspace.view(weights)], [...Float32Array.of(0.9, 1, 0.75, -0.75, 1.6, -3, 1.25)]);
      });
    });
  });
}
