import assert from 'node:assert/strict';
import { NR, panelWidth } from '../../src/runtime/panels.js';
import { packLinear } from './linear.js';
import { assertSameBits, randomFloats } from './linear-case.js';
import { builds, LinearKernels } from './linear-kernels.js';

const outputs = [1, 3, 4, 7, 8, 9, 12, 15, 16, 17, 24, 25, 32, 33];
const inputs = [0, 1, 3, 4, 5, 8, 19];

/** Reads W [N, K] back from panels. */
function unpack(panels: Float32Array, N: number, K: number): Float32Array {
  const w = new Float32Array(N * K);
  for (let n = 0; n < N; n++) {
    const panel = Math.floor(n / NR);
    const start = panel * NR * (K + 1);
    for (let k = 0; k < K; k++) w[n * K + k] = panels[start + (1 + k) * panelWidth(N, panel) + (n % NR)]!;
  }
  return w;
}

for (const build of builds) {
  describe(`f32_pack_linear (${build})`, () => {
    let kernels: LinearKernels;
    before(async () => {
      kernels = await LinearKernels.load(build);
    });

    it('packs every order of the weights', () => {
      for (const N of outputs) {
        for (const K of inputs) {
          const orders = { 'rows [N, K]': [K + 2, 1], 'columns [K, N]': [1, N + 3], 'both strided': [2, 2 * N + 1] };
          for (const [order, [strideN, strideK]] of Object.entries(orders) as [string, [number, number]][]) {
            const w = randomFloats((N - 1) * strideN + Math.max(0, K - 1) * strideK + 1, N * 100 + K);
            const bias = randomFloats(N, N);
            const packed = kernels.pack(w, strideN, strideK, bias, 1, N, K);
            assertSameBits(packed, packLinear(w, strideN, strideK, bias, 1, N, K), `${order} N=${N} K=${K}`);
          }
        }
      }
    });

    it('takes a bias with a stride, a scalar one, and none', () => {
      const w = randomFloats(19 * 6, 5);
      for (const [bias, stride] of [
        [randomFloats(55, 6), 3],
        [randomFloats(1, 7), 0],
        [null, 0],
      ] as const) {
        assertSameBits(
          kernels.pack(w, 6, 1, bias, stride, 19, 6),
          packLinear(w, 6, 1, bias, stride, 19, 6),
          `stride ${stride}`,
        );
      }
    });

    it('stores a bias of -0 as +0, and weights as they are', () => {
      const packed = kernels.pack(Float32Array.of(-0, Number.NaN), 1, 1, Float32Array.of(-0), 1, 1, 2);
      assert.ok(Object.is(packed[0], 0), `bias: got ${packed[0]}`);
      assert.ok(Object.is(packed[8], -0) && Number.isNaN(packed[16]), `weights: got ${packed[8]}, ${packed[16]}`);
    });

    it('packs without loss', () => {
      for (const N of outputs) {
        const w = randomFloats(N * 7, N);
        assertSameBits(unpack(kernels.pack(w, 7, 1, null, 0, N, 7), N, 7), w, `N=${N}`);
      }
    });
  });
}
