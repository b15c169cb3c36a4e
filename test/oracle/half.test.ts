import assert from 'node:assert/strict';
import { halfToNumber, numberToHalf } from '../../src/graph/operators/half.js';
import { GuardedMemory } from './guarded-memory.js';

interface HalfExports {
  f16_widen(yPtr: number, xPtr: number, count: number): void;
  f32_narrow(yPtr: number, xPtr: number, count: number): void;
}

/** Every half; and floats at, and next to, each half, each middle between two, and beyond the largest. */
const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
const finite = [...halves.subarray(0, 0x7c00)].map(halfToNumber);
const floats = Float32Array.from(
  finite.flatMap((value, i) => {
    const middle = (value + (finite[i + 1] ?? 65536)) / 2;
    const step = Math.max(middle * 2 ** -23, 2 ** -149);
    return [value, -value, middle, -middle, middle - step, middle + step, middle * 1.0001];
  }),
);
const specials = Float32Array.of(
  Infinity,
  -Infinity,
  Number.NaN,
  65519.996,
  65520,
  3e38,
  -1e-45,
  2 ** -25,
  1.1 * 2 ** -25,
);

for (const [build, tool] of [
  ['debug', 'analysis-debug'],
  ['plain', 'analysis'],
] as const) {
  describe(`f16_widen (${build}), f32_narrow (${tool})`, () => {
    it('gives the number that each half stands for, in place too', async () => {
      const memory = await GuardedMemory.load<HalfExports>(build);
      for (const isInPlace of [false, true]) {
        memory.reset();
        const y = memory.place(4 * halves.length);
        const x = isInPlace ? { ptr: y.ptr + 2 * halves.length, bytes: 2 * halves.length } : memory.place(halves);
        memory.bytes(x).set(new Uint8Array(halves.buffer));
        memory.guarded([y], () => memory.exports.f16_widen(y.ptr, x.ptr, halves.length));
        const got = new Float32Array(memory.bytes(y).slice().buffer);
        halves.forEach((bits) => {
          assert.ok(Object.is(got[bits], halfToNumber(bits)), `half ${bits}: got ${got[bits]}`);
        });
      }
    });

    it('rounds to the nearest half, ties to even', async () => {
      const memory = await GuardedMemory.load<HalfExports>(tool);
      for (const values of [floats, specials]) {
        memory.reset();
        const x = memory.place(values);
        const y = memory.place(2 * values.length);
        memory.guarded([y], () => memory.exports.f32_narrow(y.ptr, x.ptr, values.length));
        const got = new Uint16Array(memory.bytes(y).slice().buffer);
        values.forEach((value, i) => {
          assert.equal(got[i], numberToHalf(value), `${value}`);
        });
      }
    });
  });
}
