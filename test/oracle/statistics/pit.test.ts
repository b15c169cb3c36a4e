import assert from 'node:assert/strict';
import { Random } from '../../support/random.js';
import { assertClose, builds } from './builds.js';
import { normalLogTailOracle, pitOracle, upperTailOracle } from './distributions.js';
import { readGolden } from './golden.js';

const families = ['normal', 'truncated-normal', 'uniform'] as const;
const golden = readGolden();

for (const [build, { kernels, workspace, tables }] of builds) {
  describe(`f32_pit, ${build} build`, () => {
    before(() => {
      kernels.f64_pit_table(1, tables.truncated.ptr);
      kernels.f64_pit_table(2, tables.uniform.ptr);
    });

    function pit(weights: Float32Array<ArrayBuffer>, family: number, scale: number): Float32Array {
      return workspace.scope(() => {
        const block = workspace.copyIn('float32', weights);
        const table = family === 1 ? tables.truncated : tables.uniform;
        kernels.f32_pit(weights.length, block.ptr, family, scale, table.ptr, block.ptr);
        return workspace.copyOut(block);
      });
    }

    function dithered(weights: Float32Array<ArrayBuffer>, family: number, scale: number, step: number, key = 5n) {
      return workspace.scope(() => {
        const block = workspace.copyIn('float32', weights);
        kernels.f32_pit_dithered(
          weights.length,
          block.ptr,
          family,
          scale,
          step,
          key,
          0n,
          tables.uniform.ptr,
          block.ptr,
        );
        return workspace.copyOut(block);
      });
    }

    for (const [code, family] of families.entries()) {
      it(`gives the scores of the oracle under ${family}`, () => {
        const random = new Random(7);
        const scale = 0.37;
        const edge = family === 'uniform' ? 1 : 2;
        const weights = Float32Array.from({ length: 400 }, () => (2 * random.next() - 1) * 0.9999 * edge * scale);
        const scores = pit(weights, code, scale);
        for (const [i, w] of weights.entries()) {
          // 1e-9 of the table and the rounding of z to f32; near the edge the rounding of w dominates.
          assertClose(scores[i], pitOracle(family, w / scale), 2e-7, `${family} w = ${w}`);
        }
      });
    }

    it('gives the scores of SciPy', () => {
      for (const [family, x, z] of golden.pit) {
        const [score] = pit(Float32Array.of(x), families.indexOf(family), 1);
        // w itself is rounded to f32: dz = dw / density of the tail.
        assertClose(
          score,
          z,
          1e-3 * (1 + z * z) * (1 - Math.abs(x) < 1e-3 || Math.abs(x) > 1.99 ? 1 : 1e-3),
          `${family} ${x}`,
        );
      }
    });

    it('puts weights outside the support beyond any p-value, and those at its edge at 2^-24', () => {
      const scores = pit(Float32Array.of(1.001, -1.001, 1, -1), 2, 1);
      assert.deepEqual([...scores.subarray(0, 2)], [38.5, -38.5]);
      const edge = -normalLogTailOracle(scores[2]) / Math.LN2;
      assert.ok(Math.abs(edge - 25) < 1e-3, `${edge} bits`);
      assert.equal(scores[3], -scores[2]);
    });

    it('dithers quantised weights back to the law', () => {
      const n = 20000;
      const random = new Random(11);
      const step = 0.1;
      for (const [code, family] of families.entries()) {
        if (family !== 'uniform') continue;
        // Uniform weights rounded to 20 levels: a distance of 1/40 from the law unless dithered.
        const weights = Float32Array.from({ length: n }, () => Math.round((2 * random.next() - 1) / step) * step);
        const u = dithered(weights, code, 1, step)
          .map((z) => Math.exp(normalLogTailOracle(-z)))
          .sort();
        let distance = 0;
        for (let i = 0; i < n; i++) distance = Math.max(distance, Math.abs(u[i] - (i + 0.5) / n));
        assert.ok(distance < 1.95 / Math.sqrt(n), `distance ${distance}`); // the .1 % point
      }
    });

    it('keeps a dithered score inside its cell, for every family', () => {
      const step = 0.2;
      const weights = Float32Array.from({ length: 60 }, (_, i) => ((i % 9) - 4) * step);
      for (const [code, family] of families.entries()) {
        const scores = dithered(weights, code, 1, step);
        for (const [i, w] of weights.entries()) {
          const u = Math.exp(normalLogTailOracle(-scores[i]));
          const cdf = (x: number) => (x > 0 ? 1 - upperTailOracle(family, x) : upperTailOracle(family, -x));
          assert.ok(u >= cdf(w - step / 2) - 1e-6 && u <= cdf(w + step / 2) + 1e-6, `${family} ${w}: ${u}`);
        }
      }
    });

    it('depends on key and index alone', () => {
      const weights = new Float32Array(50).fill(0.1);
      assert.deepEqual(dithered(weights, 0, 1, 0.2), dithered(weights, 0, 1, 0.2));
      assert.notDeepEqual(dithered(weights, 0, 1, 0.2), dithered(weights, 0, 1, 0.2, 6n));
      assert.equal(new Set(dithered(weights, 0, 1, 0.2)).size, 50);
    });
  });
}
