import assert from 'node:assert/strict';
import { Random } from '../../support/random.js';
import { assertClose, builds } from './builds.js';
import { chiSquareLogTailOracle, ksDistanceOracle, normalLogTailOracle } from './distributions.js';
import { readGolden } from './golden.js';
import {
  andersonDarlingOracle,
  higherCriticismPOracle,
  lowerCrossingOracle,
  maxOracle,
  meanOracle,
} from './group-tests.js';

const golden = readGolden();

for (const [build, { kernels, workspace }] of builds) {
  describe(`group tests, ${build} build`, () => {
    type Kernel = (groups: number, size: number, zPtr: number, scratchPtr: number, outPtr: number) => void;

    function groupsOf(groups: number, size: number, spread: number): Float32Array<ArrayBuffer> {
      const random = new Random(31 * size + groups);
      return Float32Array.from({ length: groups * size }, () => {
        return spread * 2 * (random.next() + random.next() + random.next() - 1.5);
      });
    }

    function run(kernel: Kernel, z: Float32Array<ArrayBuffer>, size: number): number[] {
      const groups = z.length / size;
      return workspace.scope(() => {
        const block = workspace.copyIn('float32', z);
        const scratch = workspace.allocate('float64', 3 * size + 2);
        const out = workspace.allocate('float64', groups);
        kernel(groups, size, block.ptr, scratch.ptr, out.ptr);
        return [...workspace.view(out)];
      });
    }

    /** Compares a kernel with an oracle of ln p over sizes and spreads. */
    function agree(kernel: Kernel, oracle: (z: number[]) => number, bound: number): void {
      for (const size of [1, 2, 3, 8, 17]) {
        for (const spread of [0.3, 1, 4]) {
          const z = groupsOf(5, size, spread);
          for (const [g, got] of run(kernel, z, size).entries()) {
            const group = [...z.subarray(g * size, g * size + size)];
            assertClose(got, oracle(group), bound, `group ${g} of ${size}, spread ${spread}`);
          }
        }
      }
    }

    it('combine p-values as Fisher does', () => {
      agree(
        (groups, size, z, _, out) => kernels.f32_fisher_log_p(groups, size, z, out),
        (z) => {
          const sum = z.reduce((total, value) => {
            return total - 2 * Math.min(0, Math.LN2 + normalLogTailOracle(Math.abs(value)));
          }, 0);
          return chiSquareLogTailOracle(sum, 2 * z.length);
        },
        1e-11,
      );
    });

    it('judge the largest score', () => {
      agree(
        (groups, size, z, _, out) => kernels.f32_max_log_p(groups, size, z, out),
        (z) => Math.log(maxOracle(z)),
        1e-9,
      );
      const [far] = run(
        (groups, size, z, _, out) => kernels.f32_max_log_p(groups, size, z, out),
        Float32Array.of(30, 0),
        2,
      );
      assertClose(far, 2 * Math.LN2 + normalLogTailOracle(30), 1e-12, 'beyond underflow');
    });

    it('judge the mean', () => {
      agree(
        (groups, size, z, _, out) => kernels.f32_mean_log_p(groups, size, z, out),
        (z) => Math.log(meanOracle(z)),
        1e-11,
      );
    });

    it('judge higher criticism exactly', () => {
      // The oracle subtracts from 1, so below 1e-8 it has no digits; tiny crossings are checked by hand below.
      const floor = (logP: number) => Math.max(Math.log(1e-8), logP);
      agree(
        (groups, size, z, scratch, out) => {
          kernels.f32_higher_criticism_log_p(groups, size, z, scratch, out);
          const block = { dtype: 'float64', ptr: out, length: groups } as const;
          workspace.view(block).set(workspace.view(block).map(floor));
        },
        (z) => floor(Math.log(Math.max(0, higherCriticismPOracle(z)))),
        1e-6,
      );
    });

    it('give the Anderson-Darling statistic', () => {
      agree(kernels.f32_anderson_darling, andersonDarlingOracle, 1e-11);
    });

    it('give crossing probabilities: by hand for two points, by counting for more', () => {
      const crossing = (b: number[]) =>
        workspace.scope(() => {
          const bounds = workspace.copyIn('float64', Float64Array.from(b));
          const scratch = workspace.allocate('float64', b.length + 1);
          return kernels.f64_lower_crossing(b.length, bounds.ptr, scratch.ptr);
        });
      assertClose(crossing([0.3]), 0.3, 1e-15, 'one point');
      assertClose(crossing([0.2, 0.5]), 1 - (0.8 ** 2 - 0.3 ** 2), 1e-15, 'two points');
      for (const n of [3, 7, 20]) {
        const bounds = Array.from({ length: n }, (_, i) => (0.6 * (i + 0.3)) / n);
        assertClose(crossing(bounds), lowerCrossingOracle(bounds), 1e-12, `${n} points`);
      }
      // Tiny probabilities keep their digits: any of n points below 1e-20.
      assertClose(crossing([1e-20, 1e-20, 1e-20]) / 3e-20, 1, 1e-12, 'tiny');
    });

    it('give the exact Kolmogorov-Smirnov law of SciPy', () => {
      for (const [n, d, p] of golden.kolmogorov) {
        if (n > 200) continue;
        const got = workspace.scope(() => kernels.f64_ks_exact(n, d, workspace.allocate('float64', 2 * n + 2).ptr));
        assertClose(1 - got, p, 1e-11, `n = ${n}, d = ${d}`);
      }
    });

    it('judge each group by Kolmogorov-Smirnov', () => {
      // With one score D = max(u, 1 - u), and P(D >= d) = 2 (1 - d) for d >= 1/2.
      const z = groupsOf(6, 1, 1);
      for (const [g, got] of run(kernels.f32_group_ks_log_p, z, 1).entries()) {
        const d = ksDistanceOracle([z[g]]);
        assertClose(got, Math.log(2 * (1 - d)), 1e-10, `score ${z[g]}`);
      }
    });

    it('rank statistics in a simulated null', () => {
      const logs = workspace.scope(() => {
        const x = workspace.copyIn('float64', Float64Array.of(0, 2, 2.5, 9));
        const simulated = workspace.copyIn('float64', Float64Array.of(1, 2, 3));
        kernels.f64_simulated_log_p(4, x.ptr, 3, simulated.ptr, x.ptr);
        return [...workspace.view(x)];
      });
      assert.deepEqual(
        logs.map(Math.exp).map((p) => Math.round(p * 1e12) / 1e12),
        [1, 0.75, 0.5, 0.25],
      );
    });
  });
}
