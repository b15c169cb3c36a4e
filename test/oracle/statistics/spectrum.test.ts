import assert from 'node:assert/strict';
import { Random } from '../../support/random.js';
import { assertClose, builds } from './builds.js';
import { readGolden } from './golden.js';
import { singularValuesOracle } from './singular-values.js';

const golden = readGolden();

for (const [build, { kernels, workspace }] of builds) {
  describe(`spectrum kernels, ${build} build`, () => {
    function randomMatrix(m: number, n: number, seed: number): Float32Array<ArrayBuffer> {
      const random = new Random(seed);
      return Float32Array.from({ length: m * n }, () => random.next() + random.next() - 1);
    }

    /** Rows padded with zeros to a multiple of 4. */
    function pad(matrix: Float32Array, m: number, n: number): Float32Array<ArrayBuffer> {
      const stride = Math.ceil(n / 4) * 4;
      const out = new Float32Array(m * stride);
      for (let i = 0; i < m; i++) out.set(matrix.subarray(i * n, i * n + n), i * stride);
      return out;
    }

    /** Eigenvalues of A A^T ascending, eigenvectors as rows, and A A^T itself. */
    function decompose(matrix: Float32Array, m: number, n: number) {
      return workspace.scope(() => {
        const a = workspace.copyIn('float32', pad(matrix, m, n));
        const c = workspace.allocate('float64', m * m);
        const d = workspace.allocate('float64', m);
        const e = workspace.allocate('float64', m);
        const scratch = workspace.allocate('float64', kernels.tridiagonaliseScratch(m) + 1);
        workspace.view(scratch)[scratch.length - 1] = 77;
        kernels.f32_gram(m, n, a.ptr, Math.ceil(n / 4) * 4, c.ptr);
        const gram = workspace.copyOut(c);
        kernels.f64_tridiagonalise(m, c.ptr, d.ptr, e.ptr, scratch.ptr);
        assert.equal(workspace.view(scratch)[scratch.length - 1], 77);
        const counts = [0.1, 1, 3].map((x) => [x, kernels.f64_sturm_count(m, d.ptr, e.ptr, x)]);
        kernels.f64_form_basis(m, c.ptr);
        assert.equal(kernels.f64_tridiagonal_ql(m, d.ptr, e.ptr, c.ptr), 1);
        return { gram, values: workspace.copyOut(d), vectors: workspace.copyOut(c), counts };
      });
    }

    const shapes = [
      [1, 1],
      [1, 9],
      [2, 2],
      [3, 3],
      [3, 4],
      [4, 5],
      [6, 6],
      [7, 700],
      [9, 13],
      [16, 16], // the last reflector of a panel, and the first of the next
      [17, 17],
      [18, 18],
      [33, 40],
      [20, 20],
      [97, 101],
      [150, 150], // two squares of columns
    ];
    for (const [m, n] of shapes) {
      it(`gives Gram matrix, eigenvalues and eigenvectors of ${m} x ${n}`, () => {
        const matrix = randomMatrix(m, n, 100 * m + n);
        const { gram, values, vectors, counts } = decompose(matrix, m, n);
        const row = (i: number) => [...matrix.subarray(i * n, i * n + n)];
        for (let i = 0; i < m; i++) {
          for (let j = 0; j < m; j++) {
            const [x, y] = [row(i), row(j)];
            const exact = x.reduce((sum, v, k) => sum + v * y[k], 0);
            const size = x.reduce((sum, v, k) => sum + Math.abs(v * y[k]), 0);
            // Up to 128 products summed in one f32 lane, the rest in f64.
            assert.ok(Math.abs(gram[i * m + j] - exact) <= 130 * 2 ** -24 * size, `C[${i},${j}] of ${m}x${n}`);
          }
        }
        const norm = Math.max(...values.map(Math.abs));
        for (let k = 0; k < m; k++) {
          const v = vectors.subarray(k * m, k * m + m);
          for (let i = 0; i < m; i++) {
            const image = v.reduce((sum, x, j) => sum + gram[i * m + j] * x, 0);
            assert.ok(Math.abs(image - values[k] * v[i]) <= 1e-13 * m * norm, `C v = lambda v, ${k} of ${m}x${n}`);
          }
          for (let l = 0; l <= k; l++) {
            const w = vectors.subarray(l * m, l * m + m);
            const dot = v.reduce((sum, x, j) => sum + x * w[j], 0);
            assertClose(dot, k === l ? 1 : 0, 1e-13 * m, `v${k} . v${l} of ${m}x${n}`);
          }
        }
        for (const [x, count] of counts)
          assert.equal(count, values.filter((value) => value < x).length, `Sturm at ${x}`);
        const singular = [...values].sort((x, y) => y - x).map((value) => Math.sqrt(Math.max(0, value)));
        const want = singularValuesOracle(Array.from({ length: m }, (_, i) => row(i)));
        for (let k = 0; k < m; k++) {
          // An error of the Gram matrix moves s^2, so small values are known to sqrt(u) s_max only.
          const bound = Math.min(2e-3 * want[0], (2e-5 * want[0] ** 2) / Math.max(want[k], 1e-30));
          assert.ok(Math.abs(singular[k] - want[k]) <= bound, `s[${k}] of ${m}x${n}: ${singular[k]}, ${want[k]}`);
        }
      });
    }

    it('gives the singular values of NumPy', () => {
      const { rows, columns, matrix, values } = golden.singularValues;
      const got = decompose(Float32Array.from(matrix), rows, columns).values;
      const singular = [...got].sort((x, y) => y - x).map(Math.sqrt);
      for (const [k, value] of values.entries()) assertClose(singular[k], value, 1e-5, `s[${k}]`);
    });

    it('handles matrices without rank: zeros, equal rows, one spike', () => {
      for (const fill of [() => 0, () => 1, (i: number) => (i === 5 ? 3 : 0)]) {
        const matrix = Float32Array.from({ length: 8 * 12 }, (_, i) => fill(i));
        const { values } = decompose(matrix, 8, 12);
        const want = singularValuesOracle(
          Array.from({ length: 8 }, (_, i) => [...matrix.subarray(i * 12, i * 12 + 12)]),
        );
        const got = [...values].sort((x, y) => y - x);
        for (const [k, value] of got.entries())
          assertClose(value, want[k] ** 2, 1e-12 * (1 + want[0] ** 2), `s[${k}]^2`);
      }
    });

    it('handles large matrices without rank, whose remainder shrinks to nothing', () => {
      for (const [m, n] of [
        [128, 128],
        [120, 150],
      ]) {
        const { values } = decompose(new Float32Array(m * n).fill(1), m, n);
        const got = [...values].sort((x, y) => y - x);
        assertClose(got[0], m * n, 1e-9 * m * n, 's[0]^2');
        for (const value of got.slice(1)) assertClose(value, 0, 1e-9 * m * n, 's[k]^2');
      }
    });

    it('scales, pads, transposes and projects', () => {
      const [m, n, stride] = [5, 18, 20];
      const matrix = randomMatrix(m, n, 3);
      workspace.scope(() => {
        const x = workspace.copyIn('float32', matrix);
        const r = workspace.copyIn(
          'float64',
          Float64Array.from({ length: m }, (_, i) => 1 + i),
        );
        const c = workspace.copyIn(
          'float64',
          Float64Array.from({ length: n }, (_, j) => 2 - j),
        );
        const y = workspace.allocate('float32', m * stride);
        const t = workspace.allocate('float32', n * m);
        const projected = workspace.allocate('float64', n);
        workspace.view(y).fill(7);
        kernels.f32_scale_rows_columns(m, n, x.ptr, r.ptr, c.ptr, y.ptr, stride);
        kernels.f32_transpose(m, n, x.ptr, n, t.ptr, m);
        kernels.f64_f32_project(1, m, n, r.ptr, m, x.ptr, n, projected.ptr);
        for (let j = 0; j < stride; j++) {
          let sum = 0;
          for (let i = 0; i < m; i++) {
            const value = matrix[i * n + j];
            const want = j < n ? Math.fround((1 + i) * (2 - j) * value) : 0;
            assert.equal(workspace.view(y)[i * stride + j], want);
            if (j < n) assert.equal(workspace.view(t)[j * m + i], value);
            sum += (1 + i) * value;
          }
          if (j < n) assertClose(workspace.view(projected)[j], sum, 1e-14, `projection ${j}`);
        }
      });
    });
  });
}
