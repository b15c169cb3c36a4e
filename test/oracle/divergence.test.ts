/** Divergences of probabilities against their definition. */
import assert from 'node:assert/strict';
import { createRandom } from './random.js';
import { builds } from './statistics/builds.js';

/** KL(p || q) of two rows, and the size of what is added up. */
function divergenceOracle(a: readonly number[], b: readonly number[], areProbabilities: boolean) {
  const logsOf = (row: readonly number[]) => {
    if (areProbabilities) return row.map((p) => Math.log(p === 0 ? 2 ** -149 : p));
    const sum = Math.log(row.reduce((total, x) => total + Math.exp(x), 0));
    return row.map((x) => x - sum);
  };
  const [p, q] = [logsOf(a), logsOf(b)];
  let [value, size] = [0, 0];
  a.forEach((x, j) => {
    const share = areProbabilities ? x : Math.exp(p[j]);
    value += share === 0 ? 0 : share * (p[j] - q[j]);
    size += share * (Math.abs(p[j]) + Math.abs(q[j]) + Math.abs(a[j]) + Math.abs(b[j]));
  });
  return { value, size };
}

for (const [build, { kernels, workspace }] of builds) {
  describe(`divergences of probabilities (${build})`, () => {
    const compute = (kind: number, rows: number, columns: number, a: Float32Array, b: Float32Array) =>
      workspace.scope(() => {
        const [x, y] = [a, b].map((data) => workspace.copyIn('float32', Float32Array.from(data)));
        const out = workspace.copyIn('float64', new Float64Array(rows + 1).fill(77));
        kernels.f32_row_divergences(kind, rows, columns, x.ptr, y.ptr, out.ptr);
        const got = workspace.copyOut(out);
        assert.equal(got[rows], 77);
        return got.subarray(0, rows);
      });

    it('are those of the definition, of logits and of probabilities', () => {
      const random = createRandom(1);
      for (const rows of [0, 1, 3]) {
        for (const columns of [1, 2, 3, 10, 33]) {
          for (const kind of [0, 1]) {
            const draw = () => {
              const data = Float32Array.from({ length: rows * columns }, () => 3 * random.normal());
              return kind === 0 ? data : data.map((x, i) => (i % 7 === 3 ? 0 : Math.abs(x) / columns));
            };
            const [a, b] = [draw(), draw()];
            const got = compute(kind, rows, columns, a, b);
            for (let r = 0; r < rows; r++) {
              const rowOf = (x: Float32Array) => [...x.subarray(r * columns, (r + 1) * columns)];
              const { value, size } = divergenceOracle(rowOf(a), rowOf(b), kind === 1);
              // Sums of as many terms as columns, twice, and a few roundings of exp and log; each of size u = 2^-53.
              const bound = (2 * columns + 16) * 2 ** -53 * (1 + size);
              assert.ok(
                Math.abs(got[r] - value) <= bound,
                `${kind} ${columns}: ${got[r]}, expected ${value} +- ${bound}`,
              );
            }
          }
        }
      }
    });

    it('do not overflow, are nothing for equal rows and for a shift of logits, and NaN without a number', () => {
      const a = Float32Array.of(1000, 990, -1000, 3);
      assert.equal(compute(0, 1, 4, a, a)[0], 0);
      assert.ok(
        Math.abs(
          compute(
            0,
            1,
            4,
            a,
            a.map((x) => x - 512),
          )[0],
        ) < 1e-12,
      );
      assert.ok(Number.isNaN(compute(0, 1, 2, Float32Array.of(Number.NaN, 1), Float32Array.of(0, 1))[0]));
    });
  });
}
