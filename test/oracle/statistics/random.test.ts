import assert from 'node:assert/strict';
import { builds } from './builds.js';
import { uniformOracle } from './dither.js';

const n = 1 << 16;

for (const [build, { kernels, workspace }] of builds) {
  describe(`uniform numbers by key and index, ${build} build`, () => {
    const numbers = (key: bigint, first: bigint, count: number) =>
      workspace.scope(() => {
        const block = workspace.allocate('float64', count);
        kernels.f64_uniform(count, BigInt.asIntN(64, key), BigInt.asIntN(64, first), block.ptr);
        return workspace.copyOut(block);
      });

    it('are those of the oracle, bit for bit', () => {
      for (const key of [0n, 5n, (1n << 63n) + 7n, (1n << 64n) - 1n]) {
        for (const first of [0n, 1n, (1n << 32n) - 2n]) {
          const want = Array.from({ length: 4 }, (_, i) => uniformOracle(key, first + BigInt(i)));
          assert.deepEqual([...numbers(key, first, 4)], want);
        }
      }
    });

    it('fill the squares of neighbours, of far indexes, and of neighbouring keys evenly', () => {
      const x = numbers(1n, 0n, n + 4096);
      const partners = { neighbour: x.subarray(1), far: x.subarray(4096), 'next key': numbers(2n, 0n, n) };
      for (const [name, y] of Object.entries(partners)) {
        const counts = new Float64Array(256);
        for (let i = 0; i < n; i++) counts[16 * Math.floor(16 * x[i]) + Math.floor(16 * y[i])]++;
        const statistic = counts.reduce((sum, count) => sum + (count - n / 256) ** 2 / (n / 256), 0);
        // Chi-square with 255 degrees of freedom, mean 255: the central 99.99 % of it.
        assert.ok(statistic > 176 && statistic < 352, `${name}: ${statistic}`);
      }
    });
  });
}
