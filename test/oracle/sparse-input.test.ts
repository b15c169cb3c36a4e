import assert from 'node:assert/strict';
import { type LinearCase, linearInOrder, packLinear } from './linear.js';
import { assertSameBits, linearCase, randomFloats } from './linear-case.js';
import { builds, LinearKernels } from './linear-kernels.js';

/** Densities on both sides of the limits of one row and of a batch; around the panels' widths; around 4, 16 and 64 inputs. */
const densities = [0, 0.01, 0.1, 0.3, 0.5, 1];
const outputs = [1, 7, 8, 9, 15, 16, 17, 33, 72];
const inputs = [0, 1, 4, 5, 64, 65];

/** Zeros of both signs, and the smallest numbers that are not zero. */
const zeros = [0, -0];
const specials = [2 ** -149, -(2 ** -149), Number.NaN, Infinity, -Infinity];

/** A case of which about `density` of the inputs are not zero; `special` puts denormals, NaN and infinities among them. */
function sparseCase(c: LinearCase, density: number, special = false): LinearCase {
  const thin = (values: Float32Array, seed: number) => {
    const draws = randomFloats(values.length, seed);
    return values.map((value, i) => {
      const draw = Math.abs(draws[i]!);
      if (draw >= density) return zeros[i % 2]!;
      return special && i % 7 === 0 ? specials[i % specials.length]! : value;
    });
  };
  return { ...c, x: thin(c.x, c.K + 1), z: thin(c.z, c.R + 2) };
}

function panelsOf(c: LinearCase): Float32Array {
  return packLinear(c.w, c.K + c.R, 1, c.b, 1, c.N, c.K + c.R);
}

/** The exact bits of the stated order, in which every term is added. */
function inOrder(c: LinearCase): Float32Array {
  return Float32Array.from({ length: c.M * c.N }, (_, i) => linearInOrder(c, Math.floor(i / c.N), i % c.N));
}

function nameOf(c: LinearCase, density: number): string {
  return `M=${c.M} N=${c.N} K=${c.K} R=${c.R} lo=${c.lo} hi=${c.hi} density ${density}`;
}

for (const build of builds) {
  describe(`f32_gemm_sparse_input (${build})`, () => {
    let kernels: LinearKernels;
    before(async () => {
      kernels = await LinearKernels.load(build);
    });

    /** The bits of the definition, and of the kernel that skips nothing. */
    function check(c: LinearCase, density: number): void {
      const y = kernels.sparseGemm(c, panelsOf(c), c.N + 2);
      assertSameBits(y, inOrder(c), nameOf(c, density));
      assertSameBits(y, kernels.gemm(c, panelsOf(c)), `${nameOf(c, density)}, against f32_gemm`);
    }

    it('gives the bits of the sum of all terms at every density and edge', () => {
      for (const M of [1, 3]) {
        for (const N of outputs) {
          for (const K of inputs)
            for (const density of densities) check(sparseCase(linearCase(M, N, K), density), density);
        }
      }
    });

    it('lists more rows than fit at a time', () => {
      for (const M of [63, 64, 65, 130]) {
        for (const density of [0, 0.02, 0.3]) check(sparseCase(linearCase(M, 9, 66), density), density);
      }
    });

    it('skips in both sources and clamps once, at the end', () => {
      for (const [lo, hi] of [
        [0, Infinity],
        [-0.25, 0.5],
        [0.1, 0.1],
      ] as const) {
        for (const M of [1, 20])
          for (const density of densities) {
            for (const R of [1, 24]) check(sparseCase(linearCase(M, 41, 70, R, lo, hi), density), density);
          }
      }
    });

    it('takes NaN, infinite and denormal inputs, and zeros of either sign', () => {
      for (const M of [1, 6]) {
        for (const N of [1, 8, 16, 33, 48])
          for (const density of densities) check(sparseCase(linearCase(M, N, 200, 3), density, true), density);
      }
    });

    it('keeps a sum that has come back to zero', () => {
      // b + x0 w0 = 0, then terms 0 (-1), -0 1: every sum is +0.
      const c = { ...linearCase(1, 37, 68), b: new Float32Array(37).fill(-1) };
      c.x.fill(-0, 1);
      c.x[0] = 1;
      c.w.fill(1);
      for (let i = 0; i < c.w.length; i += 3) c.w[i] = i % c.K === 0 ? 1 : -1;
      const y = kernels.sparseGemm(c, panelsOf(c));
      assertSameBits(y, new Float32Array(37), 'sums of 0');
      assertSameBits(y, inOrder(c), 'sums of 0, in order');
    });

    it('does without scratch', () => {
      const c = sparseCase(linearCase(3, 40, 70), 0.1);
      assertSameBits(kernels.sparseGemm(c, panelsOf(c), c.N, false), inOrder(c), 'no scratch');
    });

    it('finds every weight that is not finite and every bias of -0', () => {
      for (const [N, K] of [
        [1, 0],
        [7, 3],
        [16, 5],
        [25, 2],
        [33, 1],
      ] as const) {
        const panels = packLinear(randomFloats(N * K, 5), K, 1, randomFloats(N, 6), 1, N, K);
        assert.ok(kernels.isSkippable(panels, N, K), `${N} x ${K}`);
        for (let i = 0; i < panels.length; i++) {
          const kept = panels[i]!;
          const width = i < 16 * (K + 1) * Math.floor(N / 16) || N % 16 > 8 ? 16 : 8;
          const isBias = i % (16 * (K + 1)) < width;
          for (const value of [Number.NaN, Infinity, -Infinity, -0, -3e38, 2 ** -149]) {
            panels[i] = value;
            const expected = Number.isFinite(value) && !(isBias && Object.is(value, -0));
            assert.equal(kernels.isSkippable(panels, N, K), expected, `${N} x ${K}: ${value} at ${i}`);
          }
          panels[i] = kept;
        }
      }
    });
  });
}
