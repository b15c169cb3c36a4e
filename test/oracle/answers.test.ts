/** Directions of drawn answers against their definition. */
import assert from 'node:assert/strict';
import { createRandom } from './random.js';
import { builds } from './statistics/builds.js';

const wrap = (x: bigint) => BigInt.asUintN(64, x);

/** A share in [0, 1) for each row, by the 64-bit finaliser of a counter. */
function shareOf(key: number, row: number): number {
  let state = wrap(((BigInt(key) << 40n) + BigInt(row) + 1n) * 0x9e3779b97f4a7c15n);
  state = wrap((state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n);
  state = wrap((state ^ (state >> 27n)) * 0x94d049bb133111ebn);
  return Number((state ^ (state >> 31n)) >> 11n) / 2 ** 53;
}

/** Softmax of a row, and the answer at a share of it. */
function answerOracle(scores: readonly number[], share: number) {
  const top = Math.max(...scores);
  const odds = scores.map((score) => Math.exp(score - top));
  const sum = odds.reduce((a, b) => a + b);
  let left = share * sum;
  let answer = scores.indexOf(top);
  for (const [j, odd] of odds.entries()) {
    if (left >= 0 && left < odd) answer = j;
    left -= odd;
  }
  return { p: odds.map((odd) => odd / sum), answer };
}

for (const [build, { kernels, workspace }] of builds) {
  describe(`directions of drawn answers (${build})`, () => {
    const compute = (rows: number, columns: number, key: number, scores: Float32Array) =>
      workspace.scope(() => {
        const x = workspace.copyIn('float32', Float32Array.from(scores));
        const out = workspace.copyIn('float32', new Float32Array(rows * columns + 1).fill(77));
        kernels.f32_answer_rows(rows, columns, key, x.ptr, out.ptr);
        assert.deepEqual(workspace.copyOut(x), scores);
        const got = workspace.copyOut(out);
        assert.equal(got[rows * columns], 77);
        return got.subarray(0, rows * columns);
      });

    it('are e_y - p, y at the share of the row', () => {
      const random = createRandom(1);
      for (const rows of [0, 1, 3]) {
        for (const columns of [1, 2, 3, 17, 97]) {
          const scores = Float32Array.from({ length: rows * columns }, () => 4 * random.normal() + 100);
          const got = compute(rows, columns, 5, scores);
          for (let r = 0; r < rows; r++) {
            const { p, answer } = answerOracle([...scores.subarray(r * columns, (r + 1) * columns)], shareOf(5, r));
            for (let j = 0; j < columns; j++) {
              const expected = (j === answer ? 1 : 0) - p[j];
              // A sum of as many terms as columns and a few roundings in f64, and one to f32.
              const bound = (columns + 8) * 2 ** -53 + 2 ** -24 * Math.abs(expected) + 2 ** -149;
              const value = got[r * columns + j];
              assert.ok(
                Math.abs(value - expected) <= bound,
                `${rows} x ${columns}: got ${value}, expected ${expected}`,
              );
            }
          }
        }
      }
    });

    it('have the second moments diag(p) - p p^T, and differ by key', () => {
      const [rows, scores] = [20_000, [0, 1, -1, 2.5]];
      const all = Float32Array.from({ length: 4 * rows }, (_, e) => scores[e % 4]);
      const got = compute(rows, 4, 3, all);
      assert.notDeepEqual(compute(rows, 4, 4, all), got);
      const { p } = answerOracle(scores, 0);
      for (let i = 0; i < 4; i++) {
        for (let j = 0; j < 4; j++) {
          let mean = 0;
          for (let r = 0; r < rows; r++) mean += (got[4 * r + i] * got[4 * r + j]) / rows;
          // Products are within 1 of each other: standard deviation at most 1 / 2 sqrt(rows); five of them.
          assert.ok(Math.abs(mean - (i === j ? p[i] : 0) + p[i] * p[j]) < 5 / (2 * Math.sqrt(rows)), `${i}, ${j}`);
        }
      }
    });
  });
}
