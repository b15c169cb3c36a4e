/** The margin kernel against plain sorting, with guard words around what they write. */
import assert from 'node:assert/strict';
import type { RuntimeKernels } from '../../src/runtime/kernels.js';
import { bindKernels, createMemory, decodeLatin1 } from '../../src/runtime/wasm.js';
import { Random } from '../support/random.js';
import { builds } from './linear-kernels.js';

/** Unaligned for v128. */
const [xPtr, marginPtr] = [600_004, 800_012];

function argmaxMargin(x: Float32Array): number {
  if (x.some(Number.isNaN)) return Number.NaN;
  const [top, second = Number.NEGATIVE_INFINITY] = [...x].sort((a, b) => b - a);
  return Math.fround(top - second);
}

function thresholdMargin(x: Float32Array, at: number): number {
  return Math.min(...[...x].map((value) => Math.abs(Math.fround(value - at))));
}

for (const build of builds) {
  describe(`margins (${build})`, () => {
    const memory = createMemory(2 ** 20);
    let kernels: RuntimeKernels;
    before(async () => {
      const { latin1 } = (await import(new URL(`../../wasm/${build}.js`, import.meta.url).href)) as { latin1: string };
      kernels = bindKernels<RuntimeKernels>(decodeLatin1(latin1), memory).exports;
    });

    it('are the least over the positions and over what stood there, for both decisions', () => {
      const random = new Random(1);
      for (const [rows, positions, columns] of [
        [0, 1, 3],
        [1, 1, 1],
        [3, 1, 2],
        [2, 1, 4],
        [7, 1, 8],
        [7, 1, 10],
        [2, 3, 5],
        [5, 2, 17],
        [4, 0, 3],
      ]) {
        const x = random.floats(rows * positions * columns);
        if (x.length > 20) x.set([Number.NaN, 1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY], 3);
        // The largest twice, in lanes of their own and in one lane.
        if (columns === 10) for (const at of [0, 9, 23, 27]) x[at] = 2;
        const before = random.floats(rows).map((value) => 2 * Math.abs(value));
        for (const decision of [0, 1]) {
          new Float32Array(memory.buffer, xPtr, x.length).set(x);
          const written = new Float32Array(memory.buffer, marginPtr - 4, rows + 2).fill(77);
          written.set(before, 1);
          kernels.f32_margins(decision, rows, positions, columns, 0.25, xPtr, marginPtr);
          const expected = before.map((value, m) => {
            const margins = Array.from({ length: positions }, (_, p) => {
              const at = (m * positions + p) * columns;
              const row = x.subarray(at, at + columns);
              return decision === 0 ? argmaxMargin(row) : thresholdMargin(row, 0.25);
            });
            return Math.min(value, ...margins);
          });
          assert.deepEqual([...written], [77, ...expected, 77], `${[decision, rows, positions, columns]}`);
        }
      }
    });
  });
}
