import assert from 'node:assert/strict';
import { chooseColumns } from '../../src/annealing/co-cluster.js';

import { chooseOracle, productOracle } from './linalg.js';
import { createRandom } from './random.js';
import { builds } from './statistics/builds.js';

/** M = X^T X of more rows than columns, so positive definite, and rows W. */
function problem(n: number, m: number, seed: number) {
  const random = createRandom(seed);
  const x = Array.from({ length: (n + 3) * n }, () => random.normal());
  const data = Float64Array.from({ length: m * n }, () => random.normal());
  const W = Array.from({ length: m }, (_, i) => data.subarray(i * n, (i + 1) * n));
  return {
    metric: { rows: n, columns: n, data: productOracle(x, x, n + 3, n, n) as Float64Array<ArrayBuffer> },
    weight: { rows: m, columns: n, data },
    W,
  };
}

describe('f64_choose_columns against least squares by its definition', () => {
  for (const [n, m, count] of [
    [1, 1, 1],
    [2, 1, 1],
    [5, 3, 5],
    [8, 1, 3],
    [9, 4, 4],
  ]) {
    it(`${count} of ${n} columns for ${m} rows`, () => {
      const { metric, weight, W } = problem(n, m, 10 * n + m);
      const { chosen } = chooseOracle(metric.data, W, n, count);
      assert.deepEqual(
        [...chooseColumns(weight, metric, count)],
        [...chosen].sort((a, b) => a - b),
      );
    });
  }

  it('leaves out columns that add nothing but rounding', () => {
    const { metric, weight } = problem(4, 2, 7);
    // Columns 4 and 5 repeat 0 and 1; column 6 never varies.
    const from = [0, 1, 2, 3, 0, 1];
    const wide = { rows: 7, columns: 7, data: new Float64Array(49) };
    from.forEach((i, a) => {
      from.forEach((j, b) => {
        wide.data[a * 7 + b] = metric.data[i * 4 + j];
      });
    });
    const rows = { rows: 2, columns: 7, data: new Float64Array(14) };
    for (let i = 0; i < 2; i++) rows.data.set(weight.data.subarray(i * 4, i * 4 + 4), i * 7);
    const found = chooseColumns(rows, wide, 7);
    assert.deepEqual(new Set([...found].map((j) => from[j])), new Set([0, 1, 2, 3]));
    assert.equal(found.length, 4);
  });

  it('writes nothing behind its operands, in the debug module either', () => {
    const { kernels, workspace } = builds[1][1];
    const { metric, weight } = problem(5, 3, 3);
    const product = Float64Array.from({ length: 15 }, (_, e) => {
      const [i, j] = [Math.floor(e / 5), e % 5];
      return Array.from({ length: 5 }, (_, l) => weight.data[i * 5 + l] * metric.data[l * 5 + j]).reduce(
        (a, b) => a + b,
      );
    });
    const guarded = (data: Float64Array) => workspace.copyIn('float64', Float64Array.from([...data, 77]));
    const [s, r, scratch] = [metric.data, product, new Float64Array(15)].map(guarded);
    const chosen = workspace.copyIn('int32', Int32Array.of(0, 0, 77));
    assert.equal(kernels.f64_choose_columns(5, 3, s.ptr, r.ptr, 2, chosen.ptr, scratch.ptr), 2);
    assert.deepEqual([...workspace.copyOut(chosen)].slice(0, 2).sort(), [...chooseColumns(weight, metric, 2)]);
    for (const block of [s, r, scratch]) assert.equal(workspace.copyOut(block).at(-1), 77);
    assert.equal(workspace.copyOut(chosen)[2], 77);
  });
});
