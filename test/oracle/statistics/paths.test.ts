import assert from 'node:assert/strict';
import { createRandom } from '../random.js';
import { builds } from './builds.js';

/** z = factor b a by definition, and factor times the sums of |b a|. */
function pathsOracle(rows: number, m: number, columns: number, b: Float32Array, a: Float32Array, factor: number) {
  const scores = new Float64Array(rows * columns);
  const sizes = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      for (let k = 0; k < m; k++) {
        scores[i * columns + j] += factor * b[i * m + k] * a[k * columns + j];
        sizes[i * columns + j] += Math.abs(factor * b[i * m + k] * a[k * columns + j]);
      }
    }
  }
  return { scores, sizes };
}

for (const [build, { kernels, workspace }] of builds) {
  it(`path scores are the product of the matrices at every edge of the vectors, ${build} build`, () => {
    const random = createRandom(3);
    const guard = 12345;
    for (const rows of [1, 3]) {
      for (const m of [0, 1, 2, 7, 64]) {
        for (const columns of [1, 2, 3, 8, 9]) {
          workspace.scope(() => {
            const draw = (n: number) => Float32Array.from({ length: n }, () => random.normal());
            const [b, a] = [draw(rows * m), draw(m * columns)];
            const [bBlock, aBlock] = [workspace.copyIn('float32', b), workspace.copyIn('float32', a)];
            const scratch = workspace.copyIn('float64', new Float64Array(columns + 1).fill(guard));
            const z = workspace.copyIn('float32', new Float32Array(rows * columns + 1).fill(guard));
            kernels.f32_path_scores(rows, m, columns, bBlock.ptr, aBlock.ptr, 0.3, scratch.ptr, z.ptr);
            const { scores, sizes } = pathsOracle(rows, m, columns, b, a, 0.3);
            const got = workspace.view(z);
            scores.forEach((want, i) => {
              // Sums in f64, (m + 1) roundings of 2^-53; the result rounded to f32.
              const bound = (m + 2) * 2 ** -53 * sizes[i] + 2 ** -24 * Math.abs(want);
              assert.ok(Math.abs(got[i] - want) <= bound, `${rows} ${m} ${columns}: ${got[i]}, not ${want}`);
            });
            assert.equal(got[rows * columns], guard);
            assert.equal(workspace.view(scratch)[columns], guard);
          });
        }
      }
    }
  });
}
