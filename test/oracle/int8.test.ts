import assert from 'node:assert/strict';
import { GuardedMemory } from './guarded-memory.js';
import { type Int8Case, int8Output, int8Truth, packInt8, quantizeInputs, rowOf } from './int8.js';
import { assertSameBits, randomFloats } from './linear-case.js';
import { builds, relaxedBuilds } from './linear-kernels.js';

interface Int8Exports {
  i8_gemm(...args: readonly number[]): void;
}

/** Rows around each tile height and the block of 64; outputs around each tile width; inputs around pairs and vectors. */
const smallRows = [1, 2, 3, 4, 5, 7, 9];
const outputs = [1, 3, 4, 5, 7, 8, 9, 12, 13, 15, 16, 17, 20, 24, 25, 31, 32, 33];
const smallInputs = [0, 1, 2, 3, 7, 8, 9, 17];

const scratchBytes = (M: number, K: number) => Math.min(M, 64) * (4 + evenBytes(K)) + (M < 4 ? 0 : 16 * evenBytes(K));
const evenBytes = (count: number) => 2 * (count + (count % 2));

function int8Weights(length: number, seed: number): Int8Array {
  return Int8Array.from(randomFloats(length, seed), (value) => Math.round(127 * value));
}

function int8Case(M: number, N: number, K: number, R = 0, lo = -Infinity, hi = Infinity): Int8Case {
  const seed = ((M * 31 + N) * 31 + K) * 31 + R;
  const [ldx, ldz] = [K + 3, R + 5];
  const scale = randomFloats(N, seed + 4).map((value) => 0.01 + 0.01 * Math.abs(value));
  const [x, z] = [randomFloats(M * ldx, seed), randomFloats(M * ldz, seed + 1)];
  const [w, bias] = [int8Weights(N * (K + R), seed + 2), randomFloats(N, seed + 3)];
  return { M, N, K, R, x, ldx, z, ldz, w, scale, bias, lo, hi };
}

/** Runs i8_gemm on guarded memory, rows of y two apart; returns y [M, N]. */
function runLinear(memory: GuardedMemory<Int8Exports>, c: Int8Case): Float32Array {
  memory.reset();
  const { M, N, K, R, ldx, ldz, lo, hi } = c;
  const [x, z, panels] = [c.x, c.z, packInt8(c.w, c.bias, c.scale, N, K + R)].map((data) => memory.place(data));
  const ldy = N + 2;
  const y = memory.place(4 * ((M - 1) * ldy + N));
  const scratch = memory.place(scratchBytes(M, K + R));
  const rows = Array.from({ length: M }, (_, m) => ({ ptr: y.ptr + 4 * m * ldy, bytes: 4 * N }));
  memory.guarded([...rows, scratch], () =>
    memory.exports.i8_gemm(0, y.ptr, ldy, x!.ptr, ldx, panels!.ptr, M, N, K, z!.ptr, ldz, R, lo, hi, scratch.ptr),
  );
  const values = new Float32Array(M * N);
  rows.forEach((row, m) => {
    values.set(new Float32Array(memory.bytes(row).slice().buffer), m * N);
  });
  return values;
}

/** Equal to the plain twin bit for bit, and as near to the true product as rounding the inputs allows. */
function check(memory: GuardedMemory<Int8Exports>, c: Int8Case): void {
  const y = runLinear(memory, c);
  const name = `M=${c.M} N=${c.N} K=${c.K} R=${c.R} lo=${c.lo} hi=${c.hi}`;
  const expected = new Float32Array(y.length);
  for (let m = 0; m < c.M; m++) {
    const { q, scale } = quantizeInputs(rowOf(c, m));
    for (let n = 0; n < c.N; n++) {
      expected[m * c.N + n] = int8Output(c, q, scale, n);
      const { value, bound } = int8Truth(c, m, n);
      const error = Math.abs(expected[m * c.N + n]! - value);
      assert.ok(error <= bound, `${name}: [${m}, ${n}] got ${expected[m * c.N + n]}, expected ${value} +- ${bound}`);
    }
  }
  assertSameBits(y, expected, name);
}

for (const build of [...builds, ...(relaxedBuilds.length > 0 ? ['relaxed'] : [])]) {
  describe(`i8_gemm (${build})`, () => {
    let memory: GuardedMemory<Int8Exports>;
    before(async () => {
      memory = await GuardedMemory.load<Int8Exports>(build);
    });

    it('computes every edge of the tiles', () => {
      for (const M of smallRows) for (const N of outputs) for (const K of smallInputs) check(memory, int8Case(M, N, K));
    });

    it('computes every edge of the row blocks, and long rows', () => {
      for (const M of [15, 16, 17, 63, 64, 65, 81, 130]) check(memory, int8Case(M, 9, 5, 2));
      for (const K of [513, 2048]) for (const M of [1, 5]) check(memory, int8Case(M, 21, K));
    });

    it('rounds two sources as one row, clamps once, at the end', () => {
      for (const [M, N, K, R] of [
        [1, 33, 4, 3],
        [5, 10, 7, 1],
        [6, 17, 9, 8],
      ] as const) {
        check(memory, int8Case(M, N, K, R));
        check(memory, int8Case(M, N, K, R, 0, Infinity));
        check(memory, int8Case(M, N, K, R, -0.1, 0.2));
      }
    });

    it('keeps sums inside 32 bits at the largest weights and inputs', () => {
      for (const K of [1, 2, 515, 4096, 20_000]) {
        const c = int8Case(1, 16, K);
        c.w.fill(-128);
        c.x.fill(-3);
        check(memory, c);
      }
    });

    it('gives NaN where a row is not finite, the bias where it is next to nothing, and rounds ties to even', () => {
      for (const special of [Number.NaN, Infinity, -Infinity]) {
        const c = int8Case(3, 10, 9);
        c.x[c.ldx + 8] = special;
        const y = runLinear(memory, c);
        y.forEach((value, i) => {
          assert.equal(Number.isNaN(value), Math.floor(i / 10) === 1, `element ${i}: ${value}`);
        });
        check(memory, { ...c, x: c.x.map((value) => (Number.isFinite(value) ? value : 0)) });
      }
      for (const value of [0, -0, 1e-45, -9e-31, 1.1e-30]) {
        const c = int8Case(2, 5, 3);
        c.x.fill(value);
        check(memory, c);
      }
      const c = int8Case(1, 8, 6);
      c.x.set([32767, 0.5, 1.5, 2.5, -0.5, -2.5]);
      check(memory, c);
    });

    it('gives a row the same bits alone and in a batch', () => {
      const c = int8Case(71, 27, 40, 3, -0.5, 0.5);
      const whole = runLinear(memory, c);
      for (let m = 0; m < c.M; m++) {
        const row = { ...c, M: 1, x: c.x.subarray(m * c.ldx), z: c.z.subarray(m * c.ldz) };
        assertSameBits(runLinear(memory, row), whole.slice(m * c.N, (m + 1) * c.N), `row ${m}`);
      }
    });

    it('multiplies quantised matrices exactly, whatever the zero points', () => {
      for (const isSigned of [false, true]) {
        for (const zero of isSigned ? [-128, 0, 127] : [0, 3, 255]) {
          for (const [M, N, K] of [
            [1, 17, 9],
            [2, 8, 1],
            [3, 33, 0],
            [5, 16, 8],
            [67, 10, 21],
          ] as const) {
            memory.reset();
            const seed = M * 7919 + N * 31 + K;
            const x = Int32Array.from(
              randomFloats(M * K, seed),
              (v) => Math.floor((v + 1) * 128) - (isSigned ? 128 : 0),
            );
            const w = int8Weights(N * K, seed + 1);
            const add = Int32Array.from(randomFloats(N, seed + 2), (v) => Math.round(255 * v));
            const bytes = isSigned ? Int8Array.from(x) : Uint8Array.from(x);
            const panels = memory.place(packInt8(w, add, new Float32Array(N), N, K));
            const [input, y] = [memory.place(bytes), memory.place(4 * M * N)];
            const scratch = memory.place(scratchBytes(M, K));
            const zeroPtr = zero === 0 ? 0 : memory.place(Int8Array.of(zero)).ptr;
            memory.guarded([y, scratch], () => {
              const [dtype, rest] = [isSigned ? 2 : 1, [zeroPtr, 0, 0, 0, 0]];
              memory.exports.i8_gemm(dtype, y.ptr, N, input.ptr, K, panels.ptr, M, N, K, ...rest, scratch.ptr);
            });
            const got = new Int32Array(memory.bytes(y).slice().buffer);
            const expected = Int32Array.from(got, (_, i) => {
              const [m, n] = [Math.floor(i / N), i % N];
              let sum = 0n;
              for (let k = 0; k < K; k++) sum += BigInt(bytes[m * K + k]! - zero) * BigInt(w[n * K + k]! + add[n]!);
              return Number(BigInt.asIntN(32, sum));
            });
            assert.deepEqual(got, expected, `M=${M} N=${N} K=${K} zero=${zero}`);
          }
        }
      }
    });
  });
}
