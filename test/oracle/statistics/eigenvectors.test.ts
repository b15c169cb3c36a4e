import assert from 'node:assert/strict';
import { analysisKernels, leadingEigenvectors } from '../../../src/evidence/index.js';
import { Random } from '../../support/random.js';

/** Eigenpairs satisfy their definition, and the vectors are orthonormal. */
function check(matrix: Float64Array<ArrayBuffer>, n: number, count: number): Float64Array {
  const { workspace } = analysisKernels();
  const { values, vectors } = workspace.scope(() => leadingEigenvectors(workspace.copyIn('float64', matrix), n, count));
  const norm = Math.max(1e-300, ...values.map(Math.abs));
  for (let v = 0; v < count; v++) {
    const x = vectors.subarray(v * n, v * n + n);
    for (let i = 0; i < n; i++) {
      const image = x.reduce((sum, value, j) => sum + matrix[i * n + j] * value, 0);
      assert.ok(Math.abs(image - values[v] * x[i]) <= 1e-13 * n * norm, `A x = lambda x, vector ${v} of order ${n}`);
    }
    for (let u = 0; u <= v; u++) {
      const dot = x.reduce((sum, value, j) => sum + value * vectors[u * n + j], 0);
      assert.ok(Math.abs(dot - (u === v ? 1 : 0)) <= 1e-12, `vectors ${u}, ${v} of order ${n}: ${dot}`);
    }
  }
  return values;
}

describe('leadingEigenvectors', () => {
  function symmetric(n: number, entry: (i: number, j: number) => number): Float64Array<ArrayBuffer> {
    return Float64Array.from({ length: n * n }, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      return entry(Math.max(i, j), Math.min(i, j));
    });
  }

  for (const n of [1, 2, 3, 5, 16, 61]) {
    it(`gives eigenpairs of a random matrix of order ${n}`, () => {
      const random = new Random(n);
      const lower = Float64Array.from({ length: n * n }, () => 2 * random.next() - 1);
      const values = check(
        symmetric(n, (i, j) => lower[i * n + j]),
        n,
        Math.min(n, 12),
      );
      assert.ok(values.every((value, i) => i === 0 || values[i - 1] >= value));
    });
  }

  it('gives orthogonal vectors for equal eigenvalues', () => {
    check(
      symmetric(12, (i, j) => (i === j ? 3 : 0)),
      12,
      12,
    );
    check(
      symmetric(12, () => 0),
      12,
      5,
    );
    // Three blocks of ones: eigenvalue 4 three times, then 0.
    const values = check(
      symmetric(12, (i, j) => (Math.floor(i / 4) === Math.floor(j / 4) ? 1 : 0)),
      12,
      6,
    );
    assert.deepEqual(
      [...values.subarray(0, 4)].map((value) => Math.round(1e9 * value) / 1e9),
      [4, 4, 4, 0],
    );
  });
});
