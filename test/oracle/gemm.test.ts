import assert from 'node:assert/strict';
import { type LinearCase, linearInOrder, linearTruth, packLinear } from './linear.js';
import { assertSameBits, linearCase } from './linear-case.js';
import { builds, LinearKernels, relaxedBuilds } from './linear-kernels.js';

/** Rows around each tile height; outputs around each tile width; inputs around the loop's two steps and the KC blocks. */
const smallRows = [1, 2, 3, 4, 5, 7, 9];
const outputs = [1, 3, 4, 5, 7, 8, 9, 11, 12, 13, 15, 16, 17, 20, 24, 29, 31, 32, 33, 40, 41];
const smallInputs = [0, 1, 2, 3, 4, 5, 17];
const largeInputs = [255, 511, 512, 513, 1024, 1030];

function panelsOf(c: LinearCase): Float32Array {
  return packLinear(c.w, c.K + c.R, 1, c.b, 1, c.N, c.K + c.R);
}

/** Compares with the f64 sum: every output within the derived bound, which holds for unrounded products too. */
function checkBounds(kernels: LinearKernels, c: LinearCase, ldy = c.N + 2): Float32Array {
  const y = kernels.gemm(c, panelsOf(c), ldy);
  for (let i = 0; i < y.length; i++) {
    const [m, n] = [Math.floor(i / c.N), i % c.N];
    const { value, bound } = linearTruth(c, m, n);
    const name = `M=${c.M} N=${c.N} K=${c.K} R=${c.R} lo=${c.lo} hi=${c.hi}`;
    assert.ok(Math.abs(y[i]! - value) <= bound, `${name}: [${m}, ${n}] got ${y[i]}, expected ${value} +- ${bound}`);
  }
  return y;
}

/** The whole truth about one case: within the derived bound of the f64 sum, and the exact bits of the stated order. */
function check(kernels: LinearKernels, c: LinearCase, ldy = c.N + 2): void {
  const y = checkBounds(kernels, c, ldy);
  const inOrder = y.map((_, i) => linearInOrder(c, Math.floor(i / c.N), i % c.N));
  assertSameBits(y, inOrder, `M=${c.M} N=${c.N} K=${c.K} R=${c.R} lo=${c.lo} hi=${c.hi}`);
}

for (const build of builds) {
  describe(`f32_gemm (${build})`, () => {
    let kernels: LinearKernels;
    before(async () => {
      kernels = await LinearKernels.load(build);
    });

    it('computes every edge of the tiles', () => {
      for (const M of smallRows)
        for (const N of outputs) for (const K of smallInputs) check(kernels, linearCase(M, N, K));
    });

    it('computes every edge of the input blocks', () => {
      for (const M of [1, 3, 6])
        for (const N of [4, 10, 16, 37]) for (const K of largeInputs) check(kernels, linearCase(M, N, K));
    });

    it('computes every edge of the row blocks', () => {
      for (const M of [511, 512, 513, 1025]) check(kernels, linearCase(M, 21, 3, 2));
      check(kernels, linearCase(259, 10, 600));
    });

    it('adds a second source after the first', () => {
      for (const [M, N] of [
        [1, 33],
        [2, 10],
        [5, 22],
        [7, 64],
      ] as const) {
        for (const K of [0, 1, 6, 600]) for (const R of [1, 2, 7, 24, 600]) check(kernels, linearCase(M, N, K, R));
      }
    });

    it('clamps once, at the end', () => {
      for (const [lo, hi] of [
        [0, Infinity],
        [-0.25, 0.5],
        [0, 6],
        [0.1, 0.1],
      ] as const) {
        for (const M of [1, 2, 5]) for (const N of [3, 10, 16, 40]) check(kernels, linearCase(M, N, 600, 3, lo, hi));
      }
    });

    it('gives one row the same bits alone, in a batch and under any row split', () => {
      for (const [M, N, K, R] of [
        [11, 54, 700, 9],
        [6, 10, 33, 0],
        [259, 35, 20, 4],
      ] as const) {
        const c = linearCase(M, N, K, R);
        const whole = kernels.gemm(c, panelsOf(c));
        for (const step of [1, 2, 3, 5]) {
          const split = new Float32Array(whole.length);
          for (let m = 0; m < M; m += step) {
            const rows = { ...c, M: Math.min(step, M - m), x: c.x.subarray(m * c.ldx), z: c.z.subarray(m * c.ldz) };
            split.set(kernels.gemm(rows, panelsOf(c)), m * N);
          }
          assertSameBits(split, whole, `M=${M} N=${N} K=${K} R=${R} in steps of ${step}`);
        }
      }
    });

    it('gives two sources the bits of one source that holds both', () => {
      for (const [M, N, K, R] of [
        [5, 27, 40, 24],
        [1, 48, 300, 16],
        [8, 8, 255, 2],
        [4, 16, 9, 600],
      ] as const) {
        const c = linearCase(M, N, K, R);
        const x = new Float32Array(M * (K + R));
        for (let m = 0; m < M; m++) {
          x.set(c.x.subarray(m * c.ldx, m * c.ldx + K), m * (K + R));
          x.set(c.z.subarray(m * c.ldz, m * c.ldz + R), m * (K + R) + K);
        }
        const joined = { ...c, x, ldx: K + R, K: K + R, R: 0 };
        assertSameBits(kernels.gemm(c, panelsOf(c)), kernels.gemm(joined, panelsOf(c)), `M=${M} N=${N} K=${K} R=${R}`);
      }
    });

    it('keeps NaN and infinities, and lets neither leak into another output', () => {
      for (const [M, N, K] of [
        [1, 37, 5],
        [6, 21, 4],
        [3, 10, 600],
      ] as const) {
        for (const special of [Number.NaN, Infinity, -Infinity]) {
          for (const [lo, hi] of [
            [-Infinity, Infinity],
            [0, 1],
          ] as const) {
            const c = { ...linearCase(M, N, K, 0, lo, hi) };
            c.x[(M - 1) * c.ldx + K - 1] = special;
            c.w[(N - 1) * K] = special;
            const y = kernels.gemm(c, panelsOf(c));
            const expected = y.map((_, i) => linearInOrder(c, Math.floor(i / N), i % N));
            assertSameBits(y, expected, `M=${M} N=${N} K=${K} with ${special} in [${lo}, ${hi}]`);
          }
        }
      }
    });

    it('multiplies by the identity without a change of bits', () => {
      const c = linearCase(5, 23, 23);
      const identity = new Float32Array(23 * 23).map((_, i) => (i % 24 === 0 ? 1 : 0));
      const y = kernels.gemm(
        { ...c, w: identity, b: new Float32Array(23) },
        packLinear(identity, 23, 1, null, 0, 23, 23),
      );
      const x = y.map((_, i) => c.x[Math.floor(i / 23) * c.ldx + (i % 23)]!);
      assertSameBits(y, x, 'x I');
    });
  });
}

for (const build of relaxedBuilds) {
  describe(`f32_gemm (${build})`, () => {
    let kernels: LinearKernels;
    before(async () => {
      kernels = await LinearKernels.load(build);
    });

    it('computes every edge of the tiles, sources, blocks and clamps within the bound', () => {
      for (const M of [...smallRows, 6, 11, 12, 13])
        for (const N of outputs) checkBounds(kernels, linearCase(M, N, 5, 3));
      for (const K of largeInputs) checkBounds(kernels, linearCase(13, 37, K, 2, -0.25, 0.5));
      for (const M of [511, 513, 1025]) checkBounds(kernels, linearCase(M, 31, 3, 2, 0, Infinity));
    });

    it('gives one row the same bits alone and in a batch', () => {
      const c = linearCase(23, 61, 700, 9, -0.5, 0.5);
      const whole = kernels.gemm(c, panelsOf(c));
      for (let m = 0; m < c.M; m++) {
        const row = { ...c, M: 1, x: c.x.subarray(m * c.ldx), z: c.z.subarray(m * c.ldz) };
        assertSameBits(kernels.gemm(row, panelsOf(c)), whole.slice(m * c.N, (m + 1) * c.N), `row ${m}`);
      }
    });
  });
}
