import assert from 'node:assert/strict';
import { Random } from '../../support/random.js';
import { assertClose, builds } from './builds.js';
import { ksDistanceOracle } from './distributions.js';
import { readGolden } from './golden.js';
import { benjaminiHochbergOracle, bonferroniOracle, holmOracle, storeyOracle } from './multiple-testing.js';

const golden = readGolden();
/** Around the four lanes of a vector, the block of the KS distance, and the digits of the sort. */
const sizes = [0, 1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, 129, 1000, 5003];

for (const [build, { kernels, workspace }] of builds) {
  describe(`sample kernels, ${build} build`, () => {
    function sampleOf(n: number, seed: number): Float32Array<ArrayBuffer> {
      const random = new Random(seed);
      return Float32Array.from({ length: n }, () => 3 * (random.next() + random.next() + random.next() - 1.5));
    }

    it('sum moments at every size', () => {
      for (const n of sizes) {
        const x = sampleOf(n, n + 1);
        const out = workspace.scope(() => {
          const block = workspace.copyIn('float32', x);
          const moments = workspace.allocate('float64', 5);
          kernels.f32_moments(n, block.ptr, moments.ptr);
          return [...workspace.view(moments)];
        });
        const sum = x.reduce((total, value) => total + value, 0);
        const squares = x.reduce((total, value) => total + value * value, 0);
        assertClose(out[0], sum, 1e-12 * Math.max(1, n), `sum of ${n}`);
        assertClose(out[1], squares, 1e-13 * Math.max(1, n), `squares of ${n}`);
        assert.deepEqual(out.slice(2), [Math.min(...x), Math.max(...x), 0]);
      }
    });

    it('count what is not finite, in vectors and in the tail', () => {
      for (const bad of [[0], [3, 4], [6], [0, 1, 2, 3, 4, 5, 6]]) {
        const x = sampleOf(7, 3);
        for (const [k, i] of bad.entries())
          x[i] = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY][k % 3];
        const [count] = workspace.scope(() => {
          const block = workspace.copyIn('float32', x);
          const moments = workspace.allocate('float64', 5);
          kernels.f32_moments(7, block.ptr, moments.ptr);
          return [workspace.view(moments)[4]];
        });
        assert.equal(count, bad.length);
      }
    });

    it('sort f32 and f64 at every size, signs of zero and infinities included', () => {
      for (const n of sizes) {
        const x = sampleOf(n, n + 2);
        if (n > 4) x.set([0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-42]);
        const [single, double] = workspace.scope(() => {
          const block = workspace.copyIn('float32', x);
          const wide = workspace.copyIn('float64', Float64Array.from(x));
          const scratch = workspace.allocate('float32', n + 2048);
          kernels.f32_sort(n, block.ptr, scratch.ptr);
          kernels.f64_sort(n, wide.ptr);
          return [workspace.copyOut(block), workspace.copyOut(wide)];
        });
        assert.deepEqual(single, x.slice().sort());
        // The heap compares by value, so the two zeros may stand in either order.
        assert.deepEqual(
          [...double].map((value) => value + 0),
          [...x.slice().sort()].map((value) => value + 0),
        );
      }
    });

    it('give the KS distance of the definition and of SciPy', () => {
      const distance = (x: Float32Array<ArrayBuffer>) =>
        workspace.scope(() => {
          const block = workspace.copyIn('float32', x.slice().sort());
          return kernels.f32_ks_distance(x.length, block.ptr);
        });
      const sample = Float32Array.from(golden.ks.sample);
      assertClose(distance(sample), golden.ks.distance, 1e-12, 'SciPy');
      for (const n of sizes.filter((size) => size > 0)) {
        for (const shift of [0, 0.3, -2]) {
          const x = sampleOf(n, n).map((value) => 0.8 * value + shift);
          assertClose(distance(x), ksDistanceOracle(x), 1e-12, `n = ${n}, shift ${shift}`);
        }
      }
    });

    it('give the same KS distance without sorting, few scores or many, near the law or far from it', () => {
      for (const n of [1, 64, 65, 5003, (1 << 20) + 3]) {
        for (const [scale, shift] of [
          [1, 0],
          [6, -3], // beyond the range of the bins
          [0, 0.25], // all alike: none to leave out
        ]) {
          const [sorted, unsorted, guard] = workspace.scope(() => {
            const z = workspace.allocate('float32', n);
            const scratch = workspace.allocate('float32', n + 2049);
            kernels.f32_draw(n, 0, 1, 3n, 0n, z.ptr);
            workspace.view(z).set(workspace.view(z).map((value) => scale * value + shift));
            const ordered = workspace.copyIn('float32', workspace.copyOut(z));
            kernels.f32_sort(n, ordered.ptr, scratch.ptr);
            workspace.view(scratch).fill(77);
            const quick = kernels.f32_ks_distance_unsorted(n, z.ptr, scratch.ptr);
            return [kernels.f32_ks_distance(n, ordered.ptr), quick, workspace.view(scratch)[n + 2048]];
          });
          assert.equal(unsorted, sorted, `n = ${n}, scale ${scale}, shift ${shift}`);
          assert.equal(guard, 77);
        }
      }
    });

    it('sum squares over rows and columns, weighted and not', () => {
      for (const [M, N] of [
        [1, 1],
        [1, 5],
        [3, 4],
        [5, 7],
        [8, 8],
        [17, 33],
      ]) {
        const z = sampleOf(M * N, M + N);
        const [rows, columns, weightedRows, weightedColumns] = workspace.scope(() => {
          const block = workspace.copyIn('float32', z);
          const c = workspace.copyIn(
            'float64',
            Float64Array.from({ length: Math.max(M, N) }, (_, i) => 0.5 + i),
          );
          const out = [M, N, M, N].map((length) => workspace.allocate('float64', length));
          kernels.f32_row_squares(M, N, block.ptr, 0, out[0].ptr);
          kernels.f32_column_squares(M, N, block.ptr, 0, out[1].ptr);
          kernels.f32_row_squares(M, N, block.ptr, c.ptr, out[2].ptr);
          kernels.f32_column_squares(M, N, block.ptr, c.ptr, out[3].ptr);
          return out.map((entry) => [...workspace.view(entry)]);
        });
        for (let i = 0; i < M; i++) {
          const row = [...z.subarray(i * N, i * N + N)];
          assertClose(
            rows[i],
            row.reduce((sum, v) => sum + v * v, 0),
            1e-13,
            `row ${i} of ${M}x${N}`,
          );
          assertClose(
            weightedRows[i],
            row.reduce((sum, v, j) => sum + (0.5 + j) * v * v, 0),
            1e-13,
            `weighted row ${i}`,
          );
        }
        for (let j = 0; j < N; j++) {
          const column = Array.from({ length: M }, (_, i) => z[i * N + j]);
          assertClose(
            columns[j],
            column.reduce((sum, v) => sum + v * v, 0),
            1e-13,
            `column ${j} of ${M}x${N}`,
          );
          assertClose(
            weightedColumns[j],
            column.reduce((sum, v, i) => sum + (0.5 + i) * v * v, 0),
            1e-13,
            `weighted ${j}`,
          );
        }
      }
    });

    it('count scores beyond a cut and weights that differ', () => {
      for (const n of sizes) {
        const z = sampleOf(n, n + 9);
        const [beyond, other] = workspace.scope(() => {
          const block = workspace.copyIn('float32', z);
          return [kernels.f32_count_beyond(n, block.ptr, 1.5), kernels.f32_count_other(n, block.ptr, z[0] ?? 0)];
        });
        assert.equal(beyond, z.filter((value) => Math.abs(value) >= 1.5).length);
        assert.equal(other, z.filter((value) => value !== z[0]).length);
      }
    });

    it('reject by Bonferroni, Holm, Benjamini-Hochberg and Storey as defined', () => {
      const oracles = [bonferroniOracle, holmOracle, benjaminiHochbergOracle, storeyOracle];
      const random = new Random(13);
      const families = [golden.rejections.p, [], [0.01], [0.04, 0.04, 0.04], [1, 1]];
      for (let i = 0; i < 40; i++) {
        families.push(Array.from({ length: 1 + (i % 23) }, () => random.next() ** (1 + (i % 5))));
      }
      for (const p of families) {
        for (const [method, oracle] of oracles.entries()) {
          const n = p.length;
          const [count, flags] = workspace.scope((): [number, number[]] => {
            const logs = workspace.copyIn('float64', Float64Array.from(p, Math.log));
            const sorted = workspace.allocate('float64', n);
            const out = workspace.allocate('uint8', n);
            const rejected = kernels.f64_reject(n, logs.ptr, sorted.ptr, method, 0.05, out.ptr);
            return [rejected, [...workspace.view(out)]];
          });
          const want = oracle(p, 0.05);
          assert.deepEqual(flags, want.map(Number), `method ${method} on ${p}`);
          assert.equal(count, want.filter(Boolean).length);
        }
      }
      const { p, bonferroni, holm, benjaminiHochberg } = golden.rejections;
      const counts = oracles.slice(0, 3).map((oracle) => oracle(p, 0.05).filter(Boolean).length);
      assert.deepEqual(counts, [bonferroni, holm, benjaminiHochberg]);
    });
  });
}
