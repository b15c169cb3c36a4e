import assert from 'node:assert/strict';
import { columnMeans, crossProducts, eigenSymmetric, multiply, solveSymmetric } from '../../src/annealing/matrix.js';
import { productOracle, solveOracle } from './linalg.js';
import { createRandom } from './random.js';

const u = 2 ** -53;
const gamma = (terms: number) => (terms * u) / (1 - terms * u);

function samples(rows: number, columns: number, seed: number) {
  const random = createRandom(seed);
  return { rows, columns, data: Float32Array.from({ length: rows * columns }, () => random.normal()) };
}

/** |a - b| <= bound[i] element by element. */
function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, bound: (i: number) => number) {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i] - expected[i]);
    assert.ok(
      error <= bound(i),
      `element ${i}: got ${actual[i]}, expected ${expected[i]}, error ${error} > ${bound(i)}`,
    );
  }
}

describe('linear algebra kernels against plain f64', () => {
  for (const [rows, m, n] of [
    [1, 1, 1],
    [3, 4, 5],
    [255, 5, 3],
    [256, 8, 4],
    [257, 7, 9],
    [600, 17, 12],
  ]) {
    it(`cross products of ${rows} rows, ${m} x ${n}`, () => {
      const [y, x] = [samples(rows, m, rows + m), samples(rows, n, rows + n + 99)];
      const magnitude = productOracle(y.data.map(Math.abs), x.data.map(Math.abs), rows, m, n);
      const expected = productOracle(y.data, x.data, rows, m, n);
      assertClose(crossProducts(x, y).data, expected, (i) => 2 * gamma(rows + 1) * magnitude[i]);
      const gram = productOracle(x.data, x.data, rows, n, n);
      const scale = productOracle(x.data.map(Math.abs), x.data.map(Math.abs), rows, n, n);
      assertClose(crossProducts(x).data, gram, (i) => 2 * gamma(rows + 1) * scale[i]);
    });
  }

  it('multiplies with either factor transposed', () => {
    const [a, b] = [samples(6, 5, 1), samples(5, 7, 2)];
    const wide = (s: typeof a) => ({ rows: s.rows, columns: s.columns, data: Float64Array.from(s.data) });
    const transpose = (s: ReturnType<typeof wide>) => ({
      rows: s.columns,
      columns: s.rows,
      data: Float64Array.from(s.data, (_, i) => s.data[(i % s.rows) * s.columns + Math.floor(i / s.rows)]),
    });
    const [A, B] = [wide(a), wide(b)];
    const expected = productOracle(transpose(A).data, B.data, 5, 6, 7);
    for (const actual of [
      multiply(A, B),
      multiply(transpose(A), B, true),
      multiply(A, transpose(B), false, true),
      multiply(transpose(A), transpose(B), true, true),
    ]) {
      assert.deepEqual([actual.rows, actual.columns], [6, 7]);
      assertClose(actual.data, expected, () => 1e-13);
    }
  });

  it('averages columns', () => {
    const x = samples(10, 3, 4);
    const expected = [0, 1, 2].map((j) => {
      let sum = 0;
      for (let r = 0; r < 10; r++) sum += x.data[r * 3 + j];
      return sum / 10;
    });
    assertClose(columnMeans(x), expected, () => 1e-15);
  });

  for (const n of [1, 2, 3, 5, 8, 33]) {
    it(`solves a symmetric system of ${n}`, () => {
      const x = samples(2 * n + 3, n, n);
      const gram = crossProducts(x);
      const b = samples(3, n, n + 50);
      const right = { rows: 3, columns: n, data: Float64Array.from(b.data) };
      const solution = solveSymmetric(gram, right);
      for (let r = 0; r < 3; r++) {
        const expected = solveOracle(gram.data, right.data.subarray(r * n, r * n + n));
        assertClose(solution.data.subarray(r * n, r * n + n), expected, (i) => 1e-9 * (1 + Math.abs(expected[i])));
      }
    });

    it(`finds the eigenvectors of a symmetric matrix of ${n}`, () => {
      const a = crossProducts(samples(n + 2, n, n + 7));
      const { values, vectors } = eigenSymmetric(a);
      const tolerance = 50 * n * u * Math.max(1, values[0]);
      const product = multiply(vectors, a);
      assertClose(
        product.data,
        product.data.map((_, i) => values[Math.floor(i / n)] * vectors.data[i]),
        () => tolerance,
      );
      const identity = multiply(vectors, vectors, false, true);
      assertClose(
        identity.data,
        identity.data.map((_, i) => (i % (n + 1) === 0 ? 1 : 0)),
        () => 50 * n * u,
      );
      for (let i = 1; i < n; i++) assert.ok(values[i] <= values[i - 1]);
    });
  }

  it('finds repeated and zero eigenvalues', () => {
    const n = 6;
    const data = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 && i < 3 * n ? 2 : 0));
    assert.deepEqual([...eigenSymmetric({ rows: n, columns: n, data }).values], [2, 2, 2, 0, 0, 0]);
  });

  it('finds the one eigenvalue of a large matrix of rank one', () => {
    for (const n of [120, 128, 300]) {
      const { values } = eigenSymmetric({ rows: n, columns: n, data: new Float64Array(n * n).fill(n) });
      assertClose(values, [n * n, ...new Array(n - 1).fill(0)], () => 1e-10 * n * n);
    }
  });

  it('settles matrices that lack rank, whose first eigenvalues take many sweeps', () => {
    for (let trial = 0; trial < 60; trial++) {
      const [n, rank] = [100 + (trial % 40), 1 + (trial % 5)];
      const { values } = eigenSymmetric(crossProducts(samples(rank, n, trial)));
      assertClose(values.slice(rank), new Array(n - rank).fill(0), () => 50 * n * u * values[0]);
    }
  });

  it('refuses a matrix that is not positive definite', () => {
    const data = new Float64Array([1, 2, 2, 1]);
    assert.throws(
      () => solveSymmetric({ rows: 2, columns: 2, data }, { rows: 1, columns: 2, data: new Float64Array(2) }),
      {
        code: 'DATA_INVALID',
      },
    );
  });
});
