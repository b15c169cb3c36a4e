import assert from 'node:assert/strict';
import { Random } from '../../support/random.js';
import { assertClose, builds } from './builds.js';
import { normalLogTailOracle, pitOracle, upperTailOracle } from './distributions.js';
import { ditheredOracle } from './dither.js';
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

    /** `most` 1: cells one by one. A word behind the scores guards their end. */
    function dithered(
      weights: Float32Array<ArrayBuffer>,
      family: number,
      scale: number,
      step: number,
      { key = 5n, first = 0n, most = 1024 } = {},
    ) {
      return workspace.scope(() => {
        const levels = workspace.allocate('float64', 2 * most);
        const block = workspace.copyIn('float32', Float32Array.of(...weights, 77));
        kernels.f32_pit_dithered(
          weights.length,
          block.ptr,
          family,
          scale,
          step,
          key,
          first,
          tables.uniform.ptr,
          levels.ptr,
          most,
          block.ptr,
        );
        const scores = workspace.copyOut(block);
        assert.equal(scores[weights.length], 77);
        return scores.slice(0, -1);
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
      const step = 0.1;
      for (const code of families.keys()) {
        // Rounded to 20 levels or so: a distance of about 1/40 from the law unless dithered.
        const weights = workspace
          .scope(() => {
            const block = workspace.allocate('float32', n);
            kernels.f32_draw(n, code, 1, 11n, 0n, block.ptr);
            return workspace.copyOut(block);
          })
          .map((w) => Math.round(w / step) * step);
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

    it("gives the oracle's dithered scores, from tabulated cells and one by one", () => {
      const random = new Random(3);
      const scale = 0.37;
      for (const [code, family] of families.entries()) {
        for (const [step, offset, n] of [
          [0.01, 0, 61],
          [0.013, 0.0041, 60],
          [0.4, 0, 32], // the middle cell is wider than the law's bulk
          [3, 0, 7],
        ]) {
          const edge = family === 'normal' ? 5 : family === 'uniform' ? 1 : 2;
          const weights = Float32Array.from({ length: n }, () => {
            const level = Math.round(((2 * random.next() - 1) * edge * scale) / step);
            return offset + level * step;
          });
          for (const most of [1, 1024]) {
            const scores = dithered(weights, code, scale, step, { most, first: 9n });
            for (const [i, w] of weights.entries()) {
              const cell = { w: w / scale, half: step / 2 / scale };
              const { z, slope } = ditheredOracle(family, cell, 5n, 9n + BigInt(i));
              // The table's 1e-9 and the rounding of z; cells stand on the grid of the smallest weight, so those of w
              // are moved by the rounding of both to f32, and z by that times its slope (density of a law <= 1/2).
              const moved = 2 * edge * 2 ** -24;
              const tolerance = 1e-9 + 2 ** -24 * Math.abs(z) + 0.5 * slope * moved;
              assert.ok(Math.abs(scores[i] - z) <= tolerance, `${family} step ${step} w ${w}: ${scores[i]} not ${z}`);
            }
          }
        }
      }
    });

    it('depends on key and index alone', () => {
      const weights = new Float32Array(50).fill(0.1);
      assert.deepEqual(dithered(weights, 0, 1, 0.2), dithered(weights, 0, 1, 0.2));
      assert.notDeepEqual(dithered(weights, 0, 1, 0.2), dithered(weights, 0, 1, 0.2, { key: 6n }));
      assert.equal(new Set(dithered(weights, 0, 1, 0.2)).size, 50);
    });
  });
}
