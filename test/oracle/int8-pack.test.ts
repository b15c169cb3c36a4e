import assert from 'node:assert/strict';
import { int8PanelLength } from '../../src/runtime/panels.js';
import { GuardedMemory } from './guarded-memory.js';
import { packInt8 } from './int8.js';
import { randomFloats } from './linear-case.js';

interface PackExports {
  i8_pack_linear(...args: readonly number[]): void;
  i8_quantize_rows(...args: readonly number[]): void;
}

const int8 = (length: number, seed: number) =>
  Int8Array.from(randomFloats(length, seed), (value) => Math.floor(128 * value));

/** The weighted squared error of a row rounded at a scale: ties to even, cut at 127. */
function errorAt(scale: number, w: Float32Array, weight: Float64Array): number {
  return w.reduce((sum, value, k) => sum + weight[k]! * (value - scale * roundAt(value, scale)) ** 2, 0);
}

function roundAt(value: number, scale: number): number {
  const low = Math.floor(value / scale);
  const rest = value / scale - low;
  const nearest = rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low;
  return Math.min(Math.max(nearest, -127), 127);
}

for (const build of ['analysis-debug', 'analysis']) {
  describe(`i8_pack_linear, i8_quantize_rows (${build})`, () => {
    let memory: GuardedMemory<PackExports>;
    before(async () => {
      memory = await GuardedMemory.load<PackExports>(build);
    });

    it('packs weights in either order, signed or not, and pads with zeros', () => {
      for (const N of [0, 1, 7, 8, 9, 15, 16, 17, 24, 25, 33]) {
        for (const K of [0, 1, 2, 7, 8]) {
          memory.reset();
          const [w, add, scale] = [int8(N * K, N + K), randomFloats(N, 2), randomFloats(N, 3)];
          for (const isTransposed of [false, true]) {
            const [strideN, strideK] = isTransposed ? [1, N] : [K, 1];
            const given = w.map((_, i) => (isTransposed ? w[(i % N) * K + Math.floor(i / N)]! : w[i]!));
            for (const flip of [0, 128]) {
              const source = memory.place(Uint8Array.from(given, (value) => (value & 255) ^ flip));
              const [addPtr, scalePtr] = [memory.place(add).ptr, memory.place(scale).ptr];
              const panels = memory.place(int8PanelLength(N, K));
              memory.guarded([panels], () =>
                memory.exports.i8_pack_linear(panels.ptr, source.ptr, strideN, strideK, flip, addPtr, scalePtr, N, K),
              );
              assert.deepEqual(memory.bytes(panels).slice(), packInt8(w, add, scale, N, K), `N=${N} K=${K}`);
            }
          }
        }
      }
    });

    it('rounds rows at the scale of least error, and says what the bias has to make up for', () => {
      const [N, K] = [9, 50];
      const w = randomFloats(N * K, 1);
      w.fill(0, 0, K);
      // An outlier among inputs that count little: cutting it off pays.
      w[2 * K] = 1.3;
      const weight = Float64Array.from(randomFloats(K, 2), (value, k) => (k === 0 ? 1e-6 : Math.abs(value)));
      const mean = Float64Array.from(randomFloats(K, 3));
      memory.reset();
      const [wPtr, weightPtr, meanPtr] = [w, weight, mean].map((data) => memory.place(data).ptr);
      const [q, scale, stats] = [memory.place(N * K), memory.place(4 * N), memory.place(24 * N)];
      memory.guarded([q, scale, stats], () =>
        memory.exports.i8_quantize_rows(q.ptr, scale.ptr, stats.ptr, wPtr!, weightPtr!, meanPtr!, N, K),
      );
      const [qs, scales, stated] = [
        new Int8Array(memory.bytes(q).slice().buffer),
        new Float32Array(memory.bytes(scale).slice().buffer),
        new Float64Array(memory.bytes(stats).slice().buffer),
      ];
      for (let n = 0; n < N; n++) {
        const row = w.subarray(n * K, (n + 1) * K);
        const most = row.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
        const tried = Array.from({ length: 16 }, (_, i) => Math.fround((most / 127) * (1 - i / 40)));
        const least = Math.min(...tried.map((one) => errorAt(one, row, weight)));
        if (n > 0) assert.ok(errorAt(scales[n]!, row, weight) <= least * (1 + 1e-12), `row ${n}`);
        assert.equal(scales[n] === 0, n === 0, `scale of row ${n}`);
        if (n === 2) assert.ok(scales[n]! < most / 127, 'the outlier is cut off');
        let expected = 0;
        row.forEach((value, k) => {
          const rounded = n === 0 ? 0 : roundAt(value, scales[n]!);
          assert.equal(qs[n * K + k], rounded, `[${n}, ${k}]`);
          expected += mean[k]! * (value - scales[n]! * rounded);
        });
        const size = row.reduce((sum, value, k) => sum + weight[k]! * value ** 2, 0);
        const error = n === 0 ? 0 : errorAt(scales[n]!, row, weight);
        [expected, error, size].forEach((value, i) => {
          assert.ok(Math.abs(stated[3 * n + i]! - value) <= 1e-12 * K, `number ${i} of row ${n}`);
        });
      }
    });
  });
}
